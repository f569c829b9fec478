import assert from "node:assert/strict";
import { longestTimeoutMs } from "../../../src/async/clock.ts";
import { delay } from "../../../src/async/delay.ts";
import { systemClock } from "../../../src/async/system_clock.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";

const never = new AbortController().signal;

Deno.test("delay() waits by the clock that it is given", async () => {
  const clock = new SteppingClock();
  await delay(1_500, never, clock);
  assert.deepEqual(clock.sleeps, [1_500]);
});

Deno.test("delay() of nothing or less sets no timer", async () => {
  const clock = new SteppingClock();
  await delay(0, never, clock);
  await delay(-5, never, clock);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("delay() rejects with the caller's own reason, before and while it waits", async () => {
  const reason = new Error("told to stop");
  await assert.rejects(delay(60_000, AbortSignal.abort(reason)), (error) => error === reason);
  const caller = new AbortController();
  const waiting = delay(60_000, caller.signal);
  caller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
});

Deno.test("systemClock.sleep() resolves when it is aborted, and does not fire at once beyond the longest timer", async () => {
  const caller = new AbortController();
  let ended = false;
  const waiting = systemClock.sleep(longestTimeoutMs + 1, caller.signal).then(() => ended = true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(ended, false);
  caller.abort();
  await waiting;
});
