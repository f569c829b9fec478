/** What `plan` lists is what `apply` makes. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import { changeDocuments } from "../../../src/cli/plan_document.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { owner } from "../../fakes/cloud_routes.ts";
import { Rig } from "./supervisor_rig.ts";

/** A router and a table that differ in every way there is: routes to add, to replace, to delete, to keep, and one in the way. */
function differing(): Rig {
  const rig = new Rig();
  const standing = new Map(([
    ["198.51.100.0/24", "192.0.2.9", owner],
    ["203.0.113.0/24", "10.0.0.4", owner],
    ["198.18.0.0/24", "192.0.2.1", owner],
    ["198.18.0.0/16", "192.0.2.1", owner],
    ["172.16.1.0/24", "192.0.2.7", null],
  ] as const).map(([prefix, hop, by]) =>
    [prefix, { prefix: parsePrefix(prefix), nextHops: [hop], owner: by }] as const
  ));
  rig.cloud.routes.set("rtb-1", standing);
  rig.announce(["10.1.0.0/16", "10.1.1.0/24", "198.51.100.0/24", "203.0.113.0/24", "172.16.1.0/24"]);
  return rig;
}

const [signal, giveUpAt] = [new AbortController().signal, 30_000] as const;

/** The changes that `plan` lists, in its order. */
async function planned(rig: Rig): Promise<readonly string[]> {
  const previewing = rig.supervisor.preview(signal, giveUpAt);
  await rig.clock.advance(20_000);
  const [preview] = await previewing;
  assert.ok(preview !== undefined);
  return changeDocuments(preview.comparison).map(({ action, prefix, to }) => `${action} ${prefix} ${to}`);
}

/** The changes that `apply` makes, in its order. */
async function applied(rig: Rig): Promise<readonly string[]> {
  const applying = rig.supervisor.apply(signal, giveUpAt);
  await rig.clock.advance(60_000);
  await applying;
  return rig.cloud.written.map(({ action, prefix, to }: Change) =>
    `${action} ${prefix.text} ${to?.join() ?? null}`
  );
}

Deno.test("Supervisor.apply() makes what preview() lists, in that order, after one reading", async () => {
  using _log = captureLog();
  const list = await planned(differing());
  assert.deepEqual(list.toSorted(), [
    "add 10.1.0.0/16 10.0.0.4",
    "add 10.1.1.0/24 10.0.0.4",
    "delete 198.18.0.0/16 null",
    "delete 198.18.0.0/24 null",
    "replace 198.51.100.0/24 10.0.0.4",
  ]);
  const rig = differing();
  let readsBeforeWrites = 0;
  rig.cloud.fail = (call) => {
    if (call === "write" && rig.cloud.written.length === 0) readsBeforeWrites = rig.cloud.reads;
  };
  assert.deepEqual(await applied(rig), list);
  assert.equal(readsBeforeWrites, 1, "what was compared is carried out, and not read again first");
});

Deno.test("Supervisor.preview() does not read again what was read to foresee what preparing would do", async () => {
  using _log = captureLog();
  const [one, ahead] = [differing(), differing()];
  const list = await planned(one);
  ahead.cloud.readsAhead = true;
  assert.deepEqual(await planned(ahead), list);
  assert.deepEqual([one.cloud.reads, ahead.cloud.reads], [1, 0]);
});

Deno.test("Supervisor.apply() leaves out what preview() finds over the quota", async () => {
  using _log = captureLog();
  const [one, other] = [differing(), differing()];
  for (const { cloud } of [one, other]) cloud.limit = 4;
  const list = await planned(one);
  assert.ok(list.length < 5, `all of ${list} fits`);
  assert.deepEqual(await applied(other), list);
});
