import assert from "node:assert/strict";
import { LearnedLimits } from "../../../../src/clouds/kit/learned_limit.ts";

Deno.test("LearnedLimits keeps the latest limit of each key for its time, and no longer", () => {
  let now = 0;
  const limits = new LearnedLimits({ ttlMs: 100, now: () => now });
  limits.learn("rtb-1 4", 50);
  limits.learn("rtb-1 6", 60);
  now = 50;
  limits.learn("rtb-1 4", 70);
  now = 149;
  assert.deepEqual([limits.of("rtb-1 4"), limits.of("rtb-1 6"), limits.of("rtb-2 4")], [70, null, null]);
  now = 150;
  assert.equal(limits.of("rtb-1 4"), null);
});

Deno.test("LearnedLimits keeps nothing that is no limit", () => {
  const limits = new LearnedLimits({ ttlMs: 100, now: () => 0 });
  for (const odd of [undefined, 0, -1, 1.5, NaN, Infinity]) limits.learn("r", odd);
  assert.equal(limits.of("r"), null);
});
