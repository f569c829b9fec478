/** Who this VM is on Google Cloud, and what its network reaches. */

import assert from "node:assert/strict";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { peer, rejection, self, signal, test } from "./gcp_bench.ts";

test("identify() takes the subnet from Google, not from the interface", async ({ cloud }) => {
  const identity = await cloud.identify(signal);
  assert.equal(identity.instance, "router-a");
  assert.deepEqual(identity.addresses.map(({ text }) => text), [addresses.router, addresses.routerIpv6]);
  assert.deepEqual(identity.attachments.map(({ networks }) => networks.map(({ text }) => text)), [[
    "10.0.0.0/24",
    "fd20:0:0:1::/64",
    "10.64.0.0/16",
    "10.1.0.0/24",
  ]]);
  assert.deepEqual(identity.subnetRouters.map(({ text }) => text).slice(0, 2), [
    addresses.gateway,
    "10.1.0.1",
  ]);
  assert.equal(identity.linkLocalIsRouter, true);
  assert.deepEqual(identity.self, { 4: self, 6: self });
});

test("identify() counts all subnets of the network with their secondary ranges", async ({ cloud }) => {
  const { networks } = await cloud.identify(signal);
  const texts = networks.map(({ text }) => text).sort();
  assert.deepEqual(texts, ["10.0.0.0/24", "10.1.0.0/24", "10.64.0.0/16", "fd20:0:0:1::/64"]);
}, { pageSize: 1 });

test("identify() makes do with its own subnet when it may not list them", async ({ rig, cloud }) => {
  rig.project.denied.add("compute.subnetworks.list");
  const { networks } = await cloud.identify(signal);
  assert.deepEqual(networks.map(({ text }) => text), ["10.0.0.0/24", "fd20:0:0:1::/64", "10.64.0.0/16"]);
});

test("identify() counts the subnets of peered networks as the network's own", async ({ rig, cloud }) => {
  peer(rig);
  const { networks, attachments } = await cloud.identify(signal);
  const texts = networks.map(({ text }) => text);
  for (const range of ["10.200.0.0/20", "fd20:0:0:9::/64"]) assert.ok(texts.includes(range), range);
  for (const range of ["192.0.2.0/24", "198.51.100.0/24"]) assert.ok(!texts.includes(range), range);
  const reached = attachments[0]?.networks.map(({ text }) => text) ?? [];
  assert.ok(reached.includes("10.200.0.0/20"), "a gateway in there is named, not replaced by this VM");
}, { pageSize: 1 });

test("identify() counts what Google makes subnets in as the network's own", async ({ rig, cloud }) => {
  rig.net.autoCreateSubnetworks = true;
  const { networks, attachments } = await cloud.identify(signal);
  assert.ok(networks.some(({ text }) => text === "10.128.0.0/9"));
  assert.ok(!attachments[0]?.networks.some(({ text }) => text === "10.128.0.0/9"), "no VM is in all of it");
});

for (const permission of ["compute.networks.get", "compute.networks.listPeeringRoutes"]) {
  test(`identify() makes do without peers where ${permission} is missing`, async ({ rig, cloud }) => {
    peer(rig);
    rig.project.denied.add(permission);
    const { networks } = await cloud.identify(signal);
    assert.equal(networks.length, 4);
  });
}

test("identify() knows the subnet's routers, where a route would loop", async ({ cloud }) => {
  const { subnetRouters } = await cloud.identify(signal);
  assert.deepEqual(subnetRouters.map(({ text }) => text), ["10.0.0.1", "10.1.0.1", "fe80::4001:aff:fe00:1"]);
});

Deno.test("identify() says that IPv6 routes cannot point here when the VM has no IPv6", async () => {
  await using rig = GcpRig.start();
  const [leg] = rig.metadata.instance.interfaces;
  assert.ok(leg !== undefined);
  const { ipv6Address: _, ...ipv4 } = leg;
  Object.assign(rig.metadata.instance, { interfaces: [ipv4] });
  const identity = await new ConnectedCloud(openGcp(rig.options())).identify(signal);
  assert.deepEqual(identity.self, { 4: self, 6: null });
});

Deno.test("identify() does not believe what is no metadata server of Google's", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("hi"),
  );
  await using rig = GcpRig.start();
  const cloud = new ConnectedCloud(
    openGcp(rig.options({ imdsEndpoint: `http://127.0.0.1:${server.addr.port}` })),
  );
  assert.match((await rejection(cloud.identify(signal))).message, /not a Google metadata server/);
});

test("describe() shortens what is long", async ({ cloud }) => {
  await Promise.resolve();
  assert.equal(cloud.describe(self), "router-a (europe-west1-b)");
  assert.equal(cloud.describe(addresses.neighbour), addresses.neighbour);
  assert.equal(cloud.describe(`${self} priority=900`), "router-a (europe-west1-b) priority=900");
});
