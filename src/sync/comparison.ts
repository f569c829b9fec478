/** One comparison of what is wanted with what is there, guard and quota included. Pure. */

import { eachOf, finish, itemsAStep, type Steps } from "../async/steps.ts";
import type { CloudIdentity, CloudQuota, CloudTraits } from "../clouds/cloud.ts";
import type { Prefix } from "../routes/prefix.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import { type EntryKind, loopingPrefixes, type RouterBound } from "../routes/would_loop.ts";
import { type GuardDecision, guarding, type GuardSettings, type GuardState, newGuardState } from "./guard.ts";
import type { GroupInput } from "./group_comparison.ts";
import type { TableIndex } from "./ownership.ts";
import { type Difference, differing } from "./plan.ts";
import { type FittedPlan, fitting } from "./fit.ts";
import { CoveringAdds, type PlannedChange, type Target } from "./planned_change.ts";
import { type Resolution, targetsOf } from "./targets.ts";

/** What is compared. */
export interface ComparisonInput {
  /** Canonical prefixes to compare, each once. */
  readonly prefixes: Iterable<string>;
  readonly wanted: Pick<ReadonlyMap<string, WantedRoute>, "get">;
  /**
   * Whether a canonical prefix has come to be wanted since the moment that is compared, which may be some slices ago: it is not withdrawn
   * any more.
   */
  readonly isWantedSince: (prefix: string) => boolean;
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

/** Compares all at once; see {@linkcode comparing}. */
export function compare(input: ComparisonInput): Comparison {
  return finish(comparing(input));
}

/** Compares; see {@linkcode Comparison}. The table, and what is wanted of it, must stay those of one moment until it ends. */
export function* comparing(input: ComparisonInput): Steps<Comparison> {
  const unresolved: string[] = [];
  const looping = loopingRoutes(input);
  const refused = new Set(looping.map(({ prefix }) => prefix));
  const targetOf = targetsOf(input.identity, input.resolution);
  const target = (prefix: string): Target | null | undefined => {
    const route = input.wanted.get(prefix);
    if (refused.has(prefix)) return undefined;
    if (route === undefined) return input.mayLack(prefix) ? null : undefined;
    const found = targetOf(route);
    if (found === null) unresolved.push(prefix);
    return found;
  };
  const found = yield* differing(input.prefixes, {
    wanted: target,
    index: input.index,
    traits: input.traits,
    adopt: input.adopt,
    group: input.group,
  });
  const isStillDue = ({ prefix }: PlannedChange): boolean => !input.isWantedSince(prefix.text);
  const parts = { ...found, deletes: yield* selecting(found.deletes, isStillDue) };
  const due = input.withdrawalsDue(parts.deletes.some(input.isRetryable));
  const decision = yield* deciding(parts.deletes, due, input);
  const deletes = yield* releasing(parts.deletes, decision);
  const { open, notRetryable } = yield* retrying({ ...parts, deletes }, input);
  const damped = yield* damping(open, notRetryable, input);
  const waiting = new Set<PlannedChange>();
  const carriers = new CoveringAdds();
  yield* eachOf(damped, (change) => {
    waiting.add(change);
    carriers.take(change);
  });
  const isPlanned = (change: PlannedChange): boolean => !waiting.has(change) && !carriers.cover(change);
  const fitted = yield* fitting({
    adds: yield* selecting(open.adds, isPlanned),
    replaces: yield* selecting(open.replaces, isPlanned),
    deletes: yield* selecting(open.deletes, isPlanned),
    quotas: input.quotas,
    metricOf: (prefix) => input.wanted.get(prefix.text)?.metric ?? 0,
  });
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

/** Changes by kind. */
type Changes = Pick<Difference, "adds" | "replaces" | "deletes">;

/** Those for which something holds; where it holds for all, as mostly, they are not copied. */
function* selecting(
  changes: readonly PlannedChange[],
  holds: (change: PlannedChange) => boolean,
): Steps<readonly PlannedChange[]> {
  let selected: PlannedChange[] | null = null;
  for (let index = 0; index < changes.length; index++) {
    const change = changes[index];
    if (change === undefined) continue;
    if (!holds(change)) selected ??= changes.slice(0, index);
    else selected?.push(change);
    if (index % itemsAStep === 0) yield;
  }
  return selected ?? changes;
}

/** The withdrawals that the guard lets go. */
function* releasing(
  deletes: readonly PlannedChange[],
  { released }: GuardDecision,
): Steps<readonly PlannedChange[]> {
  if (released.length === deletes.length || released.length === 0) {
    return released.length === 0 ? [] : deletes;
  }
  const prefixes = new Set<string>();
  yield* eachOf(released, (prefix) => prefixes.add(prefix));
  return yield* selecting(deletes, ({ prefix }) => prefixes.has(prefix.text));
}

/** Parts changes into those that are worth a try and those that would only fail again at the moment. */
function* retrying(
  { adds, replaces, deletes }: Changes,
  { isRetryable, isForbidden }: ComparisonInput,
): Steps<{ readonly open: Changes; readonly notRetryable: readonly PlannedChange[] }> {
  const forbidden = yield* selecting(adds, isForbidden);
  // An add that the cloud refuses must not turn into a withdrawal of what it was to cover.
  const refused = new CoveringAdds();
  yield* eachOf(forbidden, (change) => refused.take(change));
  const notRetryable: PlannedChange[] = [];
  const isOpen = (change: PlannedChange): boolean => {
    const open = isRetryable(change) && !refused.cover(change);
    if (!open) notRetryable.push(change);
    return open;
  };
  const open = {
    adds: yield* selecting(adds, isOpen),
    replaces: yield* selecting(replaces, isOpen),
    deletes: yield* selecting(deletes, isOpen),
  };
  return { open, notRetryable };
}

/** Those that wait since their prefix flaps. @param others what is changed besides, though not now. */
function* damping(
  { adds, replaces, deletes }: Changes,
  others: readonly PlannedChange[],
  { isDamped, index }: ComparisonInput,
): Steps<readonly PlannedChange[]> {
  const flapping: (readonly PlannedChange[])[] = [];
  for (const changes of [adds, replaces, deletes]) flapping.push(yield* selecting(changes, isDamped));
  const damped: PlannedChange[] = [];
  if (flapping.every(({ length }) => length === 0)) return damped;
  const leaving = yield* leavingEach([adds, replaces, deletes, others]);
  for (const changes of flapping) {
    yield* eachOf(changes, (change) => {
      if (!leavesDeadHop(change, leaving, index)) damped.push(change);
    });
  }
  return damped;
}

/** How many changes leave each next hop. */
function* leavingEach(
  groups: readonly (readonly PlannedChange[])[],
): Steps<ReadonlyMap<string, number>> {
  const leaving = new Map<string, number>();
  for (const changes of groups) {
    yield* eachOf(changes, ({ from }) => {
      for (const hop of from?.nextHops ?? []) leaving.set(hop, (leaving.get(hop) ?? 0) + 1);
    });
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
function* deciding(
  deletes: readonly PlannedChange[],
  due: boolean,
  { index, now, guardSettings, guardState }: ComparisonInput,
): Steps<GuardDecision> {
  const prefixes: string[] = [];
  yield* eachOf(deletes, ({ prefix }) => prefixes.push(prefix.text));
  const decision = yield* guarding(prefixes, index.own, now, guardSettings, guardState);
  if (due) return decision;
  const state = { ...guardState, since: decision.state.since };
  return { released: [], held: [], heldUntil: null, why: null, state };
}
