/** The line that `apply` and `cleanup` print of a table. */

import assert from "node:assert/strict";
import { statusLine } from "../../../src/cli/commands/apply.ts";
import { syncStatus } from "../../fakes/observations.ts";

Deno.test("statusLine() says how a table stands", () => {
  assert.equal(
    statusLine(syncStatus()),
    "rtb-1: in step; 3 routes of ours; 2 foreign; 3 added, 1 replaced, 0 deleted",
  );
  assert.equal(
    statusLine(syncStatus({ owned: 1, pending: 2 })),
    "rtb-1: in step; 1 route of ours; 2 foreign; 3 added, 1 replaced, 0 deleted; 2 pending",
  );
});

Deno.test("statusLine() counts nothing in a table that was never read", () => {
  const never = syncStatus({
    inStep: false,
    owned: 0,
    foreign: 0,
    quotas: [],
    errors: new Map([["", new Error("Cannot reach the cloud: connection refused")]]),
    writes: { add: 0, replace: 0, delete: 0 },
    known: false,
    reads: 3,
    failures: 3,
    inStepAt: null,
  });
  assert.equal(
    statusLine(never),
    "rtb-1: not in step; not read\n  Cannot reach the cloud: connection refused",
  );
});

Deno.test("statusLine() counts in a table that is empty", () => {
  const empty = syncStatus({ inStep: false, owned: 0, foreign: 0, pending: 3, quotas: [], inStepAt: null });
  assert.match(statusLine(empty), /^rtb-1: not in step; 0 routes of ours; 0 foreign; /);
});
