import assert from "node:assert/strict";
import { finish } from "../../../src/async/steps.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { LedgerError } from "../../../src/sync/ledger.ts";
import { tableDocument } from "../../../src/sync/sync_status.ts";
import type { ChangeRecord } from "../../../src/sync/change_history.ts";
import { TableReport } from "../../../src/sync/table_report.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { addChange, quota, replaceChange, someTable } from "../../fakes/cloud_routes.ts";
import { syncStatus } from "../../fakes/observations.ts";

const quotas = [quota(2, 2), quota(0, null, [6])];
const well = syncStatus({ quotas });

/** What a table's report logs while it takes note of things. */
function logOf(play: (report: TableReport) => void): readonly string[] {
  using log = captureLog();
  play(new TableReport(someTable, (hop) => `<${hop}>`));
  return log.lines;
}

/** What is logged of problems that follow one another. */
function problems(...statuses: readonly (typeof well)[]): readonly string[] {
  return logOf((report) => {
    for (const status of statuses) finish(report.loggingProblems(status, true));
  });
}

function overQuota(...prefixes: readonly string[]): typeof well {
  return { ...well, overQuota: prefixes };
}

Deno.test("loggingProblems() says nothing when there is none", () => {
  assert.deepEqual(problems(well, well), []);
});

Deno.test("loggingProblems() says in one line what is over the quota, once for each prefix, and when nothing is", () => {
  const lines = problems(
    overQuota("10.1.0.0/16"),
    overQuota("10.1.0.0/16"),
    overQuota("10.1.0.0/16", "10.2.0.0/16"),
    overQuota("10.1.0.0/16"),
    overQuota("10.2.0.0/16"),
    well,
    overQuota("10.1.0.0/16"),
  );
  const first =
    "warning: degraded: rtb-1: 1 wanted route is over the quota (2 of 2 IPv4): 10.1.0.0/16; raise the limit, or leave routes out with -exclude";
  assert.deepEqual(lines, [
    first,
    "warning: degraded: rtb-1: 2 wanted routes are over the quota (2 of 2 IPv4): 10.1.0.0/16, 10.2.0.0/16; raise the limit, or leave routes out with -exclude",
    "info: rtb-1: no route is over the quota any more",
    first,
  ]);
});

Deno.test("loggingProblems() names five prefixes at most", () => {
  const [line] = problems(overQuota(...Array.from({ length: 6 }, (_, index) => `10.${index}.0.0/16`)));
  assert.match(
    line ?? "",
    /6 wanted routes are over .*: 10\.0\.0\.0\/16, .*10\.4\.0\.0\/16 and 1 more; raise/,
  );
});

Deno.test("loggingProblems() says which foreign routes block, and when none does any more", () => {
  const blocked = { ...well, conflicts: ["10.1.0.0/16"] };
  assert.deepEqual(problems(blocked, blocked, well), [
    "warning: degraded: rtb-1: 1 wanted prefix is blocked by a foreign route: 10.1.0.0/16; delete it, or let -adopt take it over",
    "info: rtb-1: no foreign route blocks a wanted prefix any more",
  ]);
});

Deno.test("loggingProblems() says when a hold begins and ends, but not while the guard has not been asked", () => {
  const held = { ...well, held: 12, heldWhy: "12 of 12 would go" };
  const lines = logOf((report) => {
    finish(report.loggingProblems(held, true));
    finish(report.loggingProblems(well, false));
    finish(report.loggingProblems(held, true));
    finish(report.loggingProblems(well, true));
  });
  assert.deepEqual(lines, [
    "warning: degraded: rtb-1: 12 withdrawals are held: 12 of 12 would go",
    "info: rtb-1: no withdrawal is held any more",
  ]);
});

Deno.test("changeDone() logs the decision with its next hops as people read them, and counts it", () => {
  let now = 0;
  const told: ChangeRecord[] = [];
  const report = new TableReport(someTable, (hop) => `<${hop}>`, {
    now: () => now,
    onChange: (_table, change) => told.push(change),
  });
  using log = captureLog();
  report.changeFailed(replaceChange("10.1.0.0/16"), new CloudError("throttled", "too many"), 17_000);
  now = 65_000;
  report.changeDone(replaceChange("10.1.0.0/16"), { cause: "kernel", milliseconds: 31.6 });
  report.changeDone(replaceChange("10.1.0.0/16"), { cause: "drift", milliseconds: null });
  assert.deepEqual(log.lines, [
    "warning: rtb-1: 10.1.0.0/16: too many; retrying in 17 s",
    "info: replace 10.1.0.0/16 in rtb-1: <eni-1> -> <eni-2> (kernel, 32 ms; it failed for 1 min 5 s)",
    "warning: replace 10.1.0.0/16 in rtb-1: <eni-1> -> <eni-2> (drift)",
  ]);
  const { failures, errors, changes, causes } = report.facts;
  const writes = { ...report.facts.writes, replace: report.facts.writes.replace - 1 };
  assert.deepEqual(changes.map(({ cause }) => cause), ["drift", "kernel"]);
  assert.deepEqual([causes.kernel, causes.drift, causes.start], [1, 1, 0]);
  assert.deepEqual(told, changes.toReversed());
  assert.deepEqual([writes, failures, errors.size], [{ add: 0, replace: 1, delete: 0 }, 1, 0]);
});

Deno.test("a failure is logged once, with the cloud's own number for it, and counted each time", () => {
  const denied = new CloudError("denied", "Cannot create route: no", {
    status: 403,
    code: "UnauthorizedOperation",
    requestId: "r-7",
    action: "ec2:CreateRoute",
  });
  const report = new TableReport(someTable, (hop) => hop);
  using log = captureLog();
  for (let time = 0; time < 3; time++) report.changeFailed(addChange("10.1.0.0/16"), denied, 60_000);
  assert.deepEqual(log.lines, [
    "warning: rtb-1: 10.1.0.0/16: Cannot create route: no (request r-7); cloudroutesync doctor -policy prints the permissions that it needs; retrying in 1 min",
  ]);
  assert.equal(report.facts.failures, 3);
  assert.deepEqual(tableDocument(syncStatus(report.facts)).errors, {
    "10.1.0.0/16": {
      message: "Cannot create route: no",
      kind: "denied",
      status: 403,
      code: "UnauthorizedOperation",
      requestId: "r-7",
      action: "ec2:CreateRoute",
    },
  });
});

Deno.test("errors of table and look-up stand apart from those of prefixes, and end by themselves", () => {
  let now = 0;
  const report = new TableReport(someTable, (hop) => hop, { now: () => now });
  using log = captureLog();
  report.tableFailed(new CloudError("unavailable", "Cannot read route table rtb-1: 503"), 2_500);
  report.ledgerFailed(new LedgerError("Cannot write the ledger /x: full", "free space there", null), 900);
  report.lookUpFailed(new CloudError("denied", "Cannot list interfaces: no"), null);
  assert.deepEqual(log.lines, [
    "warning: Cannot read route table rtb-1: 503; retrying in 3 s",
    "warning: rtb-1: Cannot write the ledger /x: full; free space there; retrying in 900 ms",
    "warning: rtb-1: Cannot look up who the neighbours are: Cannot list interfaces: no; cloudroutesync doctor -policy prints the permissions that it needs",
  ]);
  assert.deepEqual([...report.facts.errors.keys()], ["", "ledger", "neighbours"]);
  now = 2_000;
  report.tableRead();
  // A table that can be read says nothing of a ledger that cannot be written.
  assert.deepEqual([...report.facts.errors.keys()], ["ledger", "neighbours"]);
  now = 12_000;
  report.ledgerWorked();
  now = 200_000;
  report.lookUpWorked();
  report.tableRead();
  assert.equal(report.facts.errors.size, 0);
  assert.deepEqual(log.lines.slice(3), [
    "info: rtb-1: can be used again, after 2 s",
    "info: rtb-1: the ledger can be used again, after 12 s",
    "info: rtb-1: the neighbours can be looked up again, after 3 min 20 s",
  ]);
});

Deno.test("what fails for one reason at many prefixes is logged for the first of them, and what fails by itself for each", () => {
  const denied = (action: string, prefix: string): CloudError =>
    new CloudError("denied", `Cannot write ${prefix}`, { action });
  const failures = [
    ["10.1.0.0/16", denied("CreateRoute", "10.1.0.0/16")],
    ["10.2.0.0/16", denied("CreateRoute", "10.2.0.0/16")],
    ["10.3.0.0/16", denied("DeleteRoute", "10.3.0.0/16")],
    ["10.4.0.0/16", new CloudError("quota", "Cannot add 10.4.0.0/16")],
    ["10.5.0.0/16", new CloudError("quota", "Cannot add 10.5.0.0/16")],
    ["2001:db8::/32", new CloudError("quota", "Cannot add 2001:db8::/32")],
    ["10.6.0.0/16", new CloudError("invalid", "Cannot add 10.6.0.0/16")],
    ["10.7.0.0/16", new CloudError("invalid", "Cannot add 10.7.0.0/16")],
  ] as const;
  const lines = logOf((report) => {
    for (const [prefix, error] of failures) report.changeFailed(addChange(prefix), error, null);
    assert.equal(report.facts.failures, failures.length);
    assert.equal(report.facts.errors.size, failures.length);
    // Once it is over at the prefix that was named, the next failure is news.
    for (const prefix of ["10.1.0.0/16", "10.2.0.0/16"]) report.settled(prefix);
    report.changeFailed(addChange("10.8.0.0/16"), denied("CreateRoute", "10.8.0.0/16"), null);
  });
  assert.deepEqual(
    lines.map((line) => /^warning: rtb-1: .*?(\d[\d.:a-f/]+)/.exec(line)?.[1]),
    [
      "10.1.0.0/16",
      "10.3.0.0/16",
      "10.4.0.0/16",
      "2001:db8::/32",
      "10.6.0.0/16",
      "10.7.0.0/16",
      "10.8.0.0/16",
    ],
  );
});

Deno.test("each further back-off of a table is logged for -debug, and none of a change", () => {
  const down = new CloudError("unavailable", "Cannot read route table rtb-1: 503.");
  using log = captureLog("debug");
  const report = new TableReport(someTable, (hop) => hop);
  for (const wait of [500, 2_000]) report.tableFailed(down, wait);
  for (const wait of [500, 2_000]) report.changeFailed(addChange("10.1.0.0/16"), down, wait);
  assert.deepEqual(log.lines, [
    "warning: Cannot read route table rtb-1: 503; retrying in 500 ms",
    "debug: Still failing: Cannot read route table rtb-1: 503; retrying in 2 s",
    "warning: 10.1.0.0/16: Cannot read route table rtb-1: 503; retrying in 500 ms",
  ]);
});
