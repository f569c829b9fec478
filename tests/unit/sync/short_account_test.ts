/** What is looked after now and then leaves an account that refuses calls to those that have something to do, and not for ever. */

import assert from "node:assert/strict";
import { captureLog } from "../../fakes/captured_log.ts";
import { failure, Rig } from "./supervisor_rig.ts";

const minute = 60_000;

/** How often the cloud was asked who this VM is and whether it forwards. */
function looks({ cloud }: Rig): readonly number[] {
  return [cloud.identified, cloud.forwardingLooks];
}

/** A run whose readings the account refuses from now on. */
async function short(): Promise<Rig> {
  const rig = new Rig();
  rig.cloud.fail = (call) => {
    if (call === "read") throw failure("throttled", "too many calls");
  };
  rig.announce(["198.51.100.0/24"]);
  await rig.start();
  return rig;
}

Deno.test("while readings are refused nobody looks who this VM is nor whether it forwards, for ten minutes at most", async () => {
  using _log = captureLog();
  const rig = await short();
  await rig.clock.advance(9 * minute);
  assert.deepEqual(looks(rig), [1, 1]);
  await rig.clock.advance(16 * minute);
  const [identified = 0, forwarding = 0] = looks(rig);
  assert.ok(identified > 1, "it is never looked again who this VM is");
  assert.ok(forwarding > 1, "it is never looked again whether this VM forwards");
  await rig.end();
});

Deno.test("once readings are taken again it is looked after as ever", async () => {
  using _log = captureLog();
  const rig = await short();
  await rig.clock.advance(9 * minute);
  rig.cloud.fail = () => {};
  await rig.clock.advance(30 * minute);
  const before = looks(rig);
  await rig.clock.advance(20 * minute);
  const more = looks(rig).map((count, index) => count - (before[index] ?? 0));
  assert.ok(more.every((count) => count >= 3), more.join());
  await rig.end();
});
