/** One comparison of what is wanted with what is there, guard and quota included. Pure. */

import type { CloudIdentity, CloudQuota, CloudTraits } from "../clouds/cloud.ts";
import type { Prefix } from "../routes/prefix.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import { type EntryKind, loopingPrefixes, type RouterBound } from "../routes/would_loop.ts";
import { guard, type GuardDecision, type GuardSettings, type GuardState, newGuardState } from "./guard.ts";
import type { GroupInput } from "./group_comparison.ts";
import type { TableIndex } from "./ownership.ts";
import { type Difference, difference } from "./plan.ts";
import { fit, type FittedPlan } from "./fit.ts";
import { isCoveredBy, type PlannedChange, type Target } from "./planned_change.ts";
import { type Resolution, targetOf } from "./targets.ts";

/** What is compared. */
export interface ComparisonInput {
  /** Canonical prefixes to compare, each once. */
  readonly prefixes: Iterable<string>;
  readonly wanted: ReadonlyMap<string, WantedRoute>;
  readonly identity: CloudIdentity;
  readonly resolution: Resolution;
  /** What the kernel sends by a subnet's router. */
  readonly bound: ReadonlyMap<string, RouterBound>;
  /** Whether the kernel may have a route of a canonical prefix that it keeps back, so that nothing is known of it. */
  readonly mayLack: (prefix: string) => boolean;
  /** This VM's subnets that use the table. */
  readonly ownSubnets: readonly Prefix[];
  readonly index: TableIndex;
  readonly quotas: readonly CloudQuota[];
  readonly traits: CloudTraits;
  readonly adopt: boolean;
  /** Null: this router is alone. */
  readonly group: GroupInput | null;
  readonly guardSettings: GuardSettings;
  readonly guardState: GuardState;
  /** Tells, given whether there are any, whether withdrawals need wait no longer for the kernel to be quiet. */
  readonly withdrawalsDue: (any: boolean) => boolean;
  /** Whether a change is worth a try; false for what would only fail again at the moment. */
  readonly isRetryable: (change: PlannedChange) => boolean;
  /** Of those that are not the ones that no withdrawal can help: a permission or the cloud's rules forbid them, not a quota. */
  readonly isForbidden: (change: PlannedChange) => boolean;
  /** Whether a change must wait since its prefix flaps. */
  readonly isDamped: (change: PlannedChange) => boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now: number;
}

/** The outcome. */
export interface Comparison {
  readonly difference: Difference;
  readonly decision: GuardDecision;
  /** Withdrawals that wait for the kernel to be quiet. */
  readonly waiting: readonly PlannedChange[];
  /** Changes to make now. */
  readonly fitted: FittedPlan;
  /** Changes that would only fail again at the moment. */
  readonly notRetryable: readonly PlannedChange[];
  /** Changes that wait since their prefix flaps. */
  readonly damped: readonly PlannedChange[];
  /** Canonical prefixes whose next hop is not known at the moment. */
  readonly unresolved: readonly string[];
  /** Wanted routes that are left out, or taken away, since they would turn this VM's own packets back to it; all of the table. */
  readonly looping: readonly LoopingRoute[];
}

/** A wanted route that would loop. */
export interface LoopingRoute {
  /** Canonical. */
  readonly prefix: string;
  /** What this VM sends by the subnet's router and would get back: a canonical prefix. */
  readonly turnsBack: string;
}

/** The comparison of a loop that has not compared yet. */
export const nothingCompared: Comparison = {
  difference: {
    adds: [],
    replaces: [],
    deletes: [],
    conflicts: [],
    claims: [],
    kept: 0,
    left: [],
    memories: new Map(),
  },
  decision: { released: [], held: [], heldUntil: null, why: null, state: newGuardState() },
  waiting: [],
  fitted: { waves: [], overQuota: [] },
  notRetryable: [],
  damped: [],
  unresolved: [],
  looping: [],
};

/** Compares; see {@linkcode Comparison}. */
export function compare(input: ComparisonInput): Comparison {
  const unresolved: string[] = [];
  const looping = loopingRoutes(input);
  const refused = new Set(looping.map(({ prefix }) => prefix));
  const target = (prefix: string): Target | null | undefined => {
    const route = input.wanted.get(prefix);
    if (refused.has(prefix)) return undefined;
    if (route === undefined) return input.mayLack(prefix) ? null : undefined;
    const found = targetOf(route, input.identity, input.resolution);
    if (found === null) unresolved.push(prefix);
    return found;
  };
  const parts = difference(input.prefixes, {
    wanted: target,
    index: input.index,
    traits: input.traits,
    adopt: input.adopt,
    group: input.group,
  });
  const due = input.withdrawalsDue(parts.deletes.some(input.isRetryable));
  const decision = decide(parts.deletes, due, input);
  const released = new Set(decision.released);
  const deletes = parts.deletes.filter((change) => released.has(change.prefix.text));
  const forbidden = parts.adds.filter(input.isForbidden);
  // An add that the cloud refuses must not turn into a withdrawal of what it was to cover.
  const isOpen = (change: PlannedChange): boolean =>
    input.isRetryable(change) && !isCoveredBy(forbidden, change);
  const all = [...parts.adds, ...parts.replaces, ...deletes];
  const notRetryable = all.filter((change) => !isOpen(change));
  const leaving = leavingEach(all);
  const damped = all.filter((change) =>
    isOpen(change) && input.isDamped(change) && !leavesDeadHop(change, leaving, input.index)
  );
  const dampedPrefixes = new Set(damped.map(({ prefix }) => prefix.text));
  const isPlanned = (change: PlannedChange): boolean =>
    isOpen(change) && !dampedPrefixes.has(change.prefix.text);
  const fitted = fit(
    {
      adds: parts.adds.filter(isPlanned),
      replaces: parts.replaces.filter(isPlanned),
      deletes: deletes.filter((change) => isPlanned(change) && !isCoveredBy(damped, change)),
    },
    input.quotas,
    (prefix) => input.wanted.get(prefix.text)?.metric ?? 0,
  );
  return {
    difference: parts,
    decision,
    waiting: due ? [] : parts.deletes,
    fitted,
    notRetryable,
    damped,
    unresolved,
    looping,
  };
}

/** How many changes leave each next hop. */
function leavingEach(changes: readonly PlannedChange[]): ReadonlyMap<string, number> {
  const leaving = new Map<string, number>();
  for (const { from } of changes) {
    for (const hop of from?.nextHops ?? []) leaving.set(hop, (leaving.get(hop) ?? 0) + 1);
  }
  return leaving;
}

/**
 * Whether a change leaves a next hop that may be dead, so that it must not wait: the cloud says so, another router gives the prefix up, or
 * other routes leave the same next hop at the same time, as they do when the machine fails.
 *
 * @param leaving how many changes, this one among them, leave each next hop.
 */
function leavesDeadHop(
  { from, why }: PlannedChange,
  leaving: ReadonlyMap<string, number>,
  { dead }: TableIndex,
): boolean {
  if (why === "taken-over" || why === "handed-over" || why === "failed") return true;
  if (from === null) return false;
  if (from.blackhole === true || from.nextHops.some((hop) => dead.has(hop))) return true;
  return from.nextHops.some((hop) => (leaving.get(hop) ?? 0) > 1);
}

/** The wanted routes that would loop in this table, whatever is compared now. */
function loopingRoutes(input: ComparisonInput): LoopingRoute[] {
  const { bound, ownSubnets: subnets, identity } = input;
  if (bound.size === 0 || subnets.length === 0) return [];
  const found = loopingPrefixes({
    bound: bound.values(),
    subnets,
    networks: identity.networks,
    entryAt: (prefix) => entryAt(prefix, input),
  });
  return [...found].map(([prefix, { prefix: { text } }]) => ({ prefix, turnsBack: text }));
}

/** What the table has at a prefix once what is wanted is made. */
function entryAt(prefix: string, { wanted, index, adopt }: ComparisonInput): EntryKind {
  const route = wanted.get(prefix);
  const isForeign = index.foreign.has(prefix) || index.peers.has(prefix);
  if (route === undefined) return isForeign ? "elsewhere" : "none";
  if (isForeign && !adopt && !index.own.has(prefix)) return "elsewhere";
  return route.nextHops.some(({ neighbour }) => neighbour === null) ? "self" : "elsewhere";
}

/** Asks the guard; before the withdrawals are due it only learns since when they are asked for. */
function decide(deletes: readonly PlannedChange[], due: boolean, input: ComparisonInput): GuardDecision {
  const { index, now, guardSettings, guardState } = input;
  const prefixes = deletes.map((change) => change.prefix.text);
  const decision = guard(prefixes, index.own, now, guardSettings, guardState);
  if (due) return decision;
  const state = { ...guardState, since: decision.state.since };
  return { released: [], held: [], heldUntil: null, why: null, state };
}
