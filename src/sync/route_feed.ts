/** The routes that are wanted now, kept current from the kernel's table. */

import type { KernelTable } from "../kernel/kernel_table.ts";
import { ColumnJudge } from "../routes/column_judge.ts";
import { mayBeWanted, mayLeadOut, type Policy, type PolicyIdentity } from "../routes/policy.ts";
import type { Prefix } from "../routes/prefix.ts";
import { parsePrefix, prefixOf } from "../routes/prefix.ts";
import type { RouteJudge, WantedRoute } from "../routes/route_judge.ts";
import type { RouterBound } from "../routes/would_loop.ts";
import { WantedRoutes } from "./wanted_routes.ts";

/** After so many wanted routes a rebuild lets the event loop turn if it is time: they cost most. */
const wantedAStep = 128;
/** The same while it takes away what is not wanted any more. */
const keysAStep = 8_192;

/** A rebuild that is under way. */
interface Rebuild {
  /** Canonical prefixes that it found wanted. */
  readonly seen: Set<string>;
  /** Canonical prefixes that news spoke for since it began: its rows of them may be out of date. */
  readonly updated: Set<string>;
  /** What the kernel sends by a subnet's router, as far as it has looked. */
  readonly bound: Map<string, RouterBound>;
}

/** Judges the kernel's routes and remembers the outcome, so that news about unwanted routes wake nobody. */
export class RouteFeed {
  #policy: Policy;
  readonly #wanted = new WantedRoutes();
  readonly #bound = new Map<string, RouterBound>();
  /** Judges by identity and devices as they were at the last {@linkcode RouteFeed.rebuilding}. */
  #judge: RouteJudge | null = null;
  /** Null: no rebuild is under way. */
  #under: Rebuild | null = null;

  /** Null while nothing is to be wanted. */
  #kernel: KernelTable | null = null;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Another policy counts from the next {@linkcode RouteFeed.rebuilding} on. */
  reconfigure(policy: Policy): void {
    this.#policy = policy;
  }

  /** What the cloud should have, by canonical prefix. */
  get wanted(): WantedRoutes {
    return this.#wanted;
  }

  /** What the kernel sends by a subnet's router, by canonical prefix: a wanted route that covers it may loop. */
  get bound(): ReadonlyMap<string, RouterBound> {
    return this.#bound;
  }

  /** Whether the kernel may have a route of this canonical prefix that it keeps back. */
  mayLack(prefix: string): boolean {
    return this.#kernel?.mayLack(parsePrefix(prefix)) === true;
  }

  /**
   * Judges the whole table again, as when this VM's identity, links or addresses changed.
   *
   * The event loop may turn between two steps: a table may have millions of routes. What {@linkcode RouteFeed.update} judges meanwhile
   * stands. Nothing is taken away before all is looked at, so that a comparison in between withdraws nothing by half a look.
   *
   * @returns the canonical prefixes of which the outcome changed.
   */
  *rebuilding(kernel: KernelTable, identity: PolicyIdentity): Generator<void, readonly string[]> {
    this.#kernel = kernel;
    const rows = kernel.rows();
    const judge = new ColumnJudge(this.#policy, identity, kernel, rows);
    this.#judge = judge.judge;
    const under: Rebuild = { seen: new Set(), updated: new Set(), bound: new Map() };
    this.#under = under;
    const changed = new Set<string>();
    const counts = (protocol: number, type: number): boolean =>
      mayBeWanted(this.#policy, protocol, type) || mayLeadOut(protocol, type);
    for (const run of rows.runs()) {
      for (const bound of judge.routerBound(run, counts)) {
        if (!under.updated.has(bound.prefix.text)) under.bound.set(bound.prefix.text, bound);
      }
      yield;
      for (const wanted of judge.wanted(run)) {
        if (this.#putRow(under, wanted)) changed.add(wanted.prefix.text);
        if (under.seen.size % wantedAStep === 0) yield;
      }
    }
    let looked = 0;
    for (const key of this.#wanted.keys()) {
      if (!under.seen.has(key) && !under.updated.has(key) && this.#wanted.delete(key)) changed.add(key);
      if (++looked % keysAStep === 0) yield;
    }
    const boundBefore = new Map(this.#bound);
    // The map stays the same: who keeps tables in step holds it, as it does that of the wanted routes.
    this.#bound.clear();
    for (const [key, bound] of under.bound) this.#bound.set(key, bound);
    this.#under = null;
    for (const key of this.#coveringChanged(boundBefore)) changed.add(key);
    return [...changed];
  }

  /** Judges some prefixes again. @returns the canonical prefixes of which the outcome changed; none before the first rebuild. */
  update(kernel: KernelTable, prefixes: readonly Prefix[]): readonly string[] {
    const judge = this.#judge;
    if (judge === null) return [];
    const boundBefore = new Map<string, RouterBound>();
    const changed = prefixes.filter((prefix) => {
      const routes = kernel.routesOf(prefix);
      const before = this.#bound.get(prefix.text);
      if (before !== undefined) boundBefore.set(prefix.text, before);
      this.#putUpdated(prefix.text, judge.routerBound(routes));
      return this.#put(prefix.text, judge.wanted(routes));
    });
    const covering = this.#coveringChanged(boundBefore, new Set(prefixes.map(({ text }) => text)));
    return [...new Set([...changed.map(({ text }) => text), ...covering])];
  }

  /** Wants nothing any more. @returns the canonical prefixes that were wanted. */
  clear(): readonly string[] {
    const prefixes = [...this.#wanted.keys()];
    this.#kernel = null;
    this.#wanted.clear();
    return prefixes;
  }

  /** What news says goes by a subnet's router, also for the rebuild that is under way. */
  #putUpdated(key: string, bound: RouterBound | null): void {
    this.#under?.updated.add(key);
    for (const known of [this.#bound, this.#under?.bound]) {
      known?.delete(key);
      if (bound !== null) known?.set(key, bound);
    }
  }

  /** Takes a wanted row of the rebuild that is under way. @returns whether the outcome changed. */
  #putRow(under: Rebuild, wanted: WantedRoute): boolean {
    const key = wanted.prefix.text;
    under.seen.add(key);
    return !under.updated.has(key) && this.#put(key, wanted);
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
