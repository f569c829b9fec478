/** Tables that `-route-table tag:KEY=VALUE` names: they come and go while the program runs. */

import assert from "node:assert/strict";
import type { CloudTable } from "../../../src/clouds/cloud.ts";
import { NoTableError } from "../../../src/clouds/cloud_error.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { failure, Rig } from "./supervisor_rig.ts";

const prefix = "198.51.100.0/24";
const later = "203.0.113.0/24";
const missing = "Cannot find a route table in vpc-1 with the tag crs=yes: none has it; give one that tag";

function tagged(...ids: readonly string[]): readonly CloudTable[] {
  return ids.map((id) => ({ id, name: id, ours: false, foundBy: "tag:crs=yes" }));
}

function lost(table: string): string {
  return `warning: Route table ${table} is no longer found by tag:crs=yes: it is no longer kept in step, and our routes in it ` +
    `stay as they are; to remove them, run cleanup with -route-table ${table}`;
}

/** Lets the tables be looked after. */
const lookAfter = (rig: Rig): Promise<void> => rig.clock.advance(320_000);

Deno.test("a table that gets the tag is kept from the next preparation on, one that loses it is left as it is", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.cloud.tables = tagged("rtb-1");
  rig.announce([prefix]);
  await rig.start();
  assert.deepEqual(rig.cloud.prefixes("rtb-1"), [prefix]);
  rig.cloud.tables = tagged("rtb-1", "rtb-2");
  await lookAfter(rig);
  assert.deepEqual(rig.cloud.prefixes("rtb-2"), [prefix]);
  assert.deepEqual(log.lines.filter((line) => line.includes("no longer found")), []);

  rig.cloud.tables = tagged("rtb-2");
  await lookAfter(rig);
  rig.announce([later]);
  await rig.clock.advance(5_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-1"), [prefix], "left as it was");
  assert.deepEqual(rig.cloud.prefixes("rtb-2"), [prefix, later]);
  assert.deepEqual(log.lines.filter((line) => line.includes("no longer found")), [lost("rtb-1")]);
  await rig.end();
});

Deno.test("one of several tagged tables that is deleted is not looked for any more", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.cloud.tables = tagged("rtb-1", "rtb-2");
  rig.announce([prefix]);
  await rig.start();
  rig.cloud.fail = (_call, table) => {
    if (table === "rtb-2") throw failure("gone", "Cannot read route table rtb-2: it does not exist");
  };
  rig.cloud.tables = tagged("rtb-1");
  await lookAfter(rig);
  await lookAfter(rig);
  assert.deepEqual(rig.supervisor.statuses.map(({ table }) => table), ["rtb-1"]);
  assert.deepEqual(log.lines.filter((line) => line.includes("no longer found")), [lost("rtb-2")]);
  await rig.end();
});

Deno.test("where no table has the tag it is said once and waited for, at the start and later", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.cloud.tables = tagged("rtb-1");
  const none = (call: string): void => {
    if (call === "prepare") throw new NoTableError(missing);
  };
  rig.cloud.fail = none;
  rig.announce([prefix]);
  await rig.start();
  assert.equal(rig.supervisor.openingError?.message, missing);
  assert.equal(log.lines.filter((line) => line.includes(missing)).length, 1);
  rig.cloud.fail = () => {};
  await rig.clock.advance(12_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-1"), [prefix]);

  rig.cloud.fail = none;
  await lookAfter(rig);
  rig.announce([later]);
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-1"), [prefix], "nothing is withdrawn, nothing is written");
  assert.deepEqual(log.lines.filter((line) => line.includes("no longer found")), [lost("rtb-1")]);
  rig.cloud.fail = () => {};
  await rig.clock.advance(12_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-1"), [prefix, later]);
  await rig.end();
});
