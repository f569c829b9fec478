/** What stands between the loop and a cloud: nothing that a cloud can do may be lost on the way. */

import assert from "node:assert/strict";
import { systemClock } from "../../../src/async/system_clock.ts";
import type { Cloud, CloudConnection } from "../../../src/clouds/cloud.ts";
import { type CloudCall, CloudCalls } from "../../../src/observe/cloud_calls.ts";
import { observedCloud } from "../../../src/observe/observed_cloud.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { rateLimitedCloud } from "../../../src/sync/rate_limited_cloud.ts";
import { withTableToBe } from "../../../src/sync/table_preview.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { smallVm } from "../../fakes/policies.ts";

const { signal } = new AbortController();
const refuse = (): Promise<never> => Promise.reject(new Error("no test calls it"));

/** All that a cloud can do, whether it must or may. */
const full: Required<CloudConnection> = {
  identity: { ...smallVm, instance: "vm" },
  locate: refuse,
  foresee: refuse,
  prepare: refuse,
  resolve: refuse,
  forget: () => undefined,
  findDead: refuse,
  findGone: (hops) => Promise.resolve(new Set(hops)),
  read: refuse,
  write: refuse,
  forwarding: refuse,
  remove: refuse,
  check: refuse,
};
const cloud: Cloud = {
  name: "local",
  traits: plainTraits,
  identify: () => Promise.resolve(full),
  policy: () => "",
  describe: (hop) => hop,
};

Deno.test("each wrapper of a cloud hands on all that the cloud can do", async () => {
  const budget = new ApiBudget(cloud, systemClock);
  const wrapped = {
    limited: await rateLimitedCloud(cloud, budget, systemClock).identify(signal),
    observed: await observedCloud(cloud, new CloudCalls(() => undefined)).identify(signal),
    preview: withTableToBe(full, null),
  };
  for (const [name, connection] of Object.entries(wrapped)) {
    assert.deepEqual(Object.keys(connection).sort(), Object.keys(full).sort(), name);
    assert.deepEqual(await connection.findGone?.(["eni-1"], signal), new Set(["eni-1"]), name);
  }
});

Deno.test("each wrapper of a cloud hands on what preparing has read, and a reading counts as of when it was asked for", async () => {
  const table = { id: "rtb-1", name: "rtb-1", ours: false };
  const shown = { table, routes: [], quotas: [], version: "7" };
  const at = performance.now() - 3_000;
  const reading = { at, state: () => Promise.resolve(shown) };
  const prepared: CloudConnection = { ...full, prepare: () => Promise.resolve([{ ...table, reading }]) };
  const inner: Cloud = { ...cloud, identify: () => Promise.resolve(prepared) };
  const calls: CloudCall[] = [];
  const observed = observedCloud(inner, new CloudCalls((call) => calls.push(call)));
  const limited = rateLimitedCloud(observed, new ApiBudget(cloud, systemClock), systemClock);
  const [found] = await (await limited.identify(signal)).prepare(signal);
  assert.equal(found?.reading?.at, at);
  const before = Date.now();
  assert.deepEqual(await found?.reading?.state(signal), shown);
  const read = calls.find(({ operation }) => operation === "read");
  assert.deepEqual([read?.table, read?.result], ["rtb-1", "ok"]);
  assert.ok(read !== undefined && read.at <= before - 2_900, `it was read at ${read?.at}, not ${before}`);
});
