import assert from "node:assert/strict";
import fc from "fast-check";
import { RateLimiter } from "../../../src/async/rate_limiter.ts";

Deno.test("RateLimiter lets a burst through at once and paces what follows", () => {
  const limiter = new RateLimiter({ perSecond: 2, burst: 3 }, 0);
  assert.deepEqual([0, 0, 0, 0, 0].map((now) => limiter.take(now)), [0, 0, 0, 500, 1000]);
});

Deno.test("RateLimiter fills up with time, to its burst at most", () => {
  const limiter = new RateLimiter({ perSecond: 2, burst: 3 }, 0);
  for (let call = 0; call < 3; call++) limiter.take(0);
  assert.equal(limiter.take(500), 0);
  assert.equal(limiter.take(500), 500);
  assert.deepEqual([1e9, 1e9, 1e9, 1e9].map((now) => limiter.take(now)), [0, 0, 0, 500]);
});

Deno.test("RateLimiter lets no more calls through in any time than burst and pace allow", () => {
  const gaps = fc.array(fc.nat(400), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      gaps,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 5 }),
      (all, perSecond, burst) => {
        const limiter = new RateLimiter({ perSecond, burst }, 0);
        let now = 0;
        const calls = all.map((gap) => {
          now += gap;
          now += limiter.take(now);
          return now;
        });
        for (const [first, start] of calls.entries()) {
          for (const [last, end] of calls.entries()) {
            if (last < first) continue;
            // Waits are whole milliseconds: the last call may be one too early by that measure.
            assert.ok(last - first + 1 <= burst + ((end + 1 - start) * perSecond) / 1000);
          }
        }
      },
    ),
  );
});
