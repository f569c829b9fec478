import assert from "node:assert/strict";
import { forEachPooled, settleAll } from "../../../src/async/pool.ts";

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

Deno.test("forEachPooled() has no more jobs under way than the limit, begins them in order and ends them all", async () => {
  let underWay = 0;
  let most = 0;
  const begun: number[] = [];
  const ended: number[] = [];
  await forEachPooled([5, 1, 4, 2, 3], 2, async (item) => {
    begun.push(item);
    most = Math.max(most, ++underWay);
    await turns(item);
    underWay--;
    ended.push(item);
  });
  assert.equal(most, 2);
  assert.deepEqual(begun, [5, 1, 4, 2, 3]);
  assert.deepEqual(ended.toSorted(), [1, 2, 3, 4, 5]);
});

Deno.test("forEachPooled() runs all at once where there is no limit, and nothing for no items", async () => {
  let underWay = 0;
  await forEachPooled([1, 2, 3], Infinity, async () => {
    underWay++;
    await turns(3);
    assert.equal(underWay, 3);
  });
  await forEachPooled([], 3, () => Promise.reject(new Error("there is no item")));
});

Deno.test("forEachPooled() throws the first failure after the jobs under way have ended", async () => {
  let ended = 0;
  const work = forEachPooled([1, 2, 3], 2, async (item) => {
    if (item === 1) throw new TypeError("a bug");
    await turns(10);
    ended++;
  });
  await assert.rejects(work, TypeError);
  assert.equal(ended, 2);
});

Deno.test("settleAll() waits for all, then throws the first failure", async () => {
  let ended = false;
  const slow = turns(10).then(() => void (ended = true));
  await assert.rejects(settleAll([Promise.reject(new Error("no")), slow]), /no/);
  assert.equal(ended, true);
});
