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
  readonly reserved: readonly Prefix[];
  readonly networks: readonly Prefix[];
  readonly rules: readonly FilterRule[];
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
    this.#candidates = Array.from({ length: 256 }, (_, byte): Candidates | null => {
      const meets = (range: Prefix): boolean => range.family === family && mayBeginWith(range, byte);
      const candidates = {
        reserved: ranges.reserved.filter(meets),
        networks: ranges.networks.filter(meets),
        rules: policy.filter.filter(({ range }) => meets(range.prefix)),
      };
      return Object.values(candidates).every((list) => list.length === 0) ? null : candidates;
    });
    this.byFirstByte = Uint8Array.from(
      this.#candidates,
      (candidates) => candidates === null ? this.#unmatched : open,
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

function mayBeginWith({ words, length }: Prefix, byte: number): boolean {
  return matchesBits(words, [byte * 2 ** 24, 0, 0, 0], Math.min(length, 8));
}

function isInside(ranges: readonly Prefix[], words: Words, length: number): boolean {
  for (const range of ranges) {
    if (range.length <= length && matchesBits(range.words, words, range.length)) return true;
  }
  return false;
}
