import assert from "node:assert/strict";
import type { CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { type Health, healthOf, summaryOf } from "../../../src/observe/health.ts";
import type { SyncStatus } from "../../../src/sync/sync_status.ts";
import { observed, syncStatus } from "../../fakes/observations.ts";

const rows: readonly (readonly [string, Partial<SyncStatus>, Health["state"], string])[] = [
  ["in step", {}, "ok", "3 routes in the cloud, 0 pending, 0 held"],
  ["about to be in step", { inStep: false, pending: 2 }, "ok", "3 routes in the cloud, 2 pending, 0 held"],
  [
    "holding withdrawals",
    { held: 12, heldWhy: "12 of 20 would go" },
    "degraded",
    "rtb-1: 12 withdrawals are held: 12 of 20 would go",
  ],
  ["out of quota", { unfit: ["10.0.0.0/8"] }, "degraded", "rtb-1: no room in the quota for 1 routes"],
  [
    "in conflict",
    { conflicts: ["10.0.0.0/8", "10.1.0.0/16"] },
    "degraded",
    "rtb-1: foreign routes stand at 2 wanted prefixes",
  ],
  [
    "full of one error",
    { errors: new Map([["10.0.0.0/8", "no"], ["10.1.0.0/16", "no"]]) },
    "degraded",
    "rtb-1: no",
  ],
];

for (const [name, changed, state, why] of rows) {
  Deno.test(`healthOf() a table that is ${name} is ${state}`, () => {
    const health = healthOf(observed([syncStatus(changed)]));
    assert.deepEqual([health.state, health.why], [state, why]);
  });
}

Deno.test("healthOf() is starting until the cloud has answered", () => {
  assert.deepEqual(healthOf(observed([])), {
    state: "starting",
    why: "the cloud has not answered yet",
    inStep: false,
  });
});

const openings: readonly (readonly [CloudErrorKind, Health["state"]])[] = [
  ["denied", "degraded"],
  ["quota", "degraded"],
  ["invalid", "degraded"],
  ["gone", "degraded"],
  ["unavailable", "starting"],
  ["throttled", "starting"],
  ["conflict", "starting"],
];

for (const [kind, state] of openings) {
  Deno.test(`healthOf() is ${state} and says why while the cloud answers the first calls with ${kind}`, () => {
    const openingError = { kind, message: "Cannot create a route table: no" };
    assert.deepEqual(healthOf(observed([], { openingError })), {
      state,
      why: "Cannot create a route table: no",
      inStep: false,
    });
  });
}

Deno.test("healthOf() is failing while the kernel cannot be read, whatever the tables", () => {
  const health = healthOf(
    observed([syncStatus({ held: 1 })], { kernelError: "Cannot dump routes: ENOBUFS" }),
  );
  assert.deepEqual([health.state, health.why], ["failing", "Cannot dump routes: ENOBUFS"]);
});

Deno.test("healthOf() is in step only when every table is, and tells each table's problems", () => {
  const tables = [syncStatus(), syncStatus({ table: "rtb-2", inStep: false, unfit: ["10.0.0.0/8"] })];
  const health = healthOf(observed(tables));
  assert.equal(health.inStep, false);
  assert.equal(health.why, "rtb-2: no room in the quota for 1 routes");
});

Deno.test("summaryOf() adds up the tables", () => {
  const tables = [syncStatus({ pending: 1 }), syncStatus({ held: 2 })];
  assert.equal(summaryOf(observed(tables)), "6 routes in the cloud, 1 pending, 2 held");
});
