/** Filters against a model that looks at text of bits only. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { prefixOf } from "../../src/routes/prefix.ts";
import { type FilterRule, parsePrefixRange, passesFilter } from "../../src/routes/prefix_filter.ts";

/** A rule by its bits: `base` as text of 0 and 1, and the lengths that it takes. */
interface BitRule {
  readonly action: "include" | "exclude";
  readonly base: string;
  readonly ge: number | null;
  readonly le: number | null;
}

/** Few leading bits, so that rules and prefixes meet often. */
const bits = (most: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom("0", "1"), { maxLength: most }).map((list) => list.join(""));

const bitRule: fc.Arbitrary<BitRule> = bits(6).chain((base) =>
  fc.record({
    action: fc.constantFrom("include" as const, "exclude" as const),
    base: fc.constant(base),
    bounds: fc.option(
      fc.tuple(fc.integer({ min: base.length, max: 32 }), fc.integer({ min: base.length, max: 32 })),
    ),
    only: fc.constantFrom("ge", "le", "both"),
  }).map(({ action, bounds, only }) => {
    const [low, high] = bounds === null ? [null, null] : [Math.min(...bounds), Math.max(...bounds)];
    return { action, base, ge: only === "le" ? null : low, le: only === "ge" ? null : high };
  })
);

function prefixText(base: string): string {
  return prefixOf(4, [parseInt(base.padEnd(32, "0"), 2), 0, 0, 0], base.length).text;
}

function ruleOf({ action, base, ge, le }: BitRule): FilterRule {
  const bounds = `${ge === null ? "" : ` ge ${ge}`}${le === null ? "" : ` le ${le}`}`;
  return { action, range: parsePrefixRange(`${prefixText(base)}${bounds}`) };
}

/** The contract's words: ge and le as in FRR's prefix-lists, the first match decides. */
function modelPasses(rules: readonly BitRule[], prefix: string): boolean {
  for (const { action, base, ge, le } of rules) {
    const least = ge ?? base.length;
    const most = le ?? (ge === null ? base.length : 32);
    if (prefix.startsWith(base) && prefix.length >= least && prefix.length <= most) {
      return action === "include";
    }
  }
  return rules.every((rule) => rule.action === "exclude");
}

Deno.test("passesFilter() decides as a model on bits does, for any rules and prefix", () => {
  fc.assert(
    fc.property(fc.array(bitRule, { maxLength: 5 }), bits(10), (rules, prefix) => {
      const words = [parseInt(prefix.padEnd(32, "0"), 2), 0, 0, 0] as const;
      assert.equal(passesFilter(rules.map(ruleOf), 4, words, prefix.length), modelPasses(rules, prefix));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("parsePrefixRange() takes a range exactly when length <= ge <= le <= 32", () => {
  const length = fc.nat(40);
  fc.assert(
    fc.property(bits(32), fc.option(length), fc.option(length), (base, ge, le) => {
      const text = `${prefixText(base)}${ge === null ? "" : ` ge ${ge}`}${le === null ? "" : ` le ${le}`}`;
      const least = ge ?? base.length;
      const most = le ?? (ge === null ? base.length : 32);
      if (base.length <= least && least <= most && most <= 32) {
        const { shortest, longest } = parsePrefixRange(text);
        assert.deepEqual([shortest, longest], [least, most]);
      } else assert.throws(() => parsePrefixRange(text), SyntaxError);
    }),
    { numRuns: 3000 },
  );
});
