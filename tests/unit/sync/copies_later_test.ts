/** A start does not wait until the copies in its table are followed: that is looked after soon, once the routes stand. */

import assert from "node:assert/strict";
import { captureLog } from "../../fakes/captured_log.ts";
import { failure, Rig } from "./supervisor_rig.ts";

const minute = 60_000;

/** A run of ten seconds, in which the routes were written. */
async function started(change: (rig: Rig) => void): Promise<Rig> {
  const rig = new Rig();
  change(rig);
  rig.announce(["198.51.100.0/24"]);
  await rig.start();
  return rig;
}

Deno.test("copies are looked after one to three minutes after the start, when the routes stand", async () => {
  using _log = captureLog();
  const rig = await started(({ cloud }) => void (cloud.hasCopies = true));
  assert.deepEqual(rig.cloud.prefixes(), ["198.51.100.0/24"]);
  assert.deepEqual(rig.cloud.copied, [], "the start waited for it");
  await rig.clock.advance(3 * minute);
  assert.equal(rig.cloud.copied.length, 1);
  assert.ok((rig.cloud.copied[0] ?? 0) >= minute, `${rig.cloud.copied}`);
  assert.equal(rig.cloud.identified, 1, "nothing says that this VM is another");
  await rig.clock.advance(6 * minute);
  assert.equal(rig.cloud.copied.length, 2, "afterwards they are looked after as ever");
  assert.equal(rig.cloud.identified, 2);
  await rig.end();
});

Deno.test("without copies the tables are looked after as ever", async () => {
  using _log = captureLog();
  const rig = await started(() => {});
  await rig.clock.advance(4 * minute);
  assert.deepEqual(rig.cloud.copied, []);
  await rig.clock.advance(2 * minute);
  assert.equal(rig.cloud.copied.length, 1);
  await rig.end();
});

Deno.test("copies that cannot be looked after keep no route from being written, and are logged", async () => {
  using log = captureLog();
  const rig = await started(({ cloud }) => void (cloud.hasCopies = true));
  rig.cloud.fail = (call) => {
    if (call === "prepare") throw failure("denied", "Cannot read the former table: denied");
  };
  await rig.clock.advance(3 * minute);
  rig.announce(["203.0.113.0/24"]);
  await rig.clock.advance(minute);
  assert.deepEqual(rig.cloud.prefixes(), ["198.51.100.0/24", "203.0.113.0/24"]);
  assert.deepEqual(
    log.lines.filter((line) => line.includes("look after the tables")),
    ["warning: Cannot look after the tables: Cannot read the former table: denied"],
  );
  await rig.end();
});

Deno.test("apply looks after the copies at once: it makes what plan shows", async () => {
  using _log = captureLog();
  const rig = new Rig();
  rig.cloud.hasCopies = true;
  rig.announce(["198.51.100.0/24"]);
  const made = rig.supervisor.apply(rig.stop.signal, rig.clock.now() + minute);
  await rig.clock.advance(10_000);
  assert.equal(await made, true);
  assert.equal(rig.cloud.copied.length, 1);
});
