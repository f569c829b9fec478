/** Calls of one kind follow what the cloud takes. */

import assert from "node:assert/strict";
import { AdaptiveLimiter } from "../../../src/async/adaptive_limiter.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

const full = { perSecond: 5, burst: 10 };
const after = { spacingMs: 40_000, longestFirstWaitMs: Infinity };
const never = new AbortController().signal;

/** A limiter, and a clock that a test moves on. */
class Scene {
  draw = 0.5;
  readonly clock = new VirtualClock(() => this.draw);
  readonly calls: AdaptiveLimiter;

  constructor(changed: Partial<typeof after> = {}) {
    this.calls = new AdaptiveLimiter(full, this.clock, { ...after, ...changed });
  }

  /** Asks for the turn of a call and lets time pass until it comes. @returns milliseconds that it took. */
  async wait(): Promise<number> {
    const askedAt = this.clock.now();
    let at: number | null = null;
    void this.calls.wait(never).then(() => at = this.clock.now());
    for (let step = 0; at === null && step < 10_000; step++) await this.clock.advance(100);
    assert.ok(at !== null, "its turn never comes");
    return at - askedAt;
  }

  /** A call that is refused at once. */
  refuse(retryAfterMs = 0): void {
    this.calls.refused(this.clock.now(), retryAfterMs);
  }
}

Deno.test("AdaptiveLimiter lets the burst through at once, then the full rate", async () => {
  const { clock, calls } = new Scene();
  const times: number[] = [];
  for (let call = 0; call < 12; call++) void calls.wait(never).then(() => times.push(clock.now()));
  await clock.advance(0);
  assert.equal(calls.waiting, 2);
  await clock.advance(1_000);
  assert.deepEqual(times, [...Array.from({ length: 10 }, () => 0), 200, 400]);
  assert.equal(calls.perSecond, 5);
  assert.equal(calls.throttledUntil, null);
});

Deno.test("AdaptiveLimiter makes no call sooner than Retry-After, whatever chance draws", async () => {
  for (const draw of [0, 0.5, 0.999]) {
    const scene = new Scene();
    scene.draw = draw;
    scene.refuse(70_000);
    assert.ok(await scene.wait() >= 70_000);
  }
});

Deno.test("AdaptiveLimiter spreads those that are refused together", () => {
  const times = [0, 0.25, 0.5, 0.999].map((draw) => {
    const scene = new Scene();
    scene.draw = draw;
    scene.refuse();
    return scene.calls.throttledUntil ?? 0;
  });
  assert.deepEqual([...new Set(times)].sort((left, right) => left - right), times);
  assert.ok((times[3] ?? 0) > 1.4 * (times[0] ?? 0));
});

Deno.test("AdaptiveLimiter spreads those whom a minute's quota refuses over the more minutes the sooner it was used up", () => {
  const longest = [10_000, 30_000, 50_000, 59_000].map((retryAfterMs) => {
    const scene = new Scene();
    scene.draw = 0.999_999;
    scene.refuse(retryAfterMs);
    return Math.round(((scene.calls.throttledUntil ?? 0) - retryAfterMs) / 1000);
  });
  assert.deepEqual(longest, [72, 120, 180, 180]);
  const soonest = new Scene();
  soonest.draw = 0;
  soonest.refuse(50_000);
  assert.equal(soonest.calls.throttledUntil, 50_000);
});

Deno.test("AdaptiveLimiter hardly widens a spacing whose minute's quota is used up at the end of it", async () => {
  const scene = new Scene();
  scene.refuse(30_000);
  const before = 1 / scene.calls.perSecond;
  await scene.clock.advance(60_000);
  scene.refuse(4_000);
  assert.equal(Math.round(60 * before / 56), Math.round(1 / scene.calls.perSecond));
});

Deno.test("AdaptiveLimiter lowers the rate with each refusal in a row, most with the second", async () => {
  const scene = new Scene();
  const spacings: number[] = [];
  for (let refusal = 0; refusal < 4; refusal++) {
    await scene.wait();
    scene.refuse();
    spacings.push(1 / scene.calls.perSecond);
  }
  const growth = spacings.slice(1).map((spacing, index) => spacing / (spacings[index] ?? 0));
  assert.ok(growth.every((factor) => factor > 1.2), growth.join());
  assert.ok(growth.slice(1).every((factor) => factor < (growth[0] ?? 0) / 2), growth.join());
});

Deno.test("AdaptiveLimiter waits five minutes or so at most, however often it is refused", async () => {
  const scene = new Scene();
  for (let refusal = 0; refusal < 30; refusal++) {
    scene.refuse();
    assert.ok(await scene.wait() <= 345_000);
  }
});

Deno.test("AdaptiveLimiter tries again soon after the first refusal where it is told to, and after one that follows an accepted call", async () => {
  const scene = new Scene({ longestFirstWaitMs: 10_000 });
  const refusedWaitMs = (): Promise<number> => {
    scene.refuse();
    return scene.wait();
  };
  assert.ok(await refusedWaitMs() <= 10_000);
  assert.ok(await refusedWaitMs() >= 90_000);
  scene.calls.accepted();
  assert.ok(await refusedWaitMs() <= 10_000);
});

Deno.test("AdaptiveLimiter lets nobody back early whom the cloud refused", () => {
  const scene = new Scene();
  scene.draw = 0;
  scene.refuse();
  assert.ok((scene.calls.throttledUntil ?? 0) >= after.spacingMs / 2);
});

Deno.test("AdaptiveLimiter counts refusals of calls that were under way together as one", async () => {
  const several = new Scene();
  await several.clock.advance(100);
  for (let call = 0; call < 3; call++) {
    several.calls.refused(50);
    await several.clock.advance(10);
  }
  const once = new Scene();
  await once.clock.advance(100);
  once.calls.refused(50);
  assert.equal(several.calls.perSecond, once.calls.perSecond);
});

Deno.test("AdaptiveLimiter only lowers by half what the cloud accepted lately", async () => {
  const scene = new Scene();
  for (let call = 0; call < 40; call++) {
    await scene.clock.advance(250);
    scene.calls.accepted();
  }
  scene.refuse();
  assert.equal(Math.round(scene.calls.perSecond), 2);
});

Deno.test("AdaptiveLimiter is back at the full rate after accepted calls, without a burst", async () => {
  const scene = new Scene();
  scene.refuse();
  for (let accepted = 0; scene.calls.perSecond < full.perSecond; accepted++) {
    await scene.wait();
    scene.calls.accepted();
    assert.ok(accepted < 100, "it never comes back");
  }
  assert.ok(await scene.wait() >= 200);
  assert.equal(scene.calls.throttledUntil, null);
});

Deno.test("AdaptiveLimiter lets who waits go sooner once a call is accepted, in the order of asking", async () => {
  const scene = new Scene();
  scene.refuse();
  await scene.wait();
  const order: number[] = [];
  for (const index of [0, 1]) void scene.calls.wait(never).then(() => order.push(index));
  await scene.clock.advance(5_000);
  assert.deepEqual(order, []);
  for (let call = 0; call < 3; call++) scene.calls.accepted();
  await scene.clock.advance(10_000);
  assert.deepEqual(order, [0, 1]);
});

Deno.test("AdaptiveLimiter passes the turn of one who gives up on to the next", async () => {
  const scene = new Scene();
  scene.refuse();
  const stop = new AbortController();
  const first = scene.calls.wait(stop.signal);
  const second = scene.wait();
  stop.abort(new Error("told to stop"));
  await assert.rejects(first, /told to stop/);
  assert.ok(await second > 10_000);
  assert.equal(scene.calls.waiting, 0);
});
