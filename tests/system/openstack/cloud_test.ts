/** The OpenStack cloud against the real Keystone and Neutron. */

import assert from "node:assert/strict";
import type {
  Change,
  Cloud,
  CloudRoute,
  CloudTable,
  TableState,
  WriteResult,
} from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { CloudOptions } from "../../../src/clouds/cloud_options.ts";
import { openOpenstack } from "../../../src/clouds/openstack/openstack.ts";
import { accessRules } from "../../../src/clouds/openstack/policy.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { openstackOptions } from "../../fakes/openstack_options.ts";
import type { ExtraRoute, OpenstackRig } from "../../fakes/openstack_rig.ts";
import { type RigSteps, testOnRig } from "./rig_steps.ts";

const self = "10.0.0.20";
const peer = "10.0.0.30";

const tests: RigSteps = {
  async "identify() finds port, subnet and router by way of the metadata service"(rig): Promise<void> {
    const identity = await open(rig).identify(signal());
    assert.equal(identity.instance, "vm (83679162-1378-4288-a2d4-70e13ec132aa)");
    assert.deepEqual(identity.self, { 4: self, 6: "fd00:10::20" });
    assert.deepEqual(texts(identity.subnets), ["10.0.0.0/24", "fd00:10::/64"]);
    assert.deepEqual(texts(identity.networks), ["10.0.0.0/24", "fd00:10::/64"]);
    assert.deepEqual(texts(identity.subnetRouters), ["10.0.0.1", "fd00:10::"]);
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
        /: r[12] \(.*, r[12] \(.* are on it; name one with -router/,
      );
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

  async "resolve() gives a gateway's address if a port has it, asking once"(rig): Promise<void> {
    const cloud = open(rig);
    await cloud.identify(signal());
    rig.proxy.clear();
    const gateways = [peer, "10.0.0.99", "fd00:10::30"].map(parseAddress);
    const found = await cloud.resolve(gateways, signal());
    assert.deepEqual([...found], [[peer, peer], ["10.0.0.99", null], ["fd00:10::30", "fd00:10::30"]]);
    assert.deepEqual(await cloud.resolve(gateways, signal()), found);
    assert.equal(rig.proxy.calls.length, 1);
  },

  async "read() gives one route a pair, and foreign texts as they are written"(rig): Promise<void> {
    await rig.addRoutes([
      { destination: "198.51.100.0/24", nexthop: self },
      { destination: "198.51.100.0/24", nexthop: peer },
      { destination: "203.0.113.7/24", nexthop: self },
      { destination: "2001:DB8:0::/32", nexthop: "fd00:10::20" },
    ]);
    const { routes, quotas, version } = await (await ready(rig)).read();
    assert.deepEqual(routes.map(routeText).sort(), [
      "198.51.100.0/24 > 10.0.0.20",
      "198.51.100.0/24 > 10.0.0.30",
      "2001:db8::/32 > fd00:10::20 (written as 2001:DB8:0::/32)",
      "203.0.113.0/24 > 10.0.0.20 (written as 203.0.113.7/24)",
    ]);
    assert.deepEqual(quotas, [{ families: [4, 6], used: 4, limit: 30, perNextHop: true }]);
    assert.match(version ?? "", /^[0-9]+$/);
  },

  async "write() adds 30 routes in one call and gives the table back"(rig): Promise<void> {
    const table = await ready(rig);
    const prefixes = Array.from({ length: 30 }, (_, index) => `198.51.${index}.0/24`);
    const state = await table.read();
    await table.write([add("192.0.2.0/24", self)], state);
    await table.write([withdraw("192.0.2.0/24", self)], state);
    rig.proxy.clear();
    const result = await table.write(prefixes.map((prefix) => add(prefix, self)), state);
    assert.equal(rig.proxy.callsTo(/PUT/).length, 1);
    assert.deepEqual(result.outcomes, prefixes.map(() => null));
    assert.equal(result.state?.routes.length, 30);
    assert.deepEqual(result.state?.quotas, [{ families: [4, 6], used: 30, limit: 30, perNextHop: true }]);
    assert.deepEqual(result.state, await table.read());
    assert.equal((await rig.routes()).length, 30);
  },

  async "write() changes a next hop without a moment in which the prefix has none"(rig): Promise<void> {
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    const between: string[][] = [];
    rig.proxy.inject({
      match: /extraroutes/,
      change: async (response) => {
        between.push(await rig.routeTexts());
        return response;
      },
    });
    const result = await table.write([replace("198.51.100.0/24", [self], [peer])], state);
    assert.deepEqual(between, [
      ["198.51.100.0/24 via 10.0.0.20", "198.51.100.0/24 via 10.0.0.30"],
      ["198.51.100.0/24 via 10.0.0.30"],
    ]);
    assert.deepEqual(result.outcomes, [null]);
    assert.deepEqual(result.state?.routes.map(routeText), ["198.51.100.0/24 > 10.0.0.30"]);
  },

  async "write() leaves a next hop alone that stays, and touches no other pair of the prefix"(
    rig,
  ): Promise<void> {
    await rig.setRoutes([
      { destination: "198.51.100.0/24", nexthop: self },
      { destination: "198.51.100.0/24", nexthop: "10.0.0.77" },
    ]);
    const table = await ready(rig);
    await table.write([replace("198.51.100.0/24", [self], [peer, self])], await table.read());
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.100.0/24 via 10.0.0.20",
      "198.51.100.0/24 via 10.0.0.30",
      "198.51.100.0/24 via 10.0.0.77",
    ]);
    assert.equal(rig.proxy.callsTo(/remove_extraroutes/).length, 0);
    await table.write([withdraw("198.51.100.0/24", self, peer)], await table.read());
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.77"]);
  },

  async "write() does what is done already once more without harm"(rig): Promise<void> {
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    const result = await table.write([add("198.51.100.0/24", self), withdraw("192.0.2.0/24", self)], state);
    assert.deepEqual(result.outcomes, [null, null]);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.20"]);
  },

  async "write() says conflict for a pair that another has written since the reading"(rig): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "198.51.100.0/24", nexthop: peer }]);
    const changes = [add("198.51.100.0/24", peer), add("198.51.101.0/24", peer)];
    await rejects(table.write(changes, state), "conflict", /198.51.100.0\/24 via 10.0.0.30 .* since/);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.30"]);
  },

  async "write() says conflict where another route of the prefix, however written, came since the reading"(
    rig,
  ): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "198.51.100.7/24", nexthop: "10.0.0.77" }]);
    await rejects(table.write([add("198.51.100.0/24", self)], state), "conflict", /198.51.100.7\/24/);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.7/24 via 10.0.0.77"]);
  },

  async "write() goes on where others have changed other routes since the reading"(rig): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const { outcomes } = await table.write([add("198.51.100.0/24", self)], state);
    assert.deepEqual(outcomes, [null]);
    assert.equal((await rig.routes()).length, 2);
  },

  async "write() says conflict when another writes between its two calls"(rig): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    afterReading(rig, { destination: "203.0.113.0/24", nexthop: "10.0.0.77" });
    const error = await rejects(table.write([add("198.51.100.0/24", self)], state), "conflict", /revision/);
    assert.equal(error.status, 412);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },

  async "write() sends each addition on the condition that the router is as the answer before showed it"(
    rig,
  ): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    rig.proxy.clear();
    const changes = [
      add("198.51.1.0/24", self),
      add("198.51.2.0/24", "192.0.2.99"),
      add("198.51.3.0/24", peer),
    ];
    const { outcomes } = await table.write(changes, state);
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "invalid", null]);
    const revision = Number(state.version);
    const conditions = rig.proxy.callsTo(/add_extraroutes/).filter(({ requestBody }) =>
      requestBody.includes("destination")
    ).map(({ ifMatch, status }) => [ifMatch, status]);
    assert.deepEqual(conditions, [
      [`revision_number=${revision}`, 400],
      [`revision_number=${revision}`, 400],
      [`revision_number=${revision}`, 200],
      [`revision_number=${revision + 1}`, 400],
      [`revision_number=${revision + 1}`, 200],
    ]);
  },

  async "write() finds in each part of a list what another has written while it looked for a bad change"(
    rig,
  ): Promise<void> {
    const table = await ready(rig);
    const state = await table.read();
    rig.proxy.inject({
      match: /add_extraroutes/,
      times: 1,
      change: async (response) => {
        await rig.addRoutes([{ destination: "198.51.2.0/24", nexthop: peer }]);
        return response;
      },
    });
    const { outcomes } = await table.write(
      [add("198.51.1.0/24", "192.0.2.99"), add("198.51.2.0/24", peer)],
      state,
    );
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), ["invalid", "conflict"]);
  },

  async "write() exchanges pairs in a full router though others have written since the reading"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const { outcomes } = await table.write([replace("198.51.100.0/24", [self], [peer])], state);
    assert.deepEqual(outcomes, [null]);
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.100.0/24 via 10.0.0.30",
      "203.0.113.0/24 via 10.0.0.77",
    ]);
  },

  async "write() sends no condition to a Neutron that knows none, and still says conflict"(
    rig,
  ): Promise<void> {
    hideExtension(rig, "revision-if-match");
    const table = await ready(rig);
    const state = await table.read();
    await table.write([add("198.51.101.0/24", peer)], state);
    assert.deepEqual(rig.proxy.callsTo(/PUT/).map(({ ifMatch }) => ifMatch), [null]);
    await rig.addRoutes([{ destination: "198.51.100.0/24", nexthop: peer }]);
    await rejects(table.write([add("198.51.100.0/24", peer)], state), "conflict", /since/);
  },

  async "write() replaces a foreign route by its exact text"(rig): Promise<void> {
    await rig.addRoutes([{ destination: "198.51.100.7/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    const [from] = state.routes;
    assert.ok(from !== undefined);
    const change: Change = { action: "replace", prefix: from.prefix, from, to: [self] };
    await table.write([change], state);
    assert.deepEqual(await rig.routeTexts(), ["198.51.100.0/24 via 10.0.0.20"]);
  },

  async "write() writes IPv6 in the form that it reads back"(rig): Promise<void> {
    const table = await ready(rig);
    const result = await table.write([add("2001:db8:0:1::/64", "fd00:10::20")], await table.read());
    assert.deepEqual(result.state?.routes.map(routeText), ["2001:db8:0:1::/64 > fd00:10::20"]);
    assert.equal(result.state?.routes[0]?.id, undefined);
  },

  async "write() adds what fits, in the order given, and says quota and its limit for the rest"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(3);
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const table = await ready(rig);
    const changes = [1, 2, 3, 4].map((index) => add(`198.51.${index}.0/24`, self));
    const { outcomes, state } = await table.write(changes, await table.read());
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, null, "quota", "quota"]);
    assert.deepEqual([outcomes[3]?.limit, state?.routes.length], [3, 3]);
    assert.match(outcomes[3]?.message ?? "", /limit is 3/);
  },

  async "write() says quota when nothing fits"(rig): Promise<void> {
    await rig.setRouteQuota(1);
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    const table = await ready(rig);
    const error = await rejects(
      table.write([add("198.51.1.0/24", self)], await table.read()),
      "quota",
      /limit is 1/,
    );
    assert.equal(error.limit, 1);
  },

  async "write() learns the limit of an older Neutron from its error, and read() knows it then"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    rig.proxy.inject({ match: /GET .*quotas/, answer: () => Response.json({ quota: { router: 10 } }) });
    rig.proxy.inject({ match: /PUT/, times: 1, answer: () => routesExhausted(2) });
    const table = await ready(rig);
    const before = await table.read();
    assert.equal(before.quotas[0]?.limit, null);
    const changes = [1, 2, 3].map((index) => add(`198.51.${index}.0/24`, self));
    const { outcomes } = await table.write(changes, before);
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, null, "quota"]);
    assert.deepEqual((await table.read()).quotas, [{
      families: [4, 6],
      used: 2,
      limit: 2,
      perNextHop: true,
    }]);
  },

  async "write() changes a next hop in a full router"(rig): Promise<void> {
    await rig.setRouteQuota(2);
    await rig.setRoutes([
      { destination: "198.51.100.0/24", nexthop: self },
      { destination: "203.0.113.0/24", nexthop: "10.0.0.77" },
    ]);
    const table = await ready(rig);
    const result = await table.write([replace("198.51.100.0/24", [self], [peer])], await table.read());
    assert.deepEqual(result.outcomes, [null]);
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.100.0/24 via 10.0.0.30",
      "203.0.113.0/24 via 10.0.0.77",
    ]);
  },

  async "write() says quota in a full router with a foreign pair that Neutron would not take again"(
    rig,
  ): Promise<void> {
    await rig.setRouteQuota(2);
    const pairs = [{ destination: "198.51.100.0/24", nexthop: self }, {
      destination: "203.0.113.7/24",
      nexthop: "10.0.0.77",
    }];
    await rig.addRoutes(pairs);
    const table = await ready(rig);
    const change = replace("198.51.100.0/24", [self], [peer]);
    await rejects(table.write([change], await table.read()), "quota", /limit is 2/);
    assert.deepEqual(await rig.routes(), pairs);
  },

  async "write() says which change is bad and does the others"(rig): Promise<void> {
    const table = await ready(rig);
    const changes = [
      add("198.51.1.0/24", self),
      add("198.51.2.0/24", "192.0.2.99"),
      add("198.51.3.0/24", peer),
    ];
    const { outcomes } = await table.write(changes, await table.read());
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "invalid", null]);
    assert.match(outcomes[1]?.message ?? "", /^Cannot add 198.51.2.0\/24 via 192.0.2.99 .*not connected/);
    assert.deepEqual(await rig.routeTexts(), ["198.51.1.0/24 via 10.0.0.20", "198.51.3.0/24 via 10.0.0.30"]);
  },

  async "write() keeps a route whose covering add was refused, and withdraws the others"(rig): Promise<void> {
    await rig.setRoutes([
      { destination: "192.168.1.0/24", nexthop: self },
      { destination: "198.51.1.0/24", nexthop: self },
    ]);
    const table = await ready(rig);
    const changes = [
      add("192.168.0.0/16", "192.0.2.99"),
      withdraw("192.168.1.0/24", self),
      withdraw("198.51.1.0/24", self),
    ];
    const { outcomes } = await table.write(changes, await table.read());
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), ["invalid", "invalid", null]);
    assert.match(outcomes[1]?.message ?? "", /^Cannot add 192.168.0.0\/16 via 192.0.2.99/);
    assert.deepEqual(await rig.routeTexts(), ["192.168.1.0/24 via 10.0.0.20"]);
  },

  async "write() does the adds when the removal after them fails"(rig): Promise<void> {
    await rig.setRoutes([{ destination: "198.51.1.0/24", nexthop: self }]);
    const table = await ready(rig);
    const state = await table.read();
    rig.proxy.inject({ match: /remove_extraroutes/, answer: () => new Response("boom", { status: 500 }) });
    const { outcomes, state: after } = await table.write([
      add("198.51.2.0/24", self),
      withdraw("198.51.1.0/24", self),
    ], state);
    assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), [null, "unavailable"]);
    assert.equal(after, undefined);
  },

  async "write() without extraroute-atomic carries over all foreign pairs"(rig): Promise<void> {
    hideAtomic(rig);
    await rig.setRoutes([
      { destination: "203.0.113.0/24", nexthop: "10.0.0.77" },
      { destination: "198.51.1.0/24", nexthop: self },
    ]);
    const table = await ready(rig);
    const result = await table.write([
      replace("198.51.1.0/24", [self], [peer]),
      add("198.51.2.0/24", self),
    ], await table.read());
    assert.deepEqual(result.outcomes, [null, null]);
    assert.deepEqual(await rig.routeTexts(), [
      "198.51.1.0/24 via 10.0.0.30",
      "198.51.2.0/24 via 10.0.0.20",
      "203.0.113.0/24 via 10.0.0.77",
    ]);
    assert.equal(rig.proxy.callsTo(/extraroutes/).length, 0);
  },

  async "write() without extraroute-atomic says conflict when another has written since the reading"(
    rig,
  ): Promise<void> {
    hideAtomic(rig);
    const table = await ready(rig);
    const state = await table.read();
    await rig.addRoutes([{ destination: "203.0.113.0/24", nexthop: "10.0.0.77" }]);
    await rejects(table.write([add("198.51.1.0/24", self)], state), "conflict", /revision/);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },

  async "write() without extraroute-atomic says conflict when another writes between its two calls"(
    rig,
  ): Promise<void> {
    hideAtomic(rig);
    const table = await ready(rig);
    const state = await table.read();
    afterReading(rig, { destination: "203.0.113.0/24", nexthop: "10.0.0.77" });
    const error = await rejects(table.write([add("198.51.1.0/24", self)], state), "conflict", /revision/);
    assert.equal(error.status, 412);
    assert.deepEqual(await rig.routeTexts(), ["203.0.113.0/24 via 10.0.0.77"]);
  },

  async "read() says gone for a router that is not there"(rig): Promise<void> {
    const table = { id: "8d23c5a4-0000-4000-8000-000000000000", name: "r9", ours: false };
    await rejects(open(rig).read(table, signal()), "gone", /router 8d23c5a4/);
  },

  async "a revoked token is renewed and the call made again"(rig): Promise<void> {
    const table = await ready(rig);
    await rig.revokeToken();
    rig.proxy.clear();
    await table.read();
    assert.deepEqual(rig.proxy.calls.slice(0, 3).map(({ status }) => status), [401, 201, 200]);
  },

  async "a token is renewed before it expires"(rig): Promise<void> {
    const soon = new Date(Date.now() + 30_000).toISOString();
    rig.proxy.inject({ match: /auth\/tokens/, times: 1, change: (response) => withExpiry(response, soon) });
    const table = await ready(rig);
    await table.read();
    assert.equal(rig.proxy.callsTo(/auth\/tokens/).length, 2);
    assert.deepEqual(rig.proxy.callsTo(/auth\/tokens|routers/).slice(0, 3).map(({ status }) => status), [
      201,
      201,
      200,
    ]);
  },

  async "a deleted application credential is denied"(rig): Promise<void> {
    const credential = await rig.restrictedCredential("short-lived", []);
    await rig.member.keystone("DELETE", `users/${rig.ids.user}/application_credentials/${credential.id}`);
    const cloud = openOpenstack(openstackOptions(rig.environment(credential)));
    await rejects(cloud.locate(signal()), "denied", /wrong, expired or deleted/);
  },

  async "password, token and clouds.yaml log in as well"(rig): Promise<void> {
    const common = {
      OS_AUTH_URL: `${rig.proxy.url}/identity`,
      OS_PROJECT_NAME: "demo",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    };
    const password = { ...common, OS_USERNAME: "alice", OS_PASSWORD: "secret" };
    const token = { ...common, OS_TOKEN: rig.member.token, OS_INTERFACE: "internal" };
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(
      `${folder}/clouds.yaml`,
      `clouds:\n  rig:\n    auth: {auth_url: "${common.OS_AUTH_URL}", project_id: ${rig.ids.project}, username: alice}\n`,
    );
    await Deno.writeTextFile(`${folder}/secure.yaml`, "clouds: {rig: {auth: {password: secret}}}\n");
    const file = {
      OS_CLIENT_CONFIG_FILE: `${folder}/clouds.yaml`,
      OS_CLIENT_SECURE_FILE: `${folder}/secure.yaml`,
      OS_CLOUD: "rig",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    };
    for (const environment of [password, token, file]) {
      const [table] = await openOpenstack(openstackOptions(environment)).locate(signal());
      assert.equal(table?.id, rig.ids.router);
    }
    await Deno.remove(folder, { recursive: true });
  },

  async "the access rules of policy() suffice for everything but the fix"(rig): Promise<void> {
    const credential = await rig.restrictedCredential("least", accessRules);
    const table = await ready(rig, rig.environment(credential));
    await table.write([add("198.51.1.0/24", self)], await table.read());
    await table.write([replace("198.51.1.0/24", [self], [peer])], await table.read());
    hideAtomic(rig);
    const other = await ready(rig, rig.environment(credential));
    await other.write([add("198.51.2.0/24", self)], await other.read());
    assert.equal((await rig.routes()).length, 2);
    rig.proxy.clear();
    const findings = await table.cloud.check({ fix: false }, signal());
    assert.deepEqual(findings.filter(({ status }) => status === "unknown"), []);
    assert.deepEqual(findings.filter(({ status }) => status === "bad").map(({ name }) => name), [
      `forwarding by port ${rig.ids.port}`,
    ]);
  },

  async "a missing access rule is denied and named"(rig): Promise<void> {
    const rules = accessRules.filter(({ path }) => !path.endsWith("/add_extraroutes"));
    const credential = await rig.restrictedCredential("too-little", rules);
    const table = await ready(rig, rig.environment(credential));
    const error = await rejects(
      table.write([add("198.51.1.0/24", self)], await table.read()),
      "denied",
      /access rules/,
    );
    assert.equal(error.action, "PUT /v2.0/routers/*/add_extraroutes");
  },

  async "a role that may only read is denied and the policy named"(rig): Promise<void> {
    const { roles } = await rig.admin.keystone("GET", "roles?name=reader") as { roles: { id: string }[] };
    const user = await rig.admin.create("keystone", "users", "user", { name: "bob", password: "secret" });
    await rig.admin.keystone("PUT", `projects/${rig.ids.project}/users/${user.id}/roles/${roles[0]?.id}`);
    const table = await ready(rig, {
      OS_AUTH_URL: `${rig.proxy.url}/identity/v3`,
      OS_PROJECT_NAME: "demo",
      OS_USERNAME: "bob",
      OS_PASSWORD: "secret",
      CLOUDROUTESYNC_IMDS_ENDPOINT: rig.proxy.url,
    });
    const error = await rejects(
      table.write([add("198.51.1.0/24", self)], await table.read()),
      "denied",
      /add_extraroutes/,
    );
    assert.equal(error.action, "add_extraroutes");
    await rig.admin.keystone("DELETE", `users/${user.id}`);
  },

  async "failing servers and silence are unavailable, a full one throttled"(rig): Promise<void> {
    const table = await ready(rig);
    rig.proxy.inject({ match: /GET .*routers\//, times: 1, answer: () => new Response("", { status: 502 }) });
    await rejects(table.read(), "unavailable", /502/);
    const headers = { "retry-after": "7" };
    rig.proxy.inject({
      match: /routers\//,
      times: 1,
      answer: () => new Response("", { status: 429, headers }),
    });
    const error = await rejects(table.read(), "throttled", /429/);
    assert.equal(error.retryAfterMs, 7000);
    rig.proxy.inject({ match: /routers\//, times: 1, answer: () => Response.json({ router: { id: 5 } }) });
    await rejects(table.read(), "invalid", /makes no sense: router/);
  },

  async "check() finds port security in the way, mends it with fix, and is content then"(rig): Promise<void> {
    const cloud = open(rig);
    const name = `forwarding by port ${rig.ids.port}`;
    const status = async (fix: boolean): Promise<string | undefined> =>
      (await cloud.check({ fix }, signal())).find((finding) => finding.name === name)?.status;
    assert.equal(await status(false), "bad");
    assert.equal(await status(true), "fixed");
    assert.equal(await status(false), "ok");
    assert.deepEqual(await portPairs(rig), ["0.0.0.0/0", "2000::/3", "fc00::/7"]);
  },

  async "check() with fix overwrites no address pair that another has set since the port was read"(
    rig,
  ): Promise<void> {
    await setPortPairs(rig, []);
    rig.proxy.inject({
      match: /GET .*quotas/,
      times: 1,
      change: async (response) => {
        await setPortPairs(rig, ["192.0.2.0/24"]);
        return response;
      },
    });
    const findings = await open(rig).check({ fix: true }, signal());
    const finding = findings.find(({ name }) => name === `forwarding by port ${rig.ids.port}`);
    assert.equal(finding?.status, "bad");
    assert.match(finding?.detail ?? "", /current revision/);
    assert.deepEqual(await portPairs(rig), ["192.0.2.0/24"]);
  },

  async "check() with fix sends no condition to a Neutron that knows none"(rig): Promise<void> {
    await setPortPairs(rig, []);
    hideExtension(rig, "revision-if-match");
    await open(rig).check({ fix: true }, signal());
    assert.deepEqual(rig.proxy.callsTo(/PUT .*ports/).map(({ ifMatch, status }) => [ifMatch, status]), [
      [null, 200],
    ]);
    assert.deepEqual(await portPairs(rig), ["0.0.0.0/0", "2000::/3", "fc00::/7"]);
  },

  async "check() tells of a full router and of a metadata service that is not there"(rig): Promise<void> {
    await rig.setRouteQuota(1);
    await rig.setRoutes([{ destination: "198.51.100.0/24", nexthop: self }]);
    const quota = (await open(rig).check({ fix: false }, signal())).find(({ name }) =>
      name === "quota of router r1"
    );
    assert.equal(quota?.status, "bad");
    assert.match(quota?.detail ?? "", /1 of 1/);
    rig.proxy.inject({ match: /network_data/, answer: () => new Response("", { status: 503 }) });
    const [router] = await open(rig).check({ fix: false }, signal());
    assert.deepEqual([router?.name, router?.status], ["router", "unknown"]);
  },
};

testOnRig("openstack cloud, against Keystone and Neutron", tests);

/** An opened cloud and its table. */
interface Ready {
  readonly cloud: Cloud;
  readonly read: () => Promise<TableState>;
  readonly write: (changes: readonly Change[], state: TableState) => Promise<WriteResult>;
}

function open(rig: OpenstackRig, changes: Partial<CloudOptions> = {}): Cloud {
  return openOpenstack(openstackOptions(rig.environment(), changes));
}

async function ready(rig: OpenstackRig, environment = rig.environment()): Promise<Ready> {
  const cloud = openOpenstack(openstackOptions(environment));
  const [table] = await cloud.prepare(signal());
  assert.ok(table !== undefined);
  const known: CloudTable = table;
  return {
    cloud,
    read: () => cloud.read(known, signal()),
    write: (changes, state) => cloud.write(known, changes, state, signal()),
  };
}

function add(prefix: string, ...to: string[]): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to };
}

function replace(prefix: string, from: string[], to: string[]): Change {
  return { action: "replace", prefix: parsePrefix(prefix), from: route(prefix, from), to };
}

function withdraw(prefix: string, ...from: string[]): Change {
  return { action: "delete", prefix: parsePrefix(prefix), from: route(prefix, from), to: null };
}

function route(prefix: string, nextHops: string[]): CloudRoute {
  return { prefix: parsePrefix(prefix), nextHops, owner: null };
}

function routeText({ prefix, nextHops }: CloudRoute): string {
  return `${prefix.text} > ${nextHops.join(", ")}`;
}

function texts(values: readonly { readonly text: string }[]): string[] {
  return values.map(({ text }) => text).sort();
}

function signal(): AbortSignal {
  return new AbortController().signal;
}

async function rejects(
  promise: Promise<unknown>,
  kind: CloudErrorKind,
  message: RegExp,
): Promise<CloudError> {
  const error = await promise.then(() => null, (reason) => reason);
  assert.ok(error instanceof CloudError, `expected a CloudError, got ${error}`);
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, message);
  return error;
}

/** The addresses that this VM's port may use besides its own, sorted. */
async function portPairs(rig: OpenstackRig): Promise<string[]> {
  const port = await rig.member.neutron("GET", `ports/${rig.ids.port}?fields=allowed_address_pairs`);
  const { allowed_address_pairs: pairs } = port.port as { allowed_address_pairs: { ip_address: string }[] };
  return pairs.map((pair) => pair.ip_address).sort();
}

/** Sets them, as an operator with another tool does. */
async function setPortPairs(rig: OpenstackRig, addresses: readonly string[]): Promise<void> {
  const pairs = addresses.map((address) => ({ ip_address: address }));
  await rig.member.neutron("PUT", `ports/${rig.ids.port}`, { port: { allowed_address_pairs: pairs } });
}

/** As Neutron answered before version 29. */
function routesExhausted(limit: number): Response {
  const message = `Unable to complete operation for r. The number of routes exceeds the maximum ${limit}.`;
  return Response.json({ NeutronError: { type: "RoutesExhausted", message, detail: "" } }, { status: 400 });
}

/** Makes Neutron look as if it had no `extraroute-atomic`. */
function hideAtomic(rig: OpenstackRig): void {
  hideExtension(rig, "extraroute-atomic");
  rig.proxy.inject({ match: /extraroutes/, answer: () => new Response("", { status: 404 }) });
}

function hideExtension(rig: OpenstackRig, hidden: string): void {
  rig.proxy.inject({
    match: /GET \/network\/v2.0\/extensions/,
    change: async (response) => {
      const { extensions } = await response.json() as { extensions: { alias: string }[] };
      return Response.json({ extensions: extensions.filter(({ alias }) => alias !== hidden) });
    },
  });
}

/** Has another add a route as soon as the router was read once more. */
function afterReading(rig: OpenstackRig, route: ExtraRoute): void {
  rig.proxy.inject({
    match: /GET .*\/routers\//,
    times: 1,
    change: async (response) => {
      await rig.addRoutes([route]);
      return response;
    },
  });
}

async function withExpiry(response: Response, expiresAt: string): Promise<Response> {
  const body = await response.json();
  body.token.expires_at = expiresAt;
  return Response.json(body, { status: response.status, headers: response.headers });
}
