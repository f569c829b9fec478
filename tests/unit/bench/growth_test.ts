import assert from "node:assert/strict";
import { growths } from "../../bench/growth.ts";

Deno.test("growths() tells what is larger than before by more than the tolerance", () => {
  assert.deepEqual(growths({ calls: 3, bytes: 109 }, { calls: 3, bytes: 100 }, 0.1), []);
  assert.deepEqual(growths({ calls: 4, bytes: 111 }, { calls: 3, bytes: 100 }, 0.1), [
    "calls is 4, it was 3",
    "bytes is 111, it was 100",
  ]);
  assert.deepEqual(growths({ calls: 4 }, { calls: 3 }, 0), ["calls is 4, it was 3"]);
});

Deno.test("growths() takes less for good, and no count for an answer", () => {
  assert.deepEqual(growths({ calls: 1 }, { calls: 3 }, 0), []);
  assert.deepEqual(growths({ calls: 1 }, { reads: 3 }, 0), [
    "calls was not counted before",
    "reads is not counted any more",
  ]);
});
