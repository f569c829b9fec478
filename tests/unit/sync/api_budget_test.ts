/** How often the API of an account is called. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";

const never = new AbortController().signal;

function budget(rate: { perSecond: number; burst: number } | null = null): {
  readonly clock: SteppingClock;
  readonly calls: ApiBudget;
} {
  const clock = new SteppingClock();
  return { clock, calls: new ApiBudget({ traits: { ...plainTraits, rate } }, clock) };
}

Deno.test("ApiBudget keeps the cloud's rate of writes, of each kind apart", async () => {
  const { clock, calls } = budget({ perSecond: 10, burst: 1 });
  for (const action of ["add", "delete", "add", "add", "read"] as const) await calls.wait(action, never);
  assert.deepEqual(clock.sleeps, [100, 100]);
});

Deno.test("ApiBudget lets a kind of call wait that was refused, and no other", async () => {
  const { clock, calls } = budget();
  calls.ended("add", 0, new CloudError("throttled", "too many"));
  await calls.wait("delete", never);
  assert.deepEqual(clock.sleeps, []);
  await calls.wait("add", never);
  assert.ok((clock.sleeps[0] ?? 0) > 1_000);
});

Deno.test("ApiBudget makes no call at all sooner than Retry-After", async () => {
  for (const kind of ["throttled", "unavailable"] as const) {
    const { clock, calls } = budget();
    calls.ended("add", 0, new CloudError(kind, "later", { retryAfterMs: 7_000 }));
    await calls.wait("read", never);
    assert.equal(clock.now(), 7_000);
  }
});

Deno.test("ApiBudget takes a resource that is busy for no sign that the account calls too often", () => {
  const { calls } = budget();
  const busy = new CloudError("throttled", "another operation", { retryAfterMs: 11_000, isBusy: true });
  assert.equal(calls.ended("write", 0, busy), 11_000);
  assert.deepEqual(calls.states.map(({ perSecond, fullPerSecond }) => perSecond === fullPerSecond), [true]);
});

Deno.test("ApiBudget does not take an API that is out of reach for one that accepts calls", () => {
  const { calls } = budget();
  calls.ended("read", 0, new CloudError("throttled", "too many"));
  const before = calls.states[0]?.perSecond;
  calls.ended("read", 0, new CloudError("unavailable", "refused"));
  assert.equal(calls.states[0]?.perSecond, before);
  calls.ended("read", 0, null);
  assert.ok((calls.states[0]?.perSecond ?? 0) > (before ?? 0));
});

Deno.test("ApiBudget tries a refused write again soon, unless readings are refused too", () => {
  const refused = new CloudError("throttled", "too many");
  const { calls: lone } = budget();
  assert.ok((lone.ended("add", 0, refused) ?? Infinity) <= 10_000);
  const { calls: short } = budget();
  short.ended("read", 0, refused);
  assert.ok((short.ended("add", 0, refused) ?? 0) > 20_000);
});

Deno.test("ApiBudget tells how each limiter stands", async () => {
  const { calls } = budget({ perSecond: 4, burst: 8 });
  await calls.wait("add", never);
  const until = calls.ended("add", 0, new CloudError("throttled", "too many"));
  const [state] = calls.states;
  assert.deepEqual(
    [state?.action, state?.fullPerSecond, state?.waiting, state?.throttledUntil, state?.refused],
    ["add", 4, 0, until, 1],
  );
  assert.ok((state?.perSecond ?? 4) < 4);
});

Deno.test("ApiBudget counts who waits, and stops waiting when the signal says so", async () => {
  const clock = new VirtualClock(() => 0.5);
  const calls = new ApiBudget({ traits: plainTraits }, clock);
  const stop = new AbortController();
  calls.ended("add", 0, new CloudError("throttled", "too many"));
  const waiting = calls.wait("add", stop.signal);
  await clock.advance(100);
  assert.equal(calls.states[0]?.waiting, 1);
  stop.abort(new Error("told to stop"));
  await assert.rejects(waiting, /told to stop/);
  assert.equal(calls.states[0]?.waiting, 0);
});
