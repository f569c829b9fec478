import assert from "node:assert/strict";
import type { Finding } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
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
  [
    "over the quota",
    { overQuota: ["10.0.0.0/8"] },
    "degraded",
    "rtb-1: 1 wanted route is over the quota (5 of 50 IPv4): 10.0.0.0/8; raise the limit, or leave routes out with -exclude",
  ],
  [
    "in conflict",
    { conflicts: ["10.0.0.0/8", "10.1.0.0/16"] },
    "degraded",
    "rtb-1: 2 wanted prefixes are blocked by foreign routes: 10.0.0.0/8, 10.1.0.0/16; delete them, or let -adopt take them over",
  ],
  [
    "holding all withdrawals, since the kernel has nothing left",
    { wanted: 0, held: 12, heldWhy: "12 of 12 would go" },
    "degraded",
    "rtb-1: 12 withdrawals are held: 12 of 12 would go; the kernel has no wanted route left: is the routing daemon running?",
  ],
  [
    "full of one error",
    { errors: new Map([["10.0.0.0/8", new Error("no")], ["10.1.0.0/16", new Error("no")]]) },
    "degraded",
    "rtb-1: no",
  ],
  [
    "refused one change",
    {
      errors: new Map([["10.0.0.0/8", new CloudError("denied", "Cannot add 10.0.0.0/8 to rtb-1: no")]]),
      nextTries: new Map([["10.0.0.0/8", Date.UTC(2026, 0, 1, 3, 0, 7)]]),
    },
    "degraded",
    "Cannot add 10.0.0.0/8 to rtb-1: no; cloudroutesync doctor -policy prints the permissions that it needs; next try 03:00:07 UTC",
  ],
  [
    "refused one change for a permission that the cloud names late",
    {
      errors: new Map([[
        "10.0.0.0/8",
        new CloudError("denied", "Cannot add 10.0.0.0/8 to rtb-1: 403: much is said before.", {
          action: "ec2:CreateRoute",
        }),
      ]]),
    },
    "degraded",
    "Cannot add 10.0.0.0/8 to rtb-1: permission ec2:CreateRoute is missing; cloudroutesync doctor -policy prints the permissions that it needs",
  ],
  [
    "answered with a full stop",
    {
      errors: new Map([["", new CloudError("unavailable", "Cannot read rtb-1: 503: A fault.")]]),
      nextTries: new Map([["", Date.UTC(2026, 0, 1, 3, 0, 7)]]),
    },
    "degraded",
    "Cannot read rtb-1: 503: A fault; next try 03:00:07 UTC",
  ],
  [
    "down, which a change met first",
    {
      errors: new Map([
        ["10.0.0.0/8", new CloudError("unavailable", "Cannot add 10.0.0.0/8: 503")],
        ["", new CloudError("unavailable", "Cannot read it: 503")],
      ]),
    },
    "degraded",
    "rtb-1: Cannot read it: 503",
  ],
  [
    "over the quota, as a refused change told",
    {
      overQuota: ["10.0.0.0/8"],
      errors: new Map([["10.0.0.0/8", new CloudError("quota", "Cannot add 10.0.0.0/8: full")]]),
    },
    "degraded",
    "rtb-1: 1 wanted route is over the quota (5 of 50 IPv4): 10.0.0.0/8; raise the limit, or leave routes out with -exclude",
  ],
  [
    "in conflict, as a refused change told",
    {
      conflicts: ["10.0.0.0/8"],
      errors: new Map([["10.0.0.0/8", new CloudError("conflict", "Cannot add 10.0.0.0/8: it is there")]]),
    },
    "degraded",
    "rtb-1: 1 wanted prefix is blocked by a foreign route: 10.0.0.0/8; delete it, or let -adopt take it over",
  ],
  ["not read yet", { known: false, owned: 0, inStep: false }, "starting", "rtb-1 has not been read yet"],
  [
    "not read yet, since its ledger is lost",
    { known: false, waitsFor: "the ledger is lost" },
    "starting",
    "rtb-1 has not been read yet: the ledger is lost",
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
    ready: false,
  });
});

const openings: readonly (readonly [CloudErrorKind, Health["state"]])[] = [
  ["denied", "degraded"],
  ["quota", "degraded"],
  ["invalid", "degraded"],
  ["malformed", "degraded"],
  ["gone", "degraded"],
  ["unavailable", "starting"],
  ["throttled", "starting"],
  ["conflict", "starting"],
];

for (const [kind, state] of openings) {
  Deno.test(`healthOf() is ${state} and says why while the cloud answers the first calls with ${kind}`, () => {
    const openingError = new CloudError(kind, "Cannot create a route table: no");
    const help = kind === "denied"
      ? "; cloudroutesync doctor -policy prints the permissions that it needs"
      : "";
    const openingNextTryAt = Date.UTC(2026, 0, 1, 3, 0, 7);
    assert.deepEqual(healthOf(observed([], { openingError, openingNextTryAt })), {
      state,
      why: `Cannot create a route table: no${help}; next try 03:00:07 UTC`,
      inStep: false,
      ready: false,
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
  const tables = [syncStatus(), syncStatus({ table: "rtb-2", inStep: false, overQuota: ["10.0.0.0/8"] })];
  const health = healthOf(observed(tables));
  assert.equal(health.inStep, false);
  assert.equal(
    health.why,
    "rtb-2: 1 wanted route is over the quota (5 of 50 IPv4): 10.0.0.0/8; raise the limit, or leave routes out with -exclude",
  );
});

Deno.test("summaryOf() adds up the tables", () => {
  const tables = [syncStatus({ pending: 1 }), syncStatus({ held: 2 })];
  assert.equal(summaryOf(observed(tables)), "6 routes in the cloud, 1 pending, 2 held");
});

Deno.test("healthOf() is degraded while packets do not go where the routes say", () => {
  const unused = syncStatus({ problems: ["Subnet subnet-1 does not use route table rtb-1"] });
  const health = healthOf(observed([unused]));
  assert.deepEqual([health.state, health.why], [
    "degraded",
    "Subnet subnet-1 does not use route table rtb-1; cloudroutesync doctor says what helps",
  ]);
});

Deno.test("healthOf() is degraded and not ready while this VM forwards nothing, and says what helps", () => {
  const drops: Finding = {
    name: "source/dest check",
    status: "bad",
    detail: "eni-1 drops packets",
    remedy: "run doctor",
  };
  assert.deepEqual(healthOf(observed([syncStatus()], { forwarding: [drops] })), {
    state: "degraded",
    why: "source/dest check: eni-1 drops packets (run doctor)",
    inStep: true,
    ready: false,
  });
});

Deno.test("healthOf() is ok while it is unknown whether this VM forwards", () => {
  const unknown: Finding = { name: "source/dest check", status: "unknown", detail: "it may not be read" };
  const { state, ready } = healthOf(observed([syncStatus()], { forwarding: [unknown] }));
  assert.deepEqual([state, ready], ["ok", true]);
});

Deno.test("healthOf() is not ready while the subnet does not use the table", () => {
  const { state, ready } = healthOf(observed([syncStatus({ problems: ["Subnet a does not use rtb-1"] })]));
  assert.deepEqual([state, ready], ["degraded", false]);
});
