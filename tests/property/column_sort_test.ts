/** Sorting by columns gives what sorting by comparison gives. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { finish } from "../../src/async/steps.ts";
import { comparePrefixes, type Prefix } from "../../src/routes/prefix.ts";
import { prefixKeys, sorting } from "../../src/sync/column_sort.ts";

/** Few values, so that many are equal, and all of 32 bits. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 0xffff, 0x10000, 0x80000000, 0xffffffff),
  fc.nat({ max: 0xffffffff }),
);
const item = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  words: fc.tuple(word, word, word, word),
  length: fc.nat({ max: 128 }),
});

Deno.test("sorting() orders many items as comparing them does, and leaves equal ones as they are", () => {
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(100, 1_500),
      (some, length) => {
        // Fewer and more than are sorted by comparing rows.
        const items = Array.from({ length }, (_, index) => {
          const prefix: Prefix = { ...some[(index * 7) % some.length] ?? item0, text: "" };
          return { prefix, index };
        });
        const sorted = finish(sorting(items, prefixKeys));
        const expected = items.toSorted((left, right) => comparePrefixes(left.prefix, right.prefix));
        assert.deepEqual(sorted.map(({ index }) => index), expected.map(({ index }) => index));
      },
    ),
    { numRuns: 50 },
  );
});

const item0 = { family: 4, words: [0, 0, 0, 0], length: 0 } as const;

Deno.test("sorting() gives back the very list that is in order", () => {
  const items = Array.from({ length: 1_500 }, (_, index) => ({
    prefix: { family: 4, words: [index, 0, 0, 0], length: 32, text: "" } satisfies Prefix,
  }));
  assert.equal(finish(sorting(items, prefixKeys)), items);
});
