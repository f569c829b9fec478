import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffMs, longestBackoffMs } from "../../../src/sync/backoff.ts";

const almostOne = 1 - 2 ** -53;

Deno.test("backoffMs() doubles its bound with each failure up to 10 s", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 100, 10_000].map((failures) =>
    backoffMs(failures, undefined, almostOne)
  );
  assert.deepEqual(bounds, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
});

Deno.test("backoffMs() draws the whole range below its bound, but never no wait at all", () => {
  assert.equal(backoffMs(5, undefined, 0), 50);
  assert.equal(backoffMs(5, undefined, 0.5), 4000);
});

Deno.test("backoffMs() is never shorter than Retry-After, even beyond the cap", () => {
  assert.equal(backoffMs(1, 3000, almostOne), 3000);
  assert.equal(backoffMs(1, 60_000, 0), 60_000);
  assert.equal(backoffMs(5, 3000, almostOne), 8000, "a longer draw stands");
});

Deno.test("backoffMs() without Retry-After stays within 50 ms and 10 s for any draw", () => {
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(fc.integer({ min: 1 }), draw, (failures, random) => {
    const wait = backoffMs(failures, undefined, random);
    assert.ok(wait >= 50 && wait <= longestBackoffMs);
  }));
  fc.assert(fc.property(fc.integer({ min: 1 }), fc.nat(), draw, (failures, retryAfter, random) => {
    assert.ok(backoffMs(failures, retryAfter, random) >= retryAfter);
  }));
});
