/** Several routers of one project share the API's quota of a minute. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import type { CloudError } from "../../../src/clouds/cloud_error.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { MovedClock } from "../../contract/clock.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { GcpRig } from "../../fakes/gcp/rig.ts";

const signal = new AbortController().signal;
const self = "projects/prod/zones/europe-west1-b/instances/router-a";
const secondMs = 1000;

/** A router that adds so many routes, and what is left of them. */
interface Router {
  readonly cloud: ConnectedCloud;
  left: readonly Change[];
}

function routerOf(rig: GcpRig, index: number, count: number): Router {
  const cloud = new ConnectedCloud(openGcp(rig.options({ owner: `router-${index}` })));
  const left = Array.from({ length: count }, (_, route): Change => ({
    action: "add",
    prefix: parsePrefix(`192.168.${index}.${route * 4}/30`),
    from: null,
    to: [self],
  }));
  return { cloud, left };
}

/** Writes what is left once. @returns how long to wait before the next try, in milliseconds; 0: all is done. */
async function write(router: Router): Promise<number> {
  const { cloud } = router;
  const [table] = await cloud.prepare(signal);
  assert.ok(table !== undefined);
  const { outcomes } = await cloud.write(table, router.left, await cloud.read(table, signal), signal);
  const failed: readonly CloudError[] = outcomes.flatMap((outcome) => outcome ?? []);
  for (const { kind, message } of failed) assert.equal(kind, "throttled", message);
  router.left = router.left.filter((_, index) => outcomes[index] !== null);
  return Math.max(0, ...failed.map(({ retryAfterMs }) => retryAfterMs ?? 0));
}

Deno.test("routers that use up the minute's quota together wait for the next minute, and are all served", async () => {
  using clock = new MovedClock();
  await using rig = GcpRig.start();
  rig.compute.writes.perMinute = 60;
  clock.advance(60 * secondMs - Date.now() % (60 * secondMs) + 20 * secondMs);
  const routers = [1, 2, 3].map((index) => routerOf(rig, index, 40));
  const start = Date.now();
  for (let round = 0; routers.some(({ left }) => left.length > 0); round++) {
    assert.ok(round < 5, "they try again and again");
    const waits = await Promise.all(routers.filter(({ left }) => left.length > 0).map(write));
    const wait = Math.max(...waits);
    if (wait > 0) assert.ok(wait <= 43.5 * secondMs && wait >= 38 * secondMs || round > 0, `${wait} ms`);
    clock.advance(wait);
  }
  assert.equal(rig.routes.length, 120);
  const minutes = (Date.now() - start) / (60 * secondMs);
  assert.ok(minutes < 3, `120 writes at 60 a minute took ${minutes} minutes`);
  // What was under way when the quota ran out, and no more.
  assert.ok(rig.compute.writes.refused <= 3 * 16 * 2, `${rig.compute.writes.refused} calls were refused`);
  assert.deepEqual(rig.compute.violations, []);
});
