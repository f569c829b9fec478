/**
 * What the policy says of a destination, made ready for many: of the ranges and rules only those are looked at that the first byte of an
 * address leaves open, which for most destinations are none. `RouteJudge` has the same in readable form.
 */

import { outcomeOf, wantedOutcome } from "./drop_reason.ts";
import type { Policy, PolicyIdentity } from "./policy.ts";
import { type Family, matchesBits, type Prefix, type Words } from "./prefix.ts";
import type { FilterRule } from "./prefix_filter.ts";
import { isDefault, reservedRanges } from "./special_ranges.ts";

/** The ranges inside which no destination is wanted. */
export interface JudgedRanges {
  readonly reserved: readonly Prefix[];
  readonly networks: readonly Prefix[];
}

/** The ranges of a policy for one VM. */
export function judgedRanges(
  { allowLocal }: Pick<Policy, "allowLocal">,
  { reserved, networks }: Pick<PolicyIdentity, "reserved" | "networks">,
): JudgedRanges {
  return { reserved: [...reservedRanges, ...reserved], networks: allowLocal ? [] : networks };
}

/** What can matter to a destination whose address begins with a certain byte. */
interface Candidates {
  readonly reserved: Prefix[];
  readonly networks: Prefix[];
  readonly rules: FilterRule[];
}

const reserved = outcomeOf("reserved");
const defaultRoute = outcomeOf("default-route");
const ownNetwork = outcomeOf("own-network");
const excluded = outcomeOf("excluded");

/** No outcome: a destination must be looked at as a whole. */
export const open = 255;

/** Destinations of fewer bits may be defaults (`isDefault`), or lie inside nothing that their first byte suggests. */
export const leastLength = 8;

/** The rule for the destinations of one family. Outcomes are numbers, see {@linkcode outcomeOf}. */
export class DestinationRule {
  readonly #family: Family;
  readonly #allowDefault: boolean;
  /** What is said of a destination that no range and no rule matches. */
  readonly #unmatched: number;
  /** By the first byte of an address; null: nothing can match. */
  readonly #candidates: readonly (Candidates | null)[];

  constructor(family: Family, policy: Policy, identity: PolicyIdentity) {
    const ranges = judgedRanges(policy, identity);
    this.#family = family;
    this.#allowDefault = policy.allowDefault;
    const takesAll = !policy.filter.some(({ action }) => action === "include");
    this.#unmatched = takesAll ? wantedOutcome : outcomeOf("not-included");
    const candidates = new Array<Candidates | null>(256).fill(null);
    // A rule is made at each comparison, so that each range goes to the bytes that it has, which mostly is one.
    const add = (range: Prefix, to: (found: Candidates) => void): void => {
      if (range.family !== family) return;
      const first = range.words[0] >>> 24;
      const end = first + 2 ** Math.max(0, 8 - range.length);
      for (let byte = first; byte < end; byte++) {
        to(candidates[byte] ??= { reserved: [], networks: [], rules: [] });
      }
    };
    for (const range of ranges.reserved) add(range, (found) => found.reserved.push(range));
    for (const range of ranges.networks) add(range, (found) => found.networks.push(range));
    for (const rule of policy.filter) add(rule.range.prefix, (found) => found.rules.push(rule));
    this.#candidates = candidates;
    this.byFirstByte = Uint8Array.from(
      candidates,
      (found) => found === null ? this.#unmatched : open,
    );
  }

  /**
   * By the first byte of an address, what becomes of destinations of at least {@linkcode leastLength} bits; {@linkcode open} where more
   * of them must be looked at.
   */
  readonly byFirstByte: Uint8Array;

  /** What becomes of a destination. */
  outcomeOf(words: Words, length: number): number {
    const candidates = this.#candidates[words[0] >>> 24] ?? null;
    if (candidates === null) return this.#isDefault(length) ? defaultRoute : this.#unmatched;
    if (isInside(candidates.reserved, words, length)) return reserved;
    if (this.#isDefault(length)) return defaultRoute;
    if (isInside(candidates.networks, words, length)) return ownNetwork;
    for (const { action, range: { prefix, shortest, longest } } of candidates.rules) {
      if (length >= shortest && length <= longest && matchesBits(prefix.words, words, prefix.length)) {
        return action === "include" ? wantedOutcome : excluded;
      }
    }
    return this.#unmatched;
  }

  #isDefault(length: number): boolean {
    return !this.#allowDefault && isDefault({ family: this.#family, length });
  }
}

function isInside(ranges: readonly Prefix[], words: Words, length: number): boolean {
  for (const range of ranges) {
    if (range.length <= length && matchesBits(range.words, words, range.length)) return true;
  }
  return false;
}
