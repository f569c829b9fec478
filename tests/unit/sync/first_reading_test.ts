/** What preparing has read of a table stands for the first reading of a start, and for nothing else. */

import assert from "node:assert/strict";
import { OpenTableError } from "../../../src/sync/open_table_error.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { cloudRoute } from "../../fakes/cloud_routes.ts";
import { interfaceAddress } from "../../fakes/kernel_routes.ts";
import { failure, Rig } from "./supervisor_rig.ts";

const prefix = "198.51.100.0/24";
const auditMs = 300_000;

/** A router that has nothing to do: its route stands. */
function restarted(): Rig {
  const rig = new Rig();
  rig.cloud.readsAhead = true;
  rig.cloud.routes.set("rtb-1", new Map([[prefix, cloudRoute(prefix, "10.0.0.4")]]));
  rig.announce([prefix]);
  return rig;
}

/** How often the table was read, and by preparing. */
function readsOf({ cloud }: Rig): { readonly reads: number; readonly ahead: number } {
  return { reads: cloud.reads, ahead: cloud.readAhead };
}

Deno.test("a restart with nothing to do reads the table once, where preparing has read it", async () => {
  using _log = captureLog();
  const rig = restarted();
  await rig.start();
  assert.deepEqual(readsOf(rig), { reads: 0, ahead: 1 });
  assert.deepEqual(rig.supervisor.statuses.map(({ inStep, reads }) => [inStep, reads]), [[true, 1]]);
  assert.deepEqual(rig.cloud.written, []);
  await rig.end();
});

Deno.test("what preparing has read is used once: from then on the table is read, and audited by the time of that reading", async () => {
  using _log = captureLog();
  const rig = restarted();
  await rig.start();
  // The chance of this clock makes no jitter; the table was asked for after 20 ms, when this VM was known.
  await rig.clock.advance(20 + auditMs - rig.clock.now() - 1);
  assert.deepEqual(readsOf(rig), { reads: 0, ahead: 1 });
  await rig.clock.advance(25);
  assert.deepEqual(readsOf(rig), { reads: 1, ahead: 1 });
  await rig.clock.advance(3 * auditMs + 100);
  assert.deepEqual(readsOf(rig), { reads: 4, ahead: 1 });
  await rig.end();
});

Deno.test("a write is read back though preparing has read the table", async () => {
  using _log = captureLog();
  const rig = restarted();
  rig.announce(["203.0.113.0/24"]);
  await rig.start();
  assert.deepEqual(rig.cloud.written.map(({ prefix: { text } }) => text), ["203.0.113.0/24"]);
  assert.deepEqual(readsOf(rig), { reads: 1, ahead: 1 });
  assert.deepEqual(rig.supervisor.statuses.map(({ inStep }) => inStep), [true]);
  await rig.end();
});

Deno.test("what preparing has read is not used after some seconds", async () => {
  using _log = captureLog();
  const rig = restarted();
  rig.openTable = () => {
    if (rig.clock.now() < 5_100) throw new OpenTableError("Cannot open the ledger: no space is left", true);
  };
  await rig.start();
  assert.deepEqual(readsOf(rig), { reads: 1, ahead: 0 });
  await rig.end();
});

Deno.test("what preparing has read is not used once this VM is another", async () => {
  using _log = captureLog();
  const rig = restarted();
  rig.openTable = () => {
    if (rig.clock.now() > 500) return;
    if (rig.cloud.identity.instance === "vm") {
      rig.cloud.identity = { ...rig.cloud.identity, instance: "renamed" };
      rig.kernel.setInterfaces([], [interfaceAddress("eth0", "10.0.0.5/24")]);
      rig.interfacesChanged();
    }
    throw new OpenTableError("Cannot open the ledger: no space is left", true);
  };
  await rig.start();
  assert.equal(rig.supervisor.identity?.instance, "renamed");
  assert.deepEqual(readsOf(rig), { reads: 1, ahead: 0 });
  await rig.end();
});

Deno.test("a step of the start that is refused is all that is tried again", async () => {
  using _log = captureLog();
  const rig = restarted();
  let refusals = 2;
  rig.cloud.fail = (call) => {
    if (call === "prepare" && refusals-- > 0) throw failure("throttled", "Cannot prepare: too many calls");
  };
  await rig.start();
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.supervisor.statuses.map(({ inStep }) => inStep), [true]);
  assert.equal(refusals, -1, "it was refused twice");
  assert.equal(rig.cloud.identified, 1, "who this VM is was asked again");
  assert.deepEqual(readsOf(rig), { reads: 0, ahead: 1 });
  await rig.end();
});

Deno.test("apply() goes on from what preparing has read, and cleanUp() reads the table itself", async () => {
  using _log = captureLog();
  const rig = restarted();
  const signal = new AbortController().signal;
  const applied = rig.supervisor.apply(signal, 60_000);
  await rig.clock.advance(1_000);
  assert.equal(await applied, true);
  assert.deepEqual(readsOf(rig), { reads: 0, ahead: 1 });
  const other = restarted();
  const clean = other.supervisor.cleanUp(signal, 60_000);
  await other.clock.advance(10_000);
  assert.equal(await clean, true);
  assert.equal(other.cloud.readAhead, 0);
  assert.deepEqual(other.cloud.prefixes(), []);
});
