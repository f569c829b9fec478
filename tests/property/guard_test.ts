/** The guard on a table that lives: routes come and go in the kernel, and the cloud makes some of the changes only. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { fewestHeld, guard, type GuardSettings, newGuardState } from "../../src/sync/guard.ts";

const mostPrefixes = 60;

/** One step: time passes, some prefixes are wanted, and the cloud carries out the first so many of the changes. */
interface Step {
  readonly afterMs: number;
  readonly wanted: readonly boolean[];
  readonly changesMade: number;
}

const holdMs = 1000;
const settings: fc.Arbitrary<GuardSettings> = fc.record({
  maxWithdraw: fc.constantFrom(0, 0.3, 0.5, 1),
  holdMs: fc.constantFrom(0, holdMs),
});
/** Mostly all or most of them, so that tables are large enough for the guard to matter. */
const wanted = fc.tuple(
  fc.constantFrom(0, 5, 50, 90, 100),
  fc.array(fc.nat(99), { minLength: mostPrefixes, maxLength: mostPrefixes }),
)
  .map(([share, draws]) => draws.map((draw) => draw < share));
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    afterMs: fc.constantFrom(1, 10, 300, holdMs - 1, holdMs, 3 * holdMs),
    wanted,
    changesMade: fc.constantFrom(0, 1, 5, 20, mostPrefixes, mostPrefixes, mostPrefixes),
  }),
  { minLength: 1, maxLength: 12 },
);

/** What a step came to. */
interface Moment {
  readonly at: number;
  /** Owned routes before and after the step. */
  readonly before: number;
  readonly after: number;
  /** Withdrawals that were made though asked for only since less than a hold, and those made after it. */
  readonly unheld: number;
  readonly agreed: number;
}

interface Run {
  readonly moments: readonly Moment[];
  readonly decisions: readonly {
    readonly asked: readonly string[];
    readonly released: readonly string[];
    readonly held: readonly string[];
    readonly heldUntil: number | null;
    readonly why: string | null;
    readonly ages: readonly number[];
    readonly at: number;
  }[];
}

function live(all: readonly Step[], chosen: GuardSettings): Run {
  const owned = new Set(Array.from({ length: mostPrefixes }, (_, index) => `${index}`));
  const since = new Map<string, number>();
  const moments: Moment[] = [];
  const decisions: Run["decisions"][number][] = [];
  let state = newGuardState();
  let now = 0;
  for (const step of all) {
    now += step.afterMs;
    const isWanted = (prefix: string): boolean => step.wanted[Number(prefix)] ?? false;
    const asked = [...owned].filter((prefix) => !isWanted(prefix));
    for (const prefix of since.keys()) if (!asked.includes(prefix)) since.delete(prefix);
    for (const prefix of asked) since.set(prefix, since.get(prefix) ?? now);
    const age = (prefix: string): number => now - (since.get(prefix) ?? now);
    const decision = guard(asked, owned, now, chosen, state);
    state = decision.state;
    decisions.push({ ...decision, asked, at: now, ages: asked.map(age) });
    const before = owned.size;
    const gone = decision.released.slice(0, step.changesMade);
    for (const prefix of gone) owned.delete(prefix);
    if (step.changesMade === mostPrefixes) {
      for (const index of step.wanted.keys()) if (isWanted(`${index}`)) owned.add(`${index}`);
    }
    const agreed = gone.filter((prefix) => age(prefix) >= chosen.holdMs).length;
    moments.push({ at: now, before, after: owned.size, unheld: gone.length - agreed, agreed });
  }
  return { moments, decisions };
}

Deno.test("guard() gives each withdrawal one of two fates, and says when and why it holds", () => {
  fc.assert(
    fc.property(steps, settings, (all, chosen) => {
      for (const { asked, released, held, heldUntil, why, ages, at } of live(all, chosen).decisions) {
        assert.deepEqual([...released, ...held].sort(), [...asked].sort());
        assert.equal(why !== null, held.length > 0);
        assert.equal(heldUntil !== null, held.length > 0);
        if (heldUntil !== null) assert.ok(heldUntil > at && heldUntil <= at + chosen.holdMs);
        for (const [index, prefix] of asked.entries()) {
          if ((ages[index] ?? 0) >= chosen.holdMs) assert.ok(released.includes(prefix), `${prefix} is ripe`);
        }
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("guard() lets the table shrink within a hold by the limit at most, but for what was held its full time", () => {
  fc.assert(
    fc.property(steps, settings, (all, chosen) => {
      fc.pre(chosen.holdMs > 0);
      const { moments } = live(all, chosen);
      for (const [end, last] of moments.entries()) {
        for (let start = end; start >= 0; start--) {
          const first = moments[start];
          if (first === undefined || last.at - first.at >= chosen.holdMs) break;
          const agreed = moments.slice(start, end + 1).reduce((sum, moment) => sum + moment.agreed, 0);
          const lost = first.before - last.after - agreed;
          const limit = Math.max(fewestHeld - 1, chosen.maxWithdraw * first.before);
          assert.ok(
            lost <= limit,
            `${lost} of ${first.before} went unheld between ${first.at} and ${last.at}`,
          );
        }
      }
    }),
    { numRuns: 5000 },
  );
});

Deno.test("guard() never holds where -max-withdraw is 100 or -hold is 0", () => {
  const off = fc.constantFrom({ maxWithdraw: 1, holdMs }, { maxWithdraw: 0, holdMs: 0 });
  fc.assert(
    fc.property(steps, off, (all, chosen) => {
      for (const { held } of live(all, chosen).decisions) assert.deepEqual(held, []);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("guard() lets everything go that is asked for without a break for a hold", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const chosen = { maxWithdraw: 0, holdMs };
      const none = Array.from({ length: mostPrefixes }, () => false);
      const rest = [0, holdMs].map((afterMs): Step => ({ afterMs, wanted: none, changesMade: mostPrefixes }));
      assert.equal(live([...all, ...rest], chosen).moments.at(-1)?.after, 0);
    }),
    { numRuns: 1000 },
  );
});
