import assert from "node:assert/strict";
import { untilRefillMs } from "../../../../src/clouds/gcp/minute_quota.ts";

const minute = Date.parse("2026-11-28T10:00:00Z");

for (const [second, wait] of [[15, 45], [59.5, 0.5], [5, 55], [0, 5], [4, 1]] as const) {
  Deno.test(`untilRefillMs() waits ${wait} s after a refusal in second ${second} of a minute`, () => {
    assert.equal(untilRefillMs(minute + second * 1000, 0), wait * 1000);
  });
}

Deno.test("untilRefillMs() spreads those that wait for the same minute over three seconds", () => {
  assert.equal(untilRefillMs(minute + 15_000, 0.5), 46_500);
  assert.ok(untilRefillMs(minute + 15_000, 0.999) <= 48_000);
});
