/** Plans executed on a model of a table: they end where they should, and nothing goes wrong on the way. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { CloudQuota, CloudRoute } from "../../src/clouds/cloud.ts";
import { prefixContains, prefixOf } from "../../src/routes/prefix.ts";
import { type Difference, difference } from "../../src/sync/plan.ts";
import { fit } from "../../src/sync/fit.ts";
import type { PlannedChange, Target } from "../../src/sync/planned_change.ts";
import { cloudRoute, hopQuota, quota, tableIndex } from "../fakes/cloud_routes.ts";

/** Few prefixes that cover one another, of both families. */
const prefixes = fc.tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(3), fc.nat(7)).map((
  [family, depth, bits],
) => prefixOf(family, [(bits << 29) >>> 0, 0, 0, 0], depth));
const hops = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 });

interface Scene {
  readonly wanted: ReadonlyMap<string, Target>;
  readonly own: readonly CloudRoute[];
  readonly foreign: readonly CloudRoute[];
  readonly nextHopsPerRoute: number;
  readonly adopt: boolean;
}

const scene: fc.Arbitrary<Scene> = fc.record({
  wanted: fc.uniqueArray(fc.tuple(prefixes, hops, fc.nat(2)), { selector: ([{ text }]) => text }),
  standing: fc.uniqueArray(fc.tuple(prefixes, hops, fc.boolean()), { selector: ([{ text }]) => text }),
  nextHopsPerRoute: fc.constantFrom(1, 2, 8),
  adopt: fc.boolean(),
}).map(({ wanted, standing, ...rest }) => ({
  ...rest,
  wanted: new Map(wanted.map(([prefix, nextHops, metric]) => [prefix.text, { prefix, nextHops, metric }])),
  own: standing.filter(([, , isOurs]) => isOurs).map(([{ text }, to]) => cloudRoute(text, to.join())),
  foreign: standing.filter(([, , isOurs]) => !isOurs).map(([{ text }, to]) =>
    cloudRoute(text, to.join(), "other")
  ),
}));

function compareAll({ wanted, own, foreign, nextHopsPerRoute, adopt }: Scene): Difference {
  return difference(new Set([...wanted.keys(), ...own.map(({ prefix }) => prefix.text)]), {
    wanted: (prefix) => wanted.get(prefix),
    index: tableIndex(own, foreign),
    traits: { nextHopsPerRoute, ownership: "mark", uniquePrefix: true },
    adopt,
    group: null,
  });
}

function inOrder(parts: Difference, quotas: readonly CloudQuota[] = []): readonly PlannedChange[] {
  return fit(parts, quotas, () => 0).waves.flat();
}

/** Carries changes out one by one on own routes by prefix; a foreign route that is adopted becomes ours. */
function* execute(
  start: readonly CloudRoute[],
  changes: readonly PlannedChange[],
): Generator<Map<string, CloudRoute>> {
  const own = new Map(start.map((route) => [route.prefix.text, route]));
  for (const { prefix, to } of changes) {
    if (to === null) own.delete(prefix.text);
    else own.set(prefix.text, cloudRoute(prefix.text, to.join()));
    yield own;
  }
}

const runs = { numRuns: 2000 };

Deno.test("a plan ends with every wanted prefix in place, foreign ones apart, and nothing else of ours", () => {
  fc.assert(
    fc.property(scene, (one) => {
      const parts = compareAll(one);
      const end = [...execute(one.own, inOrder(parts))].at(-1) ??
        new Map(one.own.map((route) => [route.prefix.text, route]));
      const blocked = new Set(parts.conflicts.map(({ prefix }) => prefix.text));
      assert.deepEqual(
        [...end.keys()].sort(),
        [...one.wanted.keys()].filter((key) => !blocked.has(key)).sort(),
      );
      for (const [key, route] of end) {
        const target = one.wanted.get(key);
        assert.ok(route.nextHops.every((next) => target?.nextHops.includes(next)), key);
        assert.equal(
          route.nextHops.length,
          Math.min(target?.nextHops.length ?? 0, one.nextHopsPerRoute),
          key,
        );
      }
    }),
    runs,
  );
});

Deno.test("a plan carried out leaves nothing to plan", () => {
  fc.assert(
    fc.property(scene, (one) => {
      const end = [...execute(one.own, inOrder(compareAll(one)))].at(-1);
      if (end === undefined) return;
      const adopted = (route: CloudRoute): boolean => end.has(route.prefix.text);
      const after = {
        ...one,
        own: [...end.values()],
        foreign: one.foreign.filter((route) => !adopted(route)),
      };
      assert.deepEqual(inOrder(compareAll(after)), []);
    }),
    runs,
  );
});

Deno.test("a plan touches no foreign route unless told to adopt", () => {
  fc.assert(
    fc.property(scene, (one) => {
      const foreign = new Set(one.foreign.map(({ prefix }) => prefix.text));
      for (const { prefix } of inOrder(compareAll({ ...one, adopt: false }))) {
        assert.ok(!foreign.has(prefix.text));
      }
    }),
    runs,
  );
});

Deno.test("a plan changes each prefix once at most, and none that is as wanted", () => {
  fc.assert(
    fc.property(scene, (one) => {
      const changes = inOrder(compareAll(one));
      assert.equal(new Set(changes.map(({ prefix }) => prefix.text)).size, changes.length);
      for (const { from, to } of changes) {
        assert.notDeepEqual(from?.owner === "other" ? null : from?.nextHops, to);
      }
    }),
    runs,
  );
});

Deno.test("a plan never leaves a wanted prefix that was there without a route in between", () => {
  fc.assert(
    fc.property(scene, (one) => {
      const staying = one.own.filter(({ prefix }) => one.wanted.has(prefix.text));
      for (const table of execute(one.own, inOrder(compareAll(one)))) {
        for (const { prefix } of staying) assert.ok(table.has(prefix.text), prefix.text);
      }
    }),
    runs,
  );
});

Deno.test("a plan makes changes of a kind for the more specific before what covers it, each in a wave of its own", () => {
  fc.assert(
    fc.property(scene, (one) => {
      const { waves } = fit(compareAll(one), [], () => 0);
      const placed = waves.flatMap((wave, place) => wave.map((change) => ({ change, place })));
      for (const { change, place } of placed) {
        for (const other of placed) {
          const covers = change.action === other.change.action && change !== other.change &&
            prefixContains(change.prefix, other.change.prefix);
          if (covers) {
            assert.ok(other.place < place, `${change.prefix.text} goes before ${other.change.prefix.text}`);
          }
        }
      }
    }),
    runs,
  );
});

Deno.test("a plan never goes over a quota at any step, and leaves out nothing that would have fitted", () => {
  const sharing = fc.constantFrom<readonly (readonly (4 | 6)[])[]>([[4, 6]], [[4], [6]], [[4]], [[4, 6], [
    6,
  ]]);
  fc.assert(
    fc.property(scene, sharing, fc.nat(12), fc.boolean(), (one, families, limit, perNextHop) => {
      const placesOf = (hops: readonly string[]): number => perNextHop ? hops.length : 1;
      const counted = (routes: Iterable<CloudRoute>, kinds: readonly (4 | 6)[]): number =>
        [...routes].filter(({ prefix }) => kinds.includes(prefix.family))
          .reduce((sum, { nextHops }) => sum + placesOf(nextHops), 0);
      const all = [...one.own, ...one.foreign];
      const quotas = families.map((kinds) =>
        (perNextHop ? hopQuota : quota)(counted(all, kinds), limit, kinds)
      );
      const parts = compareAll({ ...one, adopt: false });
      const { waves, overQuota } = fit(parts, quotas, () => 0);
      const before = new Map(families.map((kinds) => [kinds, counted(all, kinds)]));
      for (const table of execute(one.own, waves.flat())) {
        for (const kinds of families) {
          const used = counted(table.values(), kinds) + counted(one.foreign, kinds);
          assert.ok(used <= Math.max(limit, before.get(kinds) ?? 0));
          before.set(kinds, used);
        }
      }
      for (const { prefix, from, to } of overQuota) {
        const more = placesOf(to ?? []) - (from === null ? 0 : placesOf(from.nextHops));
        assert.ok(
          families.some((kinds) => kinds.includes(prefix.family) && (before.get(kinds) ?? 0) + more > limit),
          prefix.text,
        );
      }
      assert.equal(
        waves.flat().length + overQuota.length,
        parts.adds.length + parts.replaces.length + parts.deletes.length,
      );
    }),
    runs,
  );
});
