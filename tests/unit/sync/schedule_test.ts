/** When the next round is due: good news travels fast, bad news is checked. */

import assert from "node:assert/strict";
import { type RoundRest, Schedule } from "../../../src/sync/schedule.ts";

const settings = { coalesceMs: 10, withdrawDelayMs: 250, auditMs: 300_000 };
const nothingLeft: RoundRest = {
  waiting: false,
  heldUntil: null,
  dampedUntil: null,
  stuck: false,
  retryableAt: null,
};

/** A schedule whose table was read at 0 and is in step. */
function inStep(): Schedule {
  const schedule = new Schedule(settings, 0);
  schedule.beginRound();
  schedule.wasRead(0.5, 0);
  schedule.left(nothingLeft, 0);
  return schedule;
}

Deno.test("Schedule begins at once", () => {
  const schedule = new Schedule(settings, 5);
  assert.equal(schedule.dueAt(false), 0);
  assert.equal(schedule.mustRead(5), true);
});

Deno.test("Schedule sends adds and replaces out -coalesce after the first of them, however many follow", () => {
  const schedule = inStep();
  assert.equal(schedule.news(1000), true);
  assert.equal(schedule.news(1009), false, "it brings nothing forward");
  assert.equal(schedule.dueAt(true), 1010);
});

Deno.test("Schedule takes what arrives during a round for the next", () => {
  const schedule = inStep();
  schedule.news(1000);
  schedule.beginRound();
  assert.equal(schedule.news(1012), true);
  assert.equal(schedule.dueAt(true), 1022);
});

Deno.test("Schedule audits the table when nothing happened", () => {
  const schedule = inStep();
  assert.equal(schedule.dueAt(true), 300_000);
  assert.equal(schedule.mustRead(299_999), false);
  assert.equal(schedule.mustRead(300_000), true);
});

Deno.test("Schedule audits up to a tenth sooner or later, so that routers that began together part", () => {
  const audits = [0, 0.5, 0.999999].map((random) => {
    const schedule = new Schedule(settings, 0);
    schedule.wasRead(random, 0);
    return schedule.dueAt(true);
  });
  assert.deepEqual(audits, [270_000, 300_000, 330_000]);
});

Deno.test("Schedule reads at once a table whose state is not known", () => {
  assert.equal(inStep().dueAt(false), 0);
});

Deno.test("Schedule lets withdrawals go when the kernel has been quiet for -withdraw-delay", () => {
  const schedule = inStep();
  schedule.news(1000);
  assert.equal(schedule.withdrawalsDue(true, 1010), false);
  schedule.left({ ...nothingLeft, waiting: true }, 1010);
  schedule.beginRound();
  assert.equal(schedule.dueAt(true), 1250);
  assert.equal(schedule.withdrawalsDue(true, 1249), false);
  assert.equal(schedule.withdrawalsDue(true, 1250), true);
});

Deno.test("Schedule lets withdrawals wait 1 s at most, however restless the kernel", () => {
  const schedule = inStep();
  let dueAt = 0;
  for (let now = 1000; dueAt === 0; now += 100) {
    schedule.news(now);
    if (schedule.withdrawalsDue(true, now)) dueAt = now;
  }
  assert.equal(dueAt, 2000);
});

Deno.test("Schedule begins the wait anew when there was nothing to withdraw in between", () => {
  const schedule = inStep();
  schedule.news(1000);
  schedule.withdrawalsDue(true, 1000);
  schedule.withdrawalsDue(false, 1100);
  schedule.news(1900);
  assert.equal(schedule.withdrawalsDue(true, 1900), false);
  schedule.news(2100);
  assert.equal(schedule.withdrawalsDue(true, 2100), false);
  assert.equal(schedule.withdrawalsDue(true, 2350), true);
});

Deno.test("Schedule comes back when the guard lets the first held withdrawal go", () => {
  const schedule = inStep();
  schedule.left({ ...nothingLeft, heldUntil: 120_000 }, 0);
  assert.equal(schedule.dueAt(true), 120_000);
});

Deno.test("Schedule looks again after 2, 4, 8 … s, and once a minute in the end, where something stands in the way", () => {
  const schedule = inStep();
  const waits: number[] = [];
  for (let now = 0; waits.length < 8;) {
    schedule.left({ ...nothingLeft, stuck: true }, now);
    const due = schedule.dueAt(true);
    waits.push(due - now);
    now = due;
    assert.equal(schedule.mustRead(now), true);
    schedule.wasRead(0.5, now);
  }
  assert.deepEqual(waits, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

Deno.test("Schedule reads the table again when a hopeless change is worth another try", () => {
  const schedule = inStep();
  schedule.left({ ...nothingLeft, retryableAt: 60_000 }, 0);
  assert.equal(schedule.dueAt(true), 60_000);
});

Deno.test("Schedule makes no call before the back-off ends, whatever the news", () => {
  const schedule = inStep();
  schedule.failed(3000, 0, 1000);
  schedule.news(1001);
  assert.deepEqual([schedule.dueAt(true), schedule.dueAt(false)], [4000, 4000]);
});

Deno.test("Schedule backs off longer with each failure, and starts anew after a success", () => {
  const schedule = inStep();
  const almostOne = 1 - 2 ** -53;
  const waits = Array.from({ length: 7 }, () => {
    schedule.failed(undefined, almostOne, 0);
    return schedule.dueAt(false);
  });
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  schedule.succeeded();
  schedule.failed(undefined, almostOne, 0);
  assert.equal(schedule.dueAt(false), 500);
});

Deno.test("Schedule leaves alone for a while what only people can heal", () => {
  const schedule = inStep();
  schedule.blocked(60_000, 500);
  assert.equal(schedule.dueAt(false), 60_500);
});
