/** Why a change was made, and how long after the kernel's event. */

import assert from "node:assert/strict";
import { ChangeCauses } from "../../../src/sync/change_causes.ts";
import { ChangeHistory } from "../../../src/sync/change_history.ts";
import { durationText } from "../../../src/sync/wording.ts";
import { addChange } from "../../fakes/cloud_routes.ts";

const prefix = "10.1.0.0/16";
const change = addChange(prefix);

Deno.test("what the first comparison finds missing is of the start, unless the kernel said so just now", () => {
  const causes = new ChangeCauses();
  causes.news(prefix, null);
  assert.deepEqual(causes.of(change, 900), { cause: "start", milliseconds: null });
  assert.deepEqual(causes.of(addChange("10.2.0.0/16"), 900), { cause: "start", milliseconds: null });
  causes.news("10.3.0.0/16", 500);
  assert.deepEqual(causes.of(addChange("10.3.0.0/16"), 900), { cause: "kernel", milliseconds: 400 });
});

Deno.test("the milliseconds count from the kernel's first event that is not settled yet", () => {
  const causes = new ChangeCauses();
  causes.inStep();
  causes.news(prefix, 1_000);
  causes.news(prefix, 1_200);
  assert.deepEqual(causes.of(change, 1_250), { cause: "kernel", milliseconds: 250 });
  causes.settled(prefix);
  assert.deepEqual(causes.of(change, 9_000), { cause: "drift", milliseconds: null });
});

Deno.test("an adopted route and a cleanup have causes of their own", () => {
  const causes = new ChangeCauses();
  causes.inStep();
  assert.equal(causes.of({ ...change, why: "adopted" }, 1).cause, "adopt");
  causes.news(prefix, 100);
  assert.deepEqual(causes.of({ ...change, why: "taken-over" }, 300), { cause: "peer", milliseconds: 200 });
  const ofDead = { ...change, why: "next-hop-changed", takesFrom: "10.0.0.5" } as const;
  assert.equal(causes.of(ofDead, 300).cause, "peer", "what a dead peer has goes");
  causes.cleanUp();
  assert.equal(causes.of(change, 1).cause, "cleanup");
});

Deno.test("the history has the last 200 changes, the newest first, and counts all", () => {
  const history = new ChangeHistory();
  const record = { action: "add", prefix, from: null, to: "x", cause: "kernel", milliseconds: 1 } as const;
  for (let at = 0; at < 150; at++) history.add({ ...record, at });
  assert.deepEqual(history.changes.slice(0, 2).map(({ at }) => at), [149, 148]);
  for (let at = 150; at < 300; at++) history.add({ ...record, at });
  assert.deepEqual([history.changes.length, history.changes[0]?.at, history.changes.at(-1)?.at], [
    200,
    299,
    100,
  ]);
  assert.equal(history.causes.kernel, 300);
});

Deno.test("durationText() reads as people say it", () => {
  const texts = [3.4, 999, 4_000, 60_000, 125_000, 3_600_000, 12_000_000].map(durationText);
  assert.deepEqual(texts, ["3 ms", "999 ms", "4 s", "1 min", "2 min 5 s", "1 h", "3 h 20 min"]);
});
