/** A prefix that flaps pays from a budget of its own. */

import assert from "node:assert/strict";
import { FlapBudget } from "../../../src/sync/flap_budget.ts";
import { addChange, deleteChange, replaceChange } from "../../fakes/cloud_routes.ts";

const change = replaceChange("10.1.0.0/16");

Deno.test("FlapBudget lets six writes go at once, then one in 30 s", () => {
  const budget = new FlapBudget();
  const waits: number[] = [];
  let now = 0;
  for (let write = 0; write < 9; write++) {
    waits.push(budget.payableAt(change, now) - now);
    now = budget.payableAt(change, now);
    budget.spend(change, now);
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 0, 30_000, 30_000, 30_000]);
});

Deno.test("FlapBudget keeps no other prefix waiting, and no withdrawal", () => {
  const budget = new FlapBudget();
  for (let write = 0; write < 6; write++) budget.spend(change, 0);
  assert.equal(budget.payableAt(addChange("10.2.0.0/16"), 0), 0);
  assert.equal(budget.payableAt(deleteChange("10.1.0.0/16"), 0), 0);
});

Deno.test("FlapBudget makes what was written on credit cost one more wait, however often", () => {
  const budget = new FlapBudget();
  for (let write = 0; write < 50; write++) budget.spend(change, 0);
  assert.equal(budget.payableAt(change, 0), 60_000);
});

Deno.test("FlapBudget forgets prefixes that are quiet", () => {
  const budget = new FlapBudget();
  for (let index = 0; index < 1_000; index++) {
    budget.spend(addChange(`10.${index >> 8}.${index & 255}.0/24`), 0);
  }
  for (let write = 0; write < 6; write++) budget.spend(change, 0);
  budget.spend(addChange("192.0.2.0/24"), 179_000);
  assert.equal(budget.payableAt(addChange("10.0.0.0/24"), 179_000), 179_000);
  assert.equal(budget.payableAt(change, 20_000), 30_000);
});

Deno.test("FlapBudget forgets what has all its writes again, and looks through nothing for it, however many there are", () => {
  const budget = new FlapBudget();
  const { keys, [Symbol.iterator]: iterate } = Map.prototype;
  let looks = 0;
  Map.prototype.keys = function <K, V>(this: Map<K, V>): MapIterator<K> {
    looks++;
    return keys.call(this) as MapIterator<K>;
  };
  Map.prototype[Symbol.iterator] = function <K, V>(this: Map<K, V>): MapIterator<[K, V]> {
    looks++;
    return iterate.call(this) as MapIterator<[K, V]>;
  };
  try {
    for (let write = 0; write < 10; write++) budget.spend(change, 0);
    for (let index = 0; index < 10_000; index++) {
      budget.spend(addChange(`10.${index >> 8}.${index & 255}.0/24`), 0);
    }
    budget.spend(addChange("192.0.2.0/24"), 209_999);
    assert.equal(budget.payableAt(change, 0), 60_000);
    budget.spend(addChange("192.0.2.0/24"), 210_000);
    assert.equal(
      budget.payableAt(change, 0),
      60_000,
      "what has come since the last time is looked at once more",
    );
    budget.spend(addChange("192.0.2.0/24"), 420_000);
    assert.equal(budget.payableAt(change, 0), 0);
  } finally {
    Map.prototype.keys = keys;
    Map.prototype[Symbol.iterator] = iterate;
  }
  assert.equal(looks, 0);
});
