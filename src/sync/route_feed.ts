/** The wanted routes of the moment, kept current from the kernel's table. */

import type { KernelTable } from "../kernel/kernel_table.ts";
import {
  mayBeWanted,
  type Policy,
  type PolicyIdentity,
  type WantedRoute,
  wantedRoute,
} from "../routes/policy.ts";
import type { Prefix } from "../routes/prefix.ts";

/** Judges the kernel's routes and remembers the outcome, so that news about unwanted routes wake nobody. */
export class RouteFeed {
  readonly #policy: Policy;
  readonly #wanted = new Map<string, WantedRoute>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** What the cloud should have, by canonical prefix. */
  get wanted(): ReadonlyMap<string, WantedRoute> {
    return this.#wanted;
  }

  /** Judges the whole table anew. @returns the canonical prefixes of which the outcome changed. */
  rebuild(kernel: KernelTable, identity: PolicyIdentity): readonly string[] {
    const gone = new Set(this.#wanted.keys());
    const changed: string[] = [];
    for (const routes of kernel.prefixes((protocol, type) => mayBeWanted(this.#policy, protocol, type))) {
      const wanted = wantedRoute(routes, this.#policy, identity);
      if (wanted === null) continue;
      const key = wanted.prefix.text;
      gone.delete(key);
      if (this.#put(key, wanted)) changed.push(key);
    }
    for (const key of gone) this.#wanted.delete(key);
    return [...changed, ...gone];
  }

  /** Judges some prefixes anew. @returns the canonical prefixes of which the outcome changed. */
  update(kernel: KernelTable, identity: PolicyIdentity, prefixes: readonly Prefix[]): readonly string[] {
    return prefixes
      .filter((prefix) =>
        this.#put(prefix.text, wantedRoute(kernel.routesOf(prefix), this.#policy, identity))
      )
      .map((prefix) => prefix.text);
  }

  /** Wants nothing any more. @returns the canonical prefixes that were wanted. */
  clear(): readonly string[] {
    const prefixes = [...this.#wanted.keys()];
    this.#wanted.clear();
    return prefixes;
  }

  #put(key: string, wanted: WantedRoute | null): boolean {
    const before = this.#wanted.get(key);
    if (wanted === null) return this.#wanted.delete(key);
    if (before !== undefined && isSame(before, wanted)) return false;
    this.#wanted.set(key, wanted);
    return true;
  }
}

function isSame(left: WantedRoute, right: WantedRoute): boolean {
  return left.metric === right.metric && left.nextHops.length === right.nextHops.length &&
    left.nextHops.every((hop, index) => {
      const other = right.nextHops[index];
      return hop.neighbour?.text === other?.neighbour?.text && hop.gateway?.text === other?.gateway?.text;
    });
}
