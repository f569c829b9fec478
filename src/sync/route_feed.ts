/** The wanted routes of the moment, kept current from the kernel's table. */

import type { KernelTable } from "../kernel/kernel_table.ts";
import { ColumnJudge } from "../routes/column_judge.ts";
import { mayBeWanted, mayLeadOut, type Policy, type PolicyIdentity } from "../routes/policy.ts";
import type { Prefix } from "../routes/prefix.ts";
import { prefixOf } from "../routes/prefix.ts";
import type { RouteJudge, WantedRoute } from "../routes/route_judge.ts";
import type { RouterBound } from "../routes/would_loop.ts";

/** Judges the kernel's routes and remembers the outcome, so that news about unwanted routes wake nobody. */
export class RouteFeed {
  #policy: Policy;
  readonly #wanted = new Map<string, WantedRoute>();
  readonly #bound = new Map<string, RouterBound>();
  /** Judges by identity and devices as they were at the last {@linkcode RouteFeed.rebuild}. */
  #judge: RouteJudge | null = null;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Another policy counts from the next {@linkcode RouteFeed.rebuild} on. */
  reconfigure(policy: Policy): void {
    this.#policy = policy;
  }

  /** What the cloud should have, by canonical prefix. */
  get wanted(): ReadonlyMap<string, WantedRoute> {
    return this.#wanted;
  }

  /** What the kernel sends by a subnet's router, by canonical prefix: a wanted route that covers it may loop. */
  get bound(): ReadonlyMap<string, RouterBound> {
    return this.#bound;
  }

  /**
   * Judges the whole table anew, as when this VM's identity, links or addresses changed.
   *
   * @returns the canonical prefixes of which the outcome changed.
   */
  rebuild(kernel: KernelTable, identity: PolicyIdentity): readonly string[] {
    const rows = kernel.rows();
    const judge = new ColumnJudge(this.#policy, identity, kernel, rows);
    this.#judge = judge.judge;
    const gone = new Set(this.#wanted.keys());
    const changed: string[] = [];
    const counts = (protocol: number, type: number): boolean =>
      mayBeWanted(this.#policy, protocol, type) || mayLeadOut(protocol, type);
    const boundBefore = new Map(this.#bound);
    this.#bound.clear();
    for (const run of rows.runs()) {
      for (const bound of judge.routerBound(run, counts)) this.#putBound(bound);
      for (const wanted of judge.wanted(run)) {
        const key = wanted.prefix.text;
        gone.delete(key);
        if (this.#put(key, wanted)) changed.push(key);
      }
    }
    for (const key of gone) this.#wanted.delete(key);
    return [...new Set([...changed, ...gone, ...this.#coveringChanged(boundBefore)])];
  }

  /** Judges some prefixes anew. @returns the canonical prefixes of which the outcome changed; none before the first rebuild. */
  update(kernel: KernelTable, prefixes: readonly Prefix[]): readonly string[] {
    const judge = this.#judge;
    if (judge === null) return [];
    const boundBefore = new Map<string, RouterBound>();
    const changed = prefixes.filter((prefix) => {
      const routes = kernel.routesOf(prefix);
      const before = this.#bound.get(prefix.text);
      if (before !== undefined) boundBefore.set(prefix.text, before);
      this.#bound.delete(prefix.text);
      this.#putBound(judge.routerBound(routes));
      return this.#put(prefix.text, judge.wanted(routes));
    });
    const covering = this.#coveringChanged(boundBefore, new Set(prefixes.map(({ text }) => text)));
    return [...new Set([...changed.map(({ text }) => text), ...covering])];
  }

  /** Wants nothing any more. @returns the canonical prefixes that were wanted. */
  clear(): readonly string[] {
    const prefixes = [...this.#wanted.keys()];
    this.#wanted.clear();
    return prefixes;
  }

  #putBound(bound: RouterBound | null): void {
    if (bound !== null) this.#bound.set(bound.prefix.text, bound);
  }

  /** The wanted prefixes that cover what came to go by a subnet's router, or does not any more. @param among the keys to look at; absent: all. */
  #coveringChanged(before: ReadonlyMap<string, RouterBound>, among?: ReadonlySet<string>): readonly string[] {
    const keys = new Set([...before.keys(), ...among ?? this.#bound.keys()]);
    const changed = [...keys].filter((key) => before.has(key) !== this.#bound.has(key));
    return changed.flatMap((key) => {
      const bound = this.#bound.get(key) ?? before.get(key);
      if (bound === undefined) return [];
      const { family, words, length } = bound.prefix;
      return Array.from({ length: length + 1 }, (_, each) => prefixOf(family, words, each).text)
        .filter((prefix) => this.#wanted.has(prefix));
    });
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
