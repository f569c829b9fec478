/** How many static routes fit: told by a refusal alone. */

import assert from "node:assert/strict";
import type { CloudQuota } from "../../../src/clouds/cloud.ts";
import { GcpRig } from "../../fakes/gcp/rig.ts";
import { add, peer, remove, self, signal, test } from "./gcp_bench.ts";

/** Google's quota as it is told. */
function routeQuota(used: number, limit: number | null): CloudQuota {
  return { families: [4, 6], used, limit, perNextHop: true, immutable: true };
}

/** How many inserts were sent since a call. */
function insertsSince(rig: GcpRig, start: number): number {
  return rig.compute.calls.slice(start).filter(({ method, path }) =>
    method === "POST" && path.endsWith("/routes")
  ).length;
}

test("read() counts the static routes of the network, and asks nobody for a quota", async ({ rig, read }) => {
  rig.addForeign("static", "192.168.0.0/24");
  rig.compute.calls.length = 0;
  assert.deepEqual((await read()).quotas, [routeQuota(2, null)]);
  assert.equal(rig.compute.calls.length, 1);
});

test("read() learns the limit of the peering group from an error, and counts the peers' routes in it", async (bench) => {
  const { rig, cloud, read, write } = bench;
  peer(rig);
  await cloud.identify(signal);
  rig.net.peeringGroupLimit = 2;
  assert.deepEqual(await write(add("192.168.0.0/24", self)), ["quota"]);
  assert.deepEqual((await read()).quotas, [routeQuota(1, null), routeQuota(2, 2)]);
});

for (const told of ["answer", "operation"] as const) {
  test(`write() tells a full quota by the ${told} with its limit, and deletes all the same`, async (bench) => {
    const { rig, cloud, table, read, write } = bench;
    await write(add("192.168.0.0/24", self));
    const old = await remove(bench, "192.168.0.0/24");
    rig.compute.quotaRefusedBy = told;
    rig.net.staticLimit = rig.project.staticRoutesOf("net").length;
    const changes = [add("192.168.1.0/24", self), old];
    const { outcomes } = await cloud.write(table, changes, await read(), signal);
    assert.deepEqual(outcomes.map((outcome) => [outcome?.kind, outcome?.limit]), [["quota", 2], [
      undefined,
      undefined,
    ]]);
    assert.deepEqual(rig.summary, []);
  });
}

test("write() does not send adds again that were over the quota: none of them frees a place", async (bench) => {
  const { rig, write } = bench;
  rig.net.staticLimit = rig.project.staticRoutesOf("net").length + 1;
  const outcomes = await write(add("192.168.0.0/24", self), add("192.168.1.0/24", self));
  assert.deepEqual([...outcomes].sort(), [null, "quota"].sort());
  assert.equal(insertsSince(rig, 0), 2);
});
