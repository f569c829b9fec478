/** One comparison of what is wanted with what is there, guard and quota included. Pure. */

import type { CloudIdentity, CloudQuota, CloudTraits } from "../clouds/cloud.ts";
import type { WantedRoute } from "../routes/policy.ts";
import { guard, type GuardDecision, type GuardSettings, type GuardState, newGuardState } from "./guard.ts";
import type { TableIndex } from "./ownership.ts";
import {
  type Difference,
  difference,
  fit,
  type FittedPlan,
  isCoveredBy,
  type PlannedChange,
  type Target,
} from "./plan.ts";
import { split } from "./split.ts";
import { type Resolution, targetOf } from "./targets.ts";

/** What is compared. */
export interface ComparisonInput {
  /** Canonical prefixes to compare, each once. */
  readonly prefixes: Iterable<string>;
  readonly wanted: ReadonlyMap<string, WantedRoute>;
  readonly identity: CloudIdentity;
  readonly resolution: Resolution;
  readonly index: TableIndex;
  readonly quotas: readonly CloudQuota[];
  readonly traits: CloudTraits;
  readonly adopt: boolean;
  readonly guardSettings: GuardSettings;
  readonly guardState: GuardState;
  /** Tells, given whether there are any, whether withdrawals need wait no longer for the kernel to be quiet. */
  readonly withdrawalsDue: (any: boolean) => boolean;
  /** Changes that would only fail again at the moment. */
  readonly isHopeless: (change: PlannedChange) => boolean;
  /** Of these the ones that no withdrawal can help: not for want of room, but for a permission or the cloud's rules. */
  readonly isRefused: (change: PlannedChange) => boolean;
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
  readonly hopeless: readonly PlannedChange[];
  /** Canonical prefixes whose next hop is not known at the moment. */
  readonly unresolved: readonly string[];
}

/** The comparison of a loop that has not compared yet. */
export const nothingCompared: Comparison = {
  difference: { adds: [], replaces: [], deletes: [], conflicts: [], claims: [], kept: 0 },
  decision: { released: [], held: [], heldUntil: null, why: null, state: newGuardState() },
  waiting: [],
  fitted: { waves: [], unfit: [] },
  hopeless: [],
  unresolved: [],
};

/** Compares; see {@linkcode Comparison}. */
export function compare(input: ComparisonInput): Comparison {
  const unresolved: string[] = [];
  const target = (prefix: string): Target | null | undefined => {
    const route = input.wanted.get(prefix);
    if (route === undefined) return undefined;
    const found = targetOf(route, input.identity, input.resolution);
    if (found === null) unresolved.push(prefix);
    return found;
  };
  const parts = difference(input.prefixes, {
    wanted: target,
    index: input.index,
    traits: input.traits,
    adopt: input.adopt,
  });
  const due = input.withdrawalsDue(parts.deletes.some((change) => !input.isHopeless(change)));
  const decision = decide(parts.deletes, due, input);
  const released = new Set(decision.released);
  const deletes = parts.deletes.filter((change) => released.has(change.prefix.text));
  const refused = parts.adds.filter(input.isRefused);
  const [hopeless, hopeful] = split(
    [...parts.adds, ...parts.replaces, ...deletes],
    // An add that the cloud refuses must not turn into a withdrawal of what it was to cover.
    (change) => input.isHopeless(change) || isCoveredBy(refused, change),
  );
  const fitted = fit(
    {
      adds: hopeful.filter((change) => change.action === "add"),
      replaces: hopeful.filter((change) => change.action === "replace"),
      deletes: hopeful.filter((change) => change.action === "delete"),
    },
    input.quotas,
    (prefix) => input.wanted.get(prefix.text)?.metric ?? 0,
  );
  return { difference: parts, decision, waiting: due ? [] : parts.deletes, fitted, hopeless, unresolved };
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
