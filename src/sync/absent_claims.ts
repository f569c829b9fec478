/** Claimed next hops that readings of the table do not show: one that stays away for a while is given up, since one reading may be stale. */

import { eachOf, type Steps } from "../async/steps.ts";
import type { ClaimEntry } from "./ledger.ts";
import type { Claim, Claims, TableIndex } from "./ownership.ts";
import type { PlannedChange } from "./planned_change.ts";

/** A claimed next hop that no reading has shown for this long is given up, in milliseconds. */
const giveUpAfterMs = 60_000;

/** What is to be given up of the claims. */
export interface GivenUp {
  /** Claims that some of their next hops are left of: those that were not confirmed, and those that were. */
  readonly shrunk: readonly ClaimEntry[];
  readonly shrunkConfirmed: readonly ClaimEntry[];
  /** Canonical prefixes of claims that nothing is left of. */
  readonly released: readonly string[];
}

/** See the head of this file. */
export class AbsentClaims {
  /** Since when a claimed next hop was not seen, by prefix and next hop, in milliseconds of the clock. */
  readonly #since = new Map<string, number>();

  /** What is written now has not been missed yet, however long ago it was seen last: a reading that is stale must not give it up. */
  written({ prefix, to }: PlannedChange): void {
    for (const hop of to ?? []) this.#since.delete(keyOf(prefix.text, hop));
  }

  /**
   * Finds claimed next hops to give up that were not seen for a while, and a claim whole where none is left and nothing is wanted.
   *
   * @param own the routes of ours that the table was just seen to have, by canonical prefix.
   * @param isWanted whether the kernel wants a canonical prefix.
   * @param now milliseconds of the clock.
   */
  *finding(
    claims: Claims,
    own: TableIndex["own"],
    isWanted: (prefix: string) => boolean,
    now: number,
  ): Steps<GivenUp> {
    const shrunk: ClaimEntry[] = [];
    const shrunkConfirmed: ClaimEntry[] = [];
    const released: string[] = [];
    yield* eachOf(claims, ([prefix, claim]) => {
      const left = this.#seenLately(prefix, claim, own.get(prefix)?.nextHops ?? [], now);
      if (left.length === claim.nextHops.length) return;
      if (left.length > 0) (claim.confirmed ? shrunkConfirmed : shrunk).push({ prefix, nextHops: left });
      else if (!isWanted(prefix)) released.push(prefix);
    });
    return { shrunk, shrunkConfirmed, released };
  }

  #seenLately(prefix: string, claim: Claim, seen: readonly string[], now: number): readonly string[] {
    return claim.nextHops.filter((hop) => {
      const key = keyOf(prefix, hop);
      if (seen.includes(hop)) {
        this.#since.delete(key);
        return true;
      }
      const since = this.#since.get(key) ?? now;
      this.#since.set(key, since);
      if (now - since < giveUpAfterMs) return true;
      this.#since.delete(key);
      return false;
    });
  }
}

function keyOf(prefix: string, hop: string): string {
  return `${prefix} ${hop}`;
}
