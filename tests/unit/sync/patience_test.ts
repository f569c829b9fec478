import assert from "node:assert/strict";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { untilItWorks } from "../../../src/sync/patience.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";

const never = new AbortController().signal;

/** A call that fails so many times and then works. */
function failing(times: number, kind: CloudErrorKind, retryAfterMs?: number): () => Promise<string> {
  let calls = 0;
  return () =>
    calls++ < times
      ? Promise.reject(new CloudError(kind, `no ${calls}`, { retryAfterMs }))
      : Promise.resolve("yes");
}

/** What is logged until the work ends, however it ends. */
async function logOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  using log = captureLog();
  await work().catch(() => {});
  return log.lines;
}

Deno.test("untilItWorks() waits for a cloud that is not there yet, longer each time", async () => {
  const clock = new SteppingClock(0.5);
  assert.equal(await untilItWorks(failing(7, "unavailable"), clock, never), "yes");
  assert.deepEqual(clock.sleeps, [250, 500, 1000, 2000, 4000, 5000, 5000]);
});

Deno.test("untilItWorks() honours Retry-After", async () => {
  const clock = new SteppingClock(0);
  await untilItWorks(failing(1, "throttled", 30_000), clock, never);
  assert.deepEqual(clock.sleeps, [30_000]);
});

Deno.test("untilItWorks() tries a missing permission once a minute", async () => {
  const clock = new SteppingClock();
  await untilItWorks(failing(2, "denied"), clock, never);
  assert.deepEqual(clock.sleeps, [60_000, 60_000]);
});

Deno.test("untilItWorks() gives up on what no waiting mends, and on what is no CloudError at once", async () => {
  const clock = new SteppingClock();
  await assert.rejects(untilItWorks(failing(99, "invalid"), clock, never), /^CloudError: no 3$/);
  await assert.rejects(untilItWorks(() => Promise.reject(new TypeError("a bug")), clock, never), TypeError);
});

Deno.test("untilItWorks() takes two passing answers of nonsense for just that", async () => {
  assert.equal(await untilItWorks(failing(2, "invalid"), new SteppingClock(), never), "yes");
});

Deno.test("untilItWorks() throws the last error rather than wait beyond its time", async () => {
  const clock = new SteppingClock(0.5);
  await assert.rejects(untilItWorks(failing(99, "unavailable"), clock, never, 2000), /no 4/);
  assert.ok(clock.now() <= 2000);
});

Deno.test("untilItWorks() throws the signal's reason, before a call and after one", async () => {
  const stop = new AbortController();
  const call = (): Promise<string> => {
    stop.abort(new Error("told to stop"));
    return Promise.reject(new CloudError("unavailable", "no"));
  };
  await assert.rejects(untilItWorks(call, new SteppingClock(), stop.signal), /told to stop/);
  await assert.rejects(untilItWorks(failing(0, "gone"), new SteppingClock(), stop.signal), /told to stop/);
});

Deno.test("untilItWorks() says that it tries on only when it does, and how often where the end is in sight", async () => {
  const waiting = (): Promise<string> => untilItWorks(failing(2, "unavailable"), new SteppingClock(), never);
  const giving = (): Promise<string> => untilItWorks(failing(99, "invalid"), new SteppingClock(), never);
  assert.deepEqual(await logOf(waiting), ["warning: no 1; trying on", "warning: no 2; trying on"]);
  assert.deepEqual(await logOf(giving), ["warning: no 1; tries left: 2", "warning: no 2; tries left: 1"]);
});

Deno.test("untilItWorks() does not say that it tries on when its time is over", async () => {
  const late = (): Promise<string> =>
    untilItWorks(failing(99, "unavailable"), new SteppingClock(0.5), never, 300);
  assert.deepEqual(await logOf(late), ["warning: no 1; trying on"]);
});
