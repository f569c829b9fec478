/** Several networks, and a network of another project. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { neighbours } from "../../fakes/neighbours.ts";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { add, folded, rejection, self, signal, test } from "./gcp_bench.ts";

/** A VM of network `other` in another region, with an address that a VM of network `net` has too. */
function addNamesake(rig: GcpRig): void {
  rig.project.subnets.push({
    name: "north",
    region: "us-east1",
    network: "other",
    ipCidrRange: "10.0.0.0/24",
    gatewayAddress: addresses.gateway,
  });
  const interfaces = [{ subnetProject: "prod", subnet: "north", networkIP: addresses.neighbour }];
  rig.project.instances.push({ name: "namesake", zone: "us-east1-b", canIpForward: true, interfaces });
}

test("locate() finds the VM's own network, which is not ours", async ({ rig, table }) => {
  await Promise.resolve();
  assert.deepEqual(table, { id: rig.network, name: "net", ours: false });
});

test("in a Shared VPC routes go to the host project and point at the VM's address", async (bench) => {
  const { rig, cloud, table, read, write } = bench;
  assert.equal(table.id, "projects/host/global/networks/net");
  const identity = await cloud.identify(signal);
  assert.deepEqual(identity.self, { 4: self, 6: self });
  assert.deepEqual(await write(add("192.168.0.0/24", self), add("2001:db8::/32", self)), [null, null]);
  assert.deepEqual(rig.summary, [
    `192.168.0.0/24 ${addresses.router}`,
    `2001:db8::/32 ${addresses.routerIpv6}`,
  ]);
  assert.equal(rig.compute.project("prod").routes.size, 0);
  assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [self]);
}, { sharedVpc: true });

test("in a Shared VPC routes name routers of other service projects by their addresses", async (bench) => {
  const { rig, cloud, read, write } = bench;
  const neighbour = "10.1.0.9";
  rig.compute.project("other-service").instances.push({
    name: "router-z",
    zone: "us-east1-b",
    canIpForward: true,
    interfaces: [{ subnetProject: "host", subnet: "east", networkIP: neighbour }],
  });
  const [id = null] = await cloud.resolve(neighbours(neighbour), signal);
  assert.equal(id, neighbour);
  assert.deepEqual(await write(add("192.168.0.0/24", neighbour)), [null]);
  assert.deepEqual(rig.summary, [`192.168.0.0/24 ${neighbour}`]);
  assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [neighbour]);
}, { sharedVpc: true });

Deno.test("in a network that the neighbour is not in, its routes point at this VM", async () => {
  await using rig = GcpRig.start();
  rig.addInterface();
  addNamesake(rig);
  const cloud = new ConnectedCloud(openGcp(rig.options({ routeTables: ["net", "other"] })));
  await cloud.identify(signal);
  const [to = null] = await cloud.resolve(neighbours(addresses.neighbour), signal);
  assert.ok(to !== null);
  for (const table of await cloud.prepare(signal)) {
    const write = async (change: Change): Promise<void> => {
      const { outcomes } = await cloud.write(table, [change], await cloud.read(table, signal), signal);
      assert.deepEqual(outcomes, [null]);
    };
    await write(add("192.168.0.0/24", to));
    const standing = folded(await cloud.read(table, signal), "192.168.0.0/24");
    assert.deepEqual(standing.nextHops, [to], "as read it must be as wanted");
    await write({ action: "replace", prefix: standing.prefix, from: standing, to: [to, self] });
    assert.deepEqual(folded(await cloud.read(table, signal), "192.168.0.0/24").nextHops, [to, self].sort());
  }
  const hops = rig.routes.map(({ network, nextHopIp, nextHopInstance }) =>
    `${network.replace(/^.*\//, "")} ${nextHopIp ?? nextHopInstance?.replace(/^.*\//, "")}`
  );
  assert.deepEqual(hops.sort(), ["net 10.0.0.3", "net router-a", "other router-a", "other router-a"]);
  assert.deepEqual(rig.compute.violations, []);
});

Deno.test("identify() tells networks apart: what two have is reached by the interface alone whose subnet it is", async () => {
  await using rig = GcpRig.start();
  rig.addInterface();
  addNamesake(rig);
  const { attachments } =
    (await openGcp(rig.options({ routeTables: ["net", "other"] })).identify(signal)).identity;
  const seen = attachments.map((
    { addresses: own, networks },
  ) => [own[0]?.text, networks.map(({ text }) => text)]);
  assert.deepEqual(seen, [
    [addresses.router, ["10.0.0.0/24", "fd20:0:0:1::/64", "10.64.0.0/16", "10.1.0.0/24"]],
    ["172.20.0.2", ["172.20.0.0/24"]],
  ]);
});

Deno.test("-self picks the interface, and so the network", async () => {
  await using rig = GcpRig.start();
  rig.addInterface();
  const self = [parseInterfaceAddress("172.20.0.2/32")];
  const cloud = new ConnectedCloud(openGcp(rig.options({ self })));
  const identity = await cloud.identify(signal);
  assert.deepEqual(identity.self, { 4: "projects/prod/zones/europe-west1-b/instances/router-a", 6: null });
  assert.deepEqual((await cloud.prepare(signal)).map(({ name }) => name), ["other"]);
  const wrong = openGcp(rig.options({ self: [parseInterfaceAddress("172.20.0.9/32")] }));
  const error = await rejection(wrong.identify(signal));
  assert.equal(error.kind, "invalid");
  assert.match(
    error.message,
    /-self 172\.20\.0\.9: no interface of this VM has that address, they have 10\.0\.0\.2/,
  );
});

Deno.test("a route that names another network's VM of the same address is replaced", async () => {
  await using rig = GcpRig.start();
  rig.addInterface();
  addNamesake(rig);
  const alone = new ConnectedCloud(openGcp(rig.options({ routeTables: ["other"] })));
  const [table] = await alone.prepare(signal);
  assert.ok(table !== undefined);
  const change = add("192.168.0.0/24", addresses.neighbour);
  await alone.write(table, [change], await alone.read(table, signal), signal);
  const both = new ConnectedCloud(openGcp(rig.options({ routeTables: ["net", "other"] })));
  const state = await both.read(table, signal);
  const from = folded(state, "192.168.0.0/24");
  assert.deepEqual(from.nextHops, ["10.0.0.3 of another network"]);
  const replaced: Change = { action: "replace", prefix: from.prefix, from, to: [addresses.neighbour] };
  const { outcomes } = await both.write(table, [replaced], state, signal);
  assert.deepEqual(outcomes, [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
  assert.deepEqual(folded(await both.read(table, signal), "192.168.0.0/24").nextHops, [addresses.neighbour]);
  assert.deepEqual(folded(await alone.read(table, signal), "192.168.0.0/24").nextHops, [self]);
});
