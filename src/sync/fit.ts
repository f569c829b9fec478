/** Which changes fit the quotas, and which are left out. Pure. */

import { eachOf, finish, itemsAStep, type Steps } from "../async/steps.ts";
import type { CloudQuota } from "../clouds/cloud.ts";
import type { Prefix } from "../routes/prefix.ts";
import { prefixKeys, sorting } from "./column_sort.ts";
import type { Difference } from "./plan.ts";
import type { PlannedChange } from "./planned_change.ts";
import { needOf, placesTaken } from "./quota_places.ts";
import { joining, layering } from "./waves.ts";

/** Changes that fit the quotas, in the order in which to make them, and those that do not. */
export interface FittedPlan {
  /** Groups to finish one after the other; changes of one group may be made at once. */
  readonly waves: readonly (readonly PlannedChange[])[];
  /** Adds over the quota, and replaces that need more places than their route has; that route stays as it is. */
  readonly overQuota: readonly PlannedChange[];
}

/** What is to be fitted. */
export interface FitInput {
  readonly adds: Difference["adds"];
  readonly replaces: Difference["replaces"];
  /** The withdrawals that are to be made now: the places that they free count. */
  readonly deletes: readonly PlannedChange[];
  readonly quotas: readonly CloudQuota[];
  readonly metricOf: (prefix: Prefix) => number;
}

/** Fits all at once; see {@linkcode fitting}. */
export function fit(
  { adds, replaces, deletes }: Pick<FitInput, "adds" | "replaces" | "deletes">,
  quotas: FitInput["quotas"],
  metricOf: FitInput["metricOf"],
): FittedPlan {
  return finish(fitting({ adds, replaces, deletes, quotas, metricOf }));
}

/**
 * Puts changes in order and leaves out those that are over a quota.
 *
 * Who stays when not all fit: routes that stand in the table already, then the lower metric, then the shorter prefix, then the
 * lower address.
 */
export function* fitting(input: FitInput): Steps<FittedPlan> {
  const { replaces, adds, deletes } = input;
  const scarce: CloudQuota[] = [];
  for (const quota of input.quotas) {
    if (!(yield* hasPlacesForAll(quota, [replaces, adds]))) scarce.push(quota);
  }
  const { early, late, overQuota } = scarce.length === 0
    ? { early: { replaces, adds }, late: { replaces: [], adds: [] }, overQuota: [] }
    : yield* ranking(input, scarce);
  const kinds: PlannedChange[][][] = [];
  // Replaces before adds.
  for (const changes of [early.replaces, early.adds, deletes, late.replaces, late.adds]) {
    kinds.push(yield* layering(changes));
  }
  return { waves: yield* joining(kinds, scarce), overQuota };
}

/** Whether a quota has places for all, whatever their order, before any is freed; then it need not be counted for each. */
function* hasPlacesForAll(quota: CloudQuota, groups: readonly (readonly PlannedChange[])[]): Steps<boolean> {
  if (quota.limit === null) return true;
  let free = quota.limit - quota.used;
  let looked = 0;
  for (const changes of groups) {
    for (const change of changes) {
      free -= needOf(change, quota).most;
      if (free < 0) return false;
      if (++looked % itemsAStep === 0) yield;
    }
  }
  return free >= 0;
}

/** Changes that take places, by kind. */
interface Taking {
  readonly replaces: readonly PlannedChange[];
  readonly adds: readonly PlannedChange[];
}

/** Which changes fit scarce quotas: early ones before any place is freed, late ones afterwards. */
function* ranking(
  { adds, replaces, deletes, metricOf }: FitInput,
  scarce: readonly CloudQuota[],
): Steps<{ readonly early: Taking; readonly late: Taking; readonly overQuota: readonly PlannedChange[] }> {
  const counts: FreePlaces[] = [];
  for (const quota of scarce) counts.push(...yield* countingFreePlaces(quota, [replaces, deletes]));
  const keys = [
    ({ prefix }: PlannedChange) => metricOf(prefix),
    ({ prefix }: PlannedChange) => prefix.length,
    ...prefixKeys,
  ];
  const early = { replaces: [] as PlannedChange[], adds: [] as PlannedChange[] };
  const late = { replaces: [] as PlannedChange[], adds: [] as PlannedChange[] };
  const overQuota: PlannedChange[] = [];
  let looked = 0;
  for (const [kind, changes] of [["replaces", replaces], ["adds", adds]] as const) {
    for (const change of yield* sorting(changes, keys)) {
      const needs = counts.map((count) => ({ count, ...needOf(change, count.quota) }))
        .filter(({ most }) => most > 0);
      const fitsNow = needs.every(({ count, most }) => count.now >= most);
      const fits = fitsNow || needs.every(({ count, most }) => count.afterwards >= most);
      (fitsNow ? early[kind] : fits ? late[kind] : overQuota).push(change);
      for (const { count, kept } of fits ? needs : []) takePlaces(count, kept, fitsNow);
      if (++looked % itemsAStep === 0) yield;
    }
  }
  return { early, late, overQuota };
}

/** Free places of a quota; a quota may count both families together. */
interface FreePlaces {
  readonly quota: CloudQuota;
  /** Before any place is freed. */
  now: number;
  /** Once the withdrawals are made, and the replaces that leave a route with fewer next hops. */
  afterwards: number;
}

/** The free places of a quota whose limit is known; what is over the limit is paid off first. */
function* countingFreePlaces(
  quota: CloudQuota,
  groups: readonly (readonly PlannedChange[])[],
): Steps<FreePlaces[]> {
  const { limit, used } = quota;
  if (limit === null) return [];
  let freed = 0;
  for (const changes of groups) {
    yield* eachOf(changes, (change) => freed += Math.max(0, -placesTaken(change, quota)));
  }
  return [{ quota, now: Math.max(0, limit - used), afterwards: Math.max(0, limit - used + freed) }];
}

function takePlaces(count: FreePlaces, places: number, now: boolean): void {
  count.afterwards -= places;
  if (now) count.now -= places;
  count.now = Math.min(count.now, count.afterwards);
}
