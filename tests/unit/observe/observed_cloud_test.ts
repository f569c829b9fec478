/** What is known of the calls to a cloud: how they ended, when the last good one was. */

import assert from "node:assert/strict";
import type { Cloud, CloudConnection, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { type CloudCall, CloudCalls } from "../../../src/observe/cloud_calls.ts";
import { observedCloud } from "../../../src/observe/observed_cloud.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { processFigures } from "../../../src/observe/process_figures.ts";

const table = { id: "rtb-1", name: "rtb-1", ours: true };
const never = new AbortController().signal;

/** A cloud of which reading and writing alone are of interest. */
function cloudOf(parts: Partial<CloudConnection>): Cloud {
  return {
    name: "local",
    // No test looks at the traits, nor calls what is not given.
    traits: {} as Cloud["traits"],
    identify: () => Promise.resolve(parts as CloudConnection),
    policy: () => "",
    describe: (hop) => hop,
  };
}

Deno.test("each call is told with its operation, table and result; the last good times are known", async () => {
  const told: CloudCall[] = [];
  const calls = new CloudCalls((call) => told.push(call));
  const state = {} as TableState;
  const answers = [
    () => Promise.resolve(state),
    () => Promise.reject(new CloudError("throttled", "slow down")),
    () => Promise.reject(new TypeError("defect")),
  ];
  const full = new CloudError("quota", "full");
  const connection = await observedCloud(
    cloudOf({
      read: () => answers.shift()?.() ?? Promise.reject(new Error("no more")),
      write: (_table, changes) =>
        Promise.resolve({ outcomes: changes.map((change) => ({ change, error: full })) }),
    }),
    calls,
  ).identify(never);
  assert.equal(calls.lastRead("rtb-1"), null);
  assert.equal(await connection.read(table, never), state);
  await assert.rejects(connection.read(table, never), /slow down/);
  await assert.rejects(connection.read(table, never), /defect/);
  const gone = AbortSignal.abort();
  await assert.rejects(connection.read(table, gone));
  const prefix = { family: 4, words: [1, 0, 0, 0], length: 32, text: "0.0.0.1/32" } as const;
  await connection.write(table, [{ action: "add", prefix, from: null, to: ["x"] }], state, never);
  assert.deepEqual(told.map(({ operation, table, result }) => [operation, table, result]), [
    ["identify", null, "ok"],
    ["read", "rtb-1", "ok"],
    ["read", "rtb-1", "throttled"],
    ["read", "rtb-1", "error"],
    ["read", "rtb-1", "abandoned"],
    ["write", "rtb-1", "quota"],
  ]);
  assert.equal(calls.lastRead("rtb-1"), told[1]?.at);
  assert.equal(calls.lastWrite("rtb-1"), null);
  const { calls: count, failed } = calls.figures["read"] ?? {};
  assert.deepEqual([count, failed], [3, 2]);
});

Deno.test("which peers are dead is asked for and told; of a cloud that does not tell it is not asked", async () => {
  const told: CloudCall[] = [];
  const calls = new CloudCalls((call) => told.push(call));
  const dead = [{ address: parseAddress("10.0.0.3"), cause: "instance router-b is TERMINATED" }];
  const asked = await observedCloud(cloudOf({ findDead: () => Promise.resolve(dead) }), calls).identify(
    never,
  );
  assert.equal(await asked.findDead?.([], never), dead);
  assert.deepEqual(told.map(({ operation, result }) => [operation, result]), [["identify", "ok"], [
    "dead",
    "ok",
  ]]);
  assert.equal((await observedCloud(cloudOf({}), calls).identify(never)).findDead, undefined);
});

Deno.test("processFigures() reads what the kernel says, whatever the process is called", () => {
  const stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 5 0 0 0 250 50 0 0 20 0 11 0 100 999 12";
  const status = "Name:\ta\nVmRSS:\t   2048 kB\nThreads:\t11\n";
  assert.deepEqual(processFigures(stat, status), {
    cpuSeconds: 3,
    residentBytes: 2048 * 1024,
    threads: 11,
  });
  assert.equal(processFigures(null, status), null);
  assert.equal(processFigures(stat, ""), null);
});
