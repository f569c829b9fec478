import assert from "node:assert/strict";
import { CloudError, type CloudErrorKind, ConfigurationError } from "../../../src/clouds/cloud_error.ts";
import { retryUntil } from "../../../src/sync/retry.ts";
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

Deno.test("retryUntil() waits for a cloud that is not there yet, longer each time", async () => {
  const clock = new SteppingClock(0.5);
  assert.equal(await retryUntil(failing(7, "unavailable"), clock, never), "yes");
  assert.deepEqual(clock.sleeps, [250, 500, 1000, 2000, 4000, 5000, 5000]);
});

Deno.test("retryUntil() honours Retry-After", async () => {
  const clock = new SteppingClock(0);
  await retryUntil(failing(1, "throttled", 30_000), clock, never);
  assert.deepEqual(clock.sleeps, [30_000]);
});

Deno.test("retryUntil() tries a missing permission once a minute", async () => {
  const clock = new SteppingClock();
  await retryUntil(failing(2, "denied"), clock, never);
  assert.deepEqual(clock.sleeps, [60_000, 60_000]);
});

Deno.test("retryUntil() gives up on nonsense after three answers where its time is limited, and for ever asks seldom", async () => {
  await assert.rejects(
    retryUntil(failing(99, "invalid"), new SteppingClock(), never, { giveUpAt: 1_000_000 }),
    /^CloudError: no 3$/,
  );
  const clock = new SteppingClock(0.5);
  assert.equal(await retryUntil(failing(5, "invalid"), clock, never), "yes");
  assert.deepEqual(clock.sleeps, [250, 500, 60_000, 60_000, 60_000]);
});

Deno.test("retryUntil() throws a configuration error at once, but waits for it where all worked before", async () => {
  const clock = new SteppingClock();
  const wrong = (): Promise<string> => Promise.reject(new ConfigurationError("Cannot use -owner"));
  await assert.rejects(retryUntil(wrong, clock, never), ConfigurationError);
  assert.deepEqual(clock.sleeps, []);
  let calls = 0;
  const mended = (): Promise<string> => calls++ < 1 ? wrong() : Promise.resolve("yes");
  assert.equal(await retryUntil(mended, clock, never, { hasWorked: true }), "yes");
});

Deno.test("retryUntil() throws what is no CloudError at once", async () => {
  const clock = new SteppingClock();
  await assert.rejects(retryUntil(() => Promise.reject(new TypeError("a bug")), clock, never), TypeError);
});

Deno.test("retryUntil() takes two passing answers of nonsense for just that", async () => {
  assert.equal(await retryUntil(failing(2, "invalid"), new SteppingClock(), never), "yes");
});

Deno.test("retryUntil() throws the last error rather than wait beyond its time", async () => {
  const clock = new SteppingClock(0.5);
  await assert.rejects(retryUntil(failing(99, "unavailable"), clock, never, { giveUpAt: 2000 }), /no 4/);
  assert.ok(clock.now() <= 2000);
});

Deno.test("retryUntil() throws the signal's reason, before a call and after one", async () => {
  const stop = new AbortController();
  const call = (): Promise<string> => {
    stop.abort(new Error("told to stop"));
    return Promise.reject(new CloudError("unavailable", "no"));
  };
  await assert.rejects(retryUntil(call, new SteppingClock(), stop.signal), /told to stop/);
  await assert.rejects(retryUntil(failing(0, "gone"), new SteppingClock(), stop.signal), /told to stop/);
});

Deno.test("retryUntil() says when it tries again, and nothing where it gives up", async () => {
  const waiting = (): Promise<string> => retryUntil(failing(2, "unavailable"), new SteppingClock(), never);
  const late = (): Promise<string> =>
    retryUntil(failing(99, "unavailable"), new SteppingClock(0.5), never, { giveUpAt: 300 });
  assert.deepEqual(await logOf(waiting), [
    "warning: no 1; retrying in 1 s",
    "warning: no 2; retrying in 1 s",
  ]);
  assert.deepEqual(await logOf(late), ["warning: no 1; retrying in 1 s"]);
});

Deno.test("retryUntil() says an error once, however often it comes", async () => {
  let calls = 0;
  const denied = (): Promise<string> =>
    calls++ < 3 ? Promise.reject(new CloudError("denied", "no credentials")) : Promise.resolve("yes");
  const waiting = (): Promise<string> => retryUntil(denied, new SteppingClock(), never);
  assert.deepEqual(await logOf(waiting), [
    "warning: no credentials; cloudroutesync doctor -policy prints the permissions that it needs; retrying in 60 s",
  ]);
});

Deno.test("retryUntil() logs errors that take turns once each", async () => {
  let calls = 0;
  const turns = (): Promise<string> =>
    calls++ < 6
      ? Promise.reject(new CloudError("unavailable", calls % 2 === 0 ? "no answer" : "no route to host"))
      : Promise.resolve("yes");
  const lines = await logOf(() => retryUntil(turns, new SteppingClock(0), never));
  const warnings = lines.filter((line) => line.startsWith("warning"));
  assert.deepEqual(warnings.map((line) => line.split(";")[0]), [
    "warning: no route to host",
    "warning: no answer",
  ]);
});
