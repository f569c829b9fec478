/** Single routes on Google Cloud: what they point at, what they say of themselves, what Google refuses. */

import assert from "node:assert/strict";
import { addresses } from "../../fakes/gcp/rig.ts";
import { add, fault, folded, peer, remove, replace, self, signal, test } from "./gcp_bench.ts";

const rule = "projects/prod/regions/europe-west1/forwardingRules/routers";

test("write() tells a destination in a peer's subnet as invalid", async ({ rig, write }) => {
  peer(rig);
  assert.deepEqual(await write(add("10.200.1.0/24", self), add("192.0.2.0/25", self)), ["invalid", null]);
});

test("write() reports a next hop in a peer's subnet, which Google refuses", async ({ rig, write }) => {
  peer(rig);
  assert.deepEqual(await write(add("192.168.0.0/24", "10.200.0.9")), ["invalid"]);
});

test("write() points a route at a router in another region", async ({ rig, write }) => {
  assert.deepEqual(await write(add("192.168.0.0/24", addresses.elsewhere)), [null]);
  assert.deepEqual(rig.summary, [`192.168.0.0/24 ${addresses.elsewhere}`]);
});

test("write() reports a next hop that Google refuses, and points nothing at this VM instead", async (bench) => {
  const { rig, cloud, table, read } = bench;
  const changes = [
    add("192.168.0.0/24", addresses.alias),
    add("192.168.1.0/24", addresses.loadBalancer),
    add("192.168.2.0/24", addresses.neighbour),
  ];
  const { outcomes } = await cloud.write(table, changes, await read(), signal);
  assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), ["invalid", "invalid", null]);
  assert.match(outcomes[0]?.message ?? "", /nextHopIp.*10\.64\.0\.9/);
  assert.deepEqual(rig.summary, [`192.168.2.0/24 ${addresses.neighbour}`]);
});

test("write() makes routes to this VM and to a neighbour, IPv4 and IPv6", async ({ rig, read, write }) => {
  const outcomes = await write(
    add("192.168.0.0/24", self),
    add("192.168.1.0/24", addresses.neighbour),
    add("2001:db8::/32", self),
    add("2001:db8:1::/48", addresses.neighbourIpv6),
  );
  assert.deepEqual(outcomes, [null, null, null, null]);
  assert.deepEqual(rig.summary, [
    "192.168.0.0/24 router-a",
    "192.168.1.0/24 10.0.0.3",
    "2001:db8:1::/48 fd20:0:0:1::3",
    "2001:db8::/32 router-a",
  ]);
  const own = (await read()).routes.filter(({ owner }) => owner === "edge");
  assert.deepEqual(own.map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`).sort(), [
    `192.168.0.0/24 ${self}`,
    `192.168.1.0/24 ${addresses.neighbour}`,
    `2001:db8:1::/48 ${addresses.neighbourIpv6}`,
    `2001:db8::/32 ${self}`,
  ]);
});

test("write() says in words and in a line who made a route", async ({ rig, write }) => {
  await write(add("192.168.0.0/24", self));
  const [route] = rig.routes;
  assert.match(route?.name ?? "", /^crs-edge-[0-9a-f]{20}$/);
  assert.match(
    route?.description ?? "",
    /^Made by cloudroutesync on router-a .* \[cloudroutesync owner=edge prefix=192/,
  );
});

test("write() keeps the old route when the new one's operation ends in error", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await replace(bench, "192.168.0.0/24", addresses.neighbour);
  rig.compute.faults.push(
    fault("/routes", { operation: { code: "INTERNAL_ERROR", message: "oops" } }, 1, "POST"),
  );
  assert.deepEqual(await write(change), ["unavailable"]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
  assert.deepEqual(await write(change), [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 10.0.0.3"]);
});

test("write() deletes all routes of ours to a prefix, and nobody else's", async (bench) => {
  const { rig, write } = bench;
  rig.addForeign("static", "192.168.0.0/24");
  await write(add("192.168.0.0/24", self, addresses.neighbour));
  assert.deepEqual(await write(await remove(bench, "192.168.0.0/24")), [null]);
  assert.deepEqual(rig.routes.map(({ name }) => name), ["static"]);
});

test("write() is in conflict when another route has its name", async ({ rig, cloud, table, read, write }) => {
  const stale = await read();
  await write(add("192.168.0.0/24", self));
  const [route] = rig.routes;
  assert.ok(route !== undefined);
  rig.addForeign(route.name, "192.168.0.0/24");
  const { outcomes } = await cloud.write(table, [add("192.168.0.0/24", self)], stale, signal);
  assert.equal(outcomes[0]?.kind, "conflict");
  assert.equal(rig.project.routes.get(route.name)?.nextHopIp, addresses.client);
});

test("write() tells a destination inside a subnet as invalid, and makes the others", async ({ rig, write }) => {
  const outcomes = await write(
    add("10.0.0.128/25", self),
    add("10.64.1.0/24", self),
    add("192.168.0.0/24", self),
  );
  assert.deepEqual(outcomes, ["invalid", "invalid", null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
});

test(
  "with -next-hop-ilb routes to this VM point at the forwarding rule",
  async ({ rig, cloud, read, write }) => {
    assert.equal((await cloud.identify(signal)).self[4], rule);
    await write(add("192.168.0.0/24", rule), add("192.168.1.0/24", addresses.neighbour));
    assert.deepEqual(rig.summary, ["192.168.0.0/24 routers", `192.168.1.0/24 ${addresses.neighbour}`]);
    assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [rule]);
  },
  {},
  { nextHopIlb: "routers" },
);
