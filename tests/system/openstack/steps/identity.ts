/** Who this VM is, its router and its neighbours. */

import assert from "node:assert/strict";
import { neighbourForIpv4, neighbours } from "../../../fakes/neighbours.ts";
import { openOpenstack } from "../../../../src/clouds/openstack/openstack.ts";
import { openstackOptions } from "../../../fakes/openstack/options.ts";
import type { RigSteps } from "../rig_steps.ts";
import { hideExtension, open, peer, rejects, self, signal, texts } from "./helpers.ts";

/** See the head of this file. */
export const identitySteps: RigSteps = {
  async "identify() finds port, subnet and router by way of the metadata service"(rig): Promise<void> {
    const identity = await open(rig).identify(signal());
    assert.equal(identity.instance, "vm (83679162-1378-4288-a2d4-70e13ec132aa)");
    assert.deepEqual(identity.self, { 4: self, 6: "fd00:10::20" });
    assert.deepEqual(
      identity.attachments.map(({ addresses, networks }) => [texts(addresses), texts(networks)]),
      [[
        [self, "fd00:10::20"],
        ["10.0.0.0/24", "fd00:10::/64"],
      ]],
    );
    assert.deepEqual(texts(identity.networks), ["10.0.0.0/24", "fd00:10::/64"]);
    const [four, six, ...linkLocal] = texts(identity.subnetRouters);
    assert.deepEqual([four, six], ["10.0.0.1", "fd00:10::"]);
    assert.ok(
      linkLocal.length > 0 && linkLocal.every((text) => text.startsWith("fe80::f816:3eff:fe")),
      `${linkLocal}`,
    );
  },

  async "locate() and prepare() give the subnet's router, which is never ours"(rig): Promise<void> {
    const cloud = open(rig);
    const expected = [{ id: rig.ids.router, name: "r1", ours: false }];
    assert.deepEqual(await cloud.locate(signal()), expected);
    assert.deepEqual(await cloud.prepare(signal()), expected);
    assert.deepEqual(await open(rig, { router: "r1" }).locate(signal()), expected);
    assert.deepEqual(await open(rig, { router: rig.ids.router }).locate(signal()), expected);
    assert.deepEqual(await open(rig, { routeTables: [rig.ids.router, "r1"] }).locate(signal()), expected);
  },

  async "locate() names the routers to choose from when several are on the subnet"(rig): Promise<void> {
    const { id } = await rig.member.create("neutron", "routers", "router", { name: "r2" });
    const port = await rig.member.create("neutron", "ports", "port", { network_id: rig.ids.network });
    await rig.member.neutron("PUT", `routers/${id}/add_router_interface`, { port_id: port.id });
    try {
      await rejects(
        open(rig).locate(signal()),
        "invalid",
        /: r[12] \(.*; r[12] \(.*; name one by its id with -router/,
      );
      const error = await open(rig).locate(signal()).catch((reason: Error) => reason.message);
      assert.match(
        `${error}`,
        /r1 \([0-9a-f-]{36}, at 10\.0\.0\.1 \(the gateway\) and fd00:10:: \(the gateway\)\)/,
      );
      assert.match(`${error}`, /r2 \([0-9a-f-]{36}, at 10\.0\.0\.[0-9]+ and fd00:10::[0-9a-f]+\)/);
      assert.equal((await open(rig, { router: "r2" }).locate(signal()))[0]?.id, id);
      const identity = await open(rig, { routeTables: ["r1", "r2"] }).identify(signal());
      assert.equal(identity.self[4], self);
    } finally {
      await rig.member.neutron("PUT", `routers/${id}/remove_router_interface`, { port_id: port.id });
      await rig.member.neutron("DELETE", `routers/${id}`);
    }
  },

  async "locate() says gone when no router is on the subnet or none has the name"(rig): Promise<void> {
    await rejects(open(rig, { router: "nowhere" }).locate(signal()), "gone", /router "nowhere"/);
    await rig.proxy.inject({
      match: /ports\?.*device_owner=network/,
      answer: () => Response.json({ ports: [] }),
    });
    await rejects(open(rig).locate(signal()), "gone", /router of subnet .*none is on it.*-router/);
  },

  async "identify() refuses a router that is on none of this VM's subnets"(rig): Promise<void> {
    const { id } = await rig.member.create("neutron", "routers", "router", { name: "elsewhere" });
    try {
      await rejects(
        open(rig, { router: "elsewhere" }).identify(signal()),
        "invalid",
        /none of its addresses/,
      );
    } finally {
      await rig.member.neutron("DELETE", `routers/${id}`);
    }
  },

  async "identify() finds out whether routes may have several next hops"(rig): Promise<void> {
    const cloud = openOpenstack(openstackOptions(rig.environment()));
    assert.equal(cloud.traits.nextHopsPerRoute, 1);
    await cloud.identify(signal());
    assert.equal(cloud.traits.nextHopsPerRoute, 16);
    hideExtension(rig, "quota-check-limit");
    await cloud.identify(signal());
    assert.equal(cloud.traits.nextHopsPerRoute, 1);
  },

  async "resolve() gives a gateway's address if a port has it, asking once"(rig): Promise<void> {
    const cloud = open(rig);
    await cloud.identify(signal());
    rig.proxy.clear();
    const gateways = [...neighbours(peer, "10.0.0.99", "fd00:10::30"), neighbourForIpv4("fd00:10::30")];
    const found = await cloud.resolve(gateways, signal());
    assert.deepEqual(
      found,
      [peer, null, "fd00:10::30", peer],
      "an IPv4 route names the IPv4 address of that port",
    );
    assert.deepEqual(await cloud.resolve(gateways, signal()), found);
    assert.equal(rig.proxy.calls.length, 1);
  },
};
