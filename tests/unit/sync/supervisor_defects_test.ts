/** A defect of this program, and what keeps this machine from opening a table: which of them end a run, and which do not. */

import assert from "node:assert/strict";
import { ConfigurationError } from "../../../src/clouds/cloud_error.ts";
import { OpenTableError } from "../../../src/sync/open_table_error.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { failure, Rig, type RigCloud } from "./supervisor_rig.ts";

const prefixes = ["198.51.100.0/24", "203.0.113.0/24"];

type Call = Parameters<RigCloud["fail"]>[0];

/** Makes the next so many calls of a kind fail with a defect. */
function failNext(rig: Rig, which: Call, times: number): void {
  let left = times;
  rig.cloud.fail = (call) => {
    if (call === which && left-- > 0) throw new TypeError(`defect in ${call}`);
  };
}

for (const call of ["identify", "prepare", "read", "write"] as const) {
  Deno.test(`Supervisor.run() outlives a defect in ${call}, reports it and gets in step`, async () => {
    using _log = captureLog();
    const rig = new Rig();
    failNext(rig, call, 3);
    rig.announce(prefixes);
    await rig.start();
    await rig.clock.advance(20_000);
    assert.deepEqual(rig.cloud.prefixes(), prefixes);
    assert.deepEqual(
      rig.unexpected.map((line) => line.replace(/\d+ s/, "N s")),
      Array(3).fill(`in the loop, which starts again in N s: TypeError: defect in ${call}`),
    );
    await rig.end();
  });
}

Deno.test("Supervisor.run() begins anew ever later while a defect stays, and not before the other tables have ended", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.cloud.tables = ["rtb-1", "rtb-2"].map((id) => ({ id, name: id, ours: false }));
  let underWay = 0;
  let mostAtOnce = 0;
  let prepared = 0;
  rig.cloud.fail = (call, table) => {
    if (call === "prepare") prepared++;
    if (call === "read" && table === "rtb-1") throw new TypeError("defect in one table");
    if (call === "write") underWay--;
  };
  const write = rig.cloud.write.bind(rig.cloud);
  rig.cloud.write = (...args) => {
    mostAtOnce = Math.max(mostAtOnce, ++underWay);
    return write(...args);
  };
  rig.announce(prefixes);
  await rig.start();
  await rig.clock.advance(600_000);
  assert.deepEqual(rig.cloud.prefixes("rtb-2"), prefixes, "the other table is kept meanwhile");
  assert.equal(mostAtOnce, 1, "one loop a table");
  assert.ok(prepared >= 60 && prepared <= 200, `began ${prepared} times in 610 s`);
  assert.equal(rig.unexpected.length, prepared);
  await rig.end();
});

Deno.test("Supervisor.run() ends without a word when a defect shows on the way out", async () => {
  using _log = captureLog();
  const rig = new Rig();
  await rig.start();
  rig.cloud.fail = () => {
    throw new TypeError("a defect");
  };
  rig.announce(prefixes);
  await rig.end();
  assert.deepEqual(rig.unexpected, []);
});

Deno.test("Supervisor.run() waits for a cloud that answers nonsense, and tells it meanwhile", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.cloud.fail = (call) => {
    if (call === "identify") throw failure("invalid", "Cannot identify this VM: no interface");
  };
  rig.announce(prefixes);
  await rig.start();
  await rig.clock.advance(300_000);
  assert.equal(rig.supervisor.openingError?.message, "Cannot identify this VM: no interface");
  rig.cloud.fail = () => {};
  await rig.clock.advance(61_000);
  assert.deepEqual(rig.cloud.prefixes(), prefixes);
  await rig.end();
});

Deno.test("Supervisor.run() ends for a configuration error before it has begun, and waits for it afterwards", async () => {
  using _log = captureLog();
  const wrong = (): void => {
    throw new ConfigurationError("Cannot use -route-table x");
  };
  const begun = new Rig();
  await begun.start();
  begun.cloud.tables = [];
  begun.cloud.fail = (call) => call === "prepare" ? wrong() : undefined;
  await begun.clock.advance(1_000_000);
  await begun.end();
  assert.deepEqual(begun.unexpected, []);
  const rig = new Rig();
  rig.cloud.fail = (call) => call === "prepare" ? wrong() : undefined;
  const ended = assert.rejects(rig.start().then(() => rig.ended), ConfigurationError);
  await ended;
});

Deno.test("Supervisor.run() waits for a table that this machine cannot open yet, and tells why meanwhile", async () => {
  using log = captureLog();
  const rig = new Rig();
  rig.openTable = () => {
    throw new OpenTableError("Cannot open the ledger: no space is left", true);
  };
  rig.announce(prefixes);
  await rig.start();
  await rig.clock.advance(60_000);
  assert.equal(rig.supervisor.openingError?.message, "Cannot open the ledger: no space is left");
  assert.equal(log.lines.filter((line) => line.includes("no space is left")).length, 1);
  rig.openTable = () => {};
  await rig.clock.advance(11_000);
  assert.deepEqual(rig.cloud.prefixes(), prefixes);
  assert.equal(rig.supervisor.openingError, null);
  await rig.end();
});

Deno.test("Supervisor.run() ends for a table that no waiting opens", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.openTable = () => {
    throw new OpenTableError("Cannot open the ledger: permission denied", false);
  };
  await assert.rejects(rig.start().then(() => rig.ended), /permission denied/);
  assert.deepEqual(rig.unexpected, []);
});
