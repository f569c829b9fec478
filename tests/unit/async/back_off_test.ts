import assert from "node:assert/strict";
import fc from "fast-check";
import { backOffMs, longestBackOffMs } from "../../../src/async/back_off.ts";

const almostOne = 1 - 2 ** -53;

Deno.test("backOffMs() doubles its bound with each failure up to 10 s", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 100, 10_000].map((failures) =>
    backOffMs(failures, undefined, almostOne)
  );
  assert.deepEqual(bounds, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
});

Deno.test("backOffMs() draws the whole range below its bound, but never no wait at all", () => {
  assert.equal(backOffMs(5, undefined, 0), 50);
  assert.equal(backOffMs(5, undefined, 0.5), 4000);
});

Deno.test("backOffMs() is never shorter than Retry-After, even beyond the cap", () => {
  assert.equal(backOffMs(1, 3000, almostOne), 3000);
  assert.equal(backOffMs(1, 60_000, 0), 60_000);
  assert.equal(backOffMs(5, 3000, almostOne), 8000, "a longer draw stands");
});

Deno.test("backOffMs() without Retry-After stays within 50 ms and 10 s for any draw", () => {
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(fc.integer({ min: 1 }), draw, (failures, random) => {
    const wait = backOffMs(failures, undefined, random);
    assert.ok(wait >= 50 && wait <= longestBackOffMs);
  }));
  fc.assert(fc.property(fc.integer({ min: 1 }), fc.nat(), draw, (failures, retryAfter, random) => {
    assert.ok(backOffMs(failures, retryAfter, random) >= retryAfter);
  }));
});
