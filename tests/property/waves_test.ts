/** The waves of a plan: what may be made at once. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { CloudQuota } from "../../src/clouds/cloud.ts";
import { type Prefix, prefixContains, prefixOf } from "../../src/routes/prefix.ts";
import { fit } from "../../src/sync/fit.ts";
import type { PlannedChange } from "../../src/sync/planned_change.ts";
import { addChange, deleteChange, hopQuota, replaceChange } from "../fakes/cloud_routes.ts";

/** Few bits, so that prefixes often cover one another. */
const prefixes = fc.tuple(fc.nat({ max: 15 }), fc.integer({ min: 1, max: 5 }))
  .map(([bits, length]) => prefixOf(4, [(bits << 27) >>> 0, 0, 0, 0], length));
const hops = fc.constantFrom("a", "b", "a,b", "b,c", "a,b,c");
const actions = fc.constantFrom("add", "replace", "delete");
const changes: fc.Arbitrary<readonly PlannedChange[]> = fc.uniqueArray(
  fc.tuple(prefixes, actions, hops, hops),
  { selector: ([{ text }]) => text, maxLength: 24 },
).map((list) => list.map(([prefix, action, to, from]) => changeOf(prefix, action, to, from)));

function changeOf({ text }: Prefix, action: string, to: string, from: string): PlannedChange {
  if (action === "add") return addChange(text, to);
  return action === "replace" ? replaceChange(text, to, from) : deleteChange(text, from);
}

function wavesOf(
  list: readonly PlannedChange[],
  quotas: readonly CloudQuota[] = [],
): readonly (readonly PlannedChange[])[] {
  const kind = (action: string): PlannedChange[] => list.filter((change) => change.action === action);
  return fit({ adds: kind("add"), replaces: kind("replace"), deletes: kind("delete") }, quotas, () => 0)
    .waves;
}

Deno.test("waves hold each change once", () => {
  fc.assert(fc.property(changes, (list) => {
    const texts = (all: readonly PlannedChange[]): readonly string[] =>
      all.map(({ action, prefix }) => `${action} ${prefix.text}`).sort();
    assert.deepEqual(texts(wavesOf(list).flat()), texts(list));
  }));
});

Deno.test("in a wave no prefix covers another, and nothing is made after a delete", () => {
  fc.assert(fc.property(changes, (list) => {
    for (const wave of wavesOf(list)) {
      wave.forEach((change, index) => {
        for (const earlier of wave.slice(0, index)) {
          assert.ok(
            !prefixContains(change.prefix, earlier.prefix) && !prefixContains(earlier.prefix, change.prefix),
          );
          assert.ok(earlier.action !== "delete" || change.action === "delete");
        }
      });
    }
  }));
});

Deno.test("changes that do not depend on one another are one wave", () => {
  const list = Array.from({ length: 100 }, (_, index) => {
    const prefix = prefixOf(4, [(10 << 24) + (index << 8), 0, 0, 0], 24 + index % 2);
    return changeOf(prefix, ["replace", "add", "delete"][index % 3] ?? "", "b", "a");
  });
  assert.equal(wavesOf(list).length, 1);
});

Deno.test("the changes of a wave find places for all that they make at once, where a route cannot be changed", () => {
  fc.assert(fc.property(changes, fc.nat(30), fc.nat(12), (list, before, spare) => {
    const standing = before + list.reduce((sum, { from }) => sum + (from?.nextHops.length ?? 0), 0);
    const limit = standing + spare;
    let used = standing;
    for (const wave of wavesOf(list, [{ ...hopQuota(standing, limit), immutable: true }])) {
      const made = wave.reduce((sum, { from, to }) => {
        return sum + (to ?? []).filter((hop) => from?.nextHops.includes(hop) !== true).length;
      }, 0);
      assert.ok(
        wave.length === 1 || used + made <= limit,
        `${used} stand, ${made} are made, ${limit} may stand`,
      );
      used += wave.reduce((sum, { from, to }) => sum + (to?.length ?? 0) - (from?.nextHops.length ?? 0), 0);
    }
  }));
});
