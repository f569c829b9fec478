/** What the program does must not become more without a new result of `deno task bench counts`: counts, never seconds. */

import assert from "node:assert/strict";
import { countedRows } from "../../bench/counted_rows.ts";
import { cloudCounts, codeBytes, kernelCounts } from "../../bench/counts.ts";
import { figuresOf, readResult } from "../../bench/result.ts";
import { growths } from "../../bench/growth.ts";
import { skips } from "../../needs.ts";

const committed = figuresOf(readResult(), "counts");
const remedy =
  "if it must be so, measure anew with `deno task bench counts` and commit tests/bench/result.json";

/** A share that may come on top: another version of Deno allocates a little more or less, and a small feature is code. */
const bytesTolerance = 0.1;

Deno.test("reading the kernel's routes takes no more calls and no more memory than at the last result", async () => {
  const found = growths({ ...await kernelCounts() }, { ...committed.kernel }, bytesTolerance);
  assert.deepEqual(found, [], remedy);
});

Deno.test("a service loads no more code on any cloud than at the last result", async () => {
  assert.deepEqual(growths(await codeBytes(), committed.codeBytes, bytesTolerance), [], remedy);
});

for (const row of countedRows) {
  Deno.test({
    name: `${row.cloud}: a change costs no more requests than at the last result`,
    ignore: skips(row.missing()),
    // The SDKs keep their connections open for the next call.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const before = committed.clouds[row.cloud];
      assert.ok(before !== undefined, `${row.cloud} was not counted: ${remedy}`);
      assert.deepEqual(growths({ ...await cloudCounts(row) }, { ...before }, 0), [], remedy);
    },
  });
}
