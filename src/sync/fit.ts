/** Which changes fit the quotas, and which are left out. Pure. */

import type { CloudQuota } from "../clouds/cloud.ts";
import { comparePrefixes, type Prefix } from "../routes/prefix.ts";
import type { Difference } from "./plan.ts";
import type { PlannedChange } from "./planned_change.ts";
import { needOf, placesTaken } from "./quota_places.ts";
import { layersOf, wavesOf } from "./waves.ts";

/** Changes that fit the quotas, in the order in which to make them, and those that do not. */
export interface FittedPlan {
  /** Groups to finish one after the other; changes of one group may be made at once. */
  readonly waves: readonly (readonly PlannedChange[])[];
  /** Adds over the quota, and replaces that need more places than their route has; that route stays as it is. */
  readonly overQuota: readonly PlannedChange[];
}

/**
 * Puts changes in order and leaves out those that are over a quota.
 *
 * Who stays when not all fit: routes that stand in the table already, then the lower metric, then the shorter prefix, then the
 * lower address.
 *
 * @param deletes the withdrawals that are to be made now: the places that they free count.
 */
export function fit(
  parts: Pick<Difference, "adds" | "replaces"> & { readonly deletes: readonly PlannedChange[] },
  quotas: readonly CloudQuota[],
  metricOf: (prefix: Prefix) => number,
): FittedPlan {
  const { adds, replaces, deletes } = parts;
  const counts = quotas.flatMap((quota) => freePlacesOf(quota, [...replaces, ...deletes]));
  const ranked = [replaces, adds].flatMap((changes) =>
    [...changes].sort((left, right) => compareRank(left.prefix, right.prefix, metricOf))
  );
  const early: PlannedChange[] = [];
  const late: PlannedChange[] = [];
  const overQuota: PlannedChange[] = [];
  for (const change of ranked) {
    const needs = counts.map((count) => ({ count, ...needOf(change, count.quota) }))
      .filter(({ most }) => most > 0);
    const fitsNow = needs.every(({ count, most }) => count.now >= most);
    const fits = fitsNow || needs.every(({ count, most }) => count.afterwards >= most);
    (fitsNow ? early : fits ? late : overQuota).push(change);
    for (const { count, kept } of fits ? needs : []) takePlaces(count, kept, fitsNow);
  }
  const groups = [...byAction(early), deletes, ...byAction(late)];
  return { waves: wavesOf(groups.flatMap(layersOf), quotas), overQuota };
}

/** Replaces before adds. */
function byAction(changes: readonly PlannedChange[]): readonly (readonly PlannedChange[])[] {
  return (["replace", "add"] as const).map((action) => changes.filter((change) => change.action === action));
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
function freePlacesOf(quota: CloudQuota, changes: readonly PlannedChange[]): FreePlaces[] {
  const { limit, used } = quota;
  if (limit === null) return [];
  const freed = changes.reduce((sum, change) => sum + Math.max(0, -placesTaken(change, quota)), 0);
  return [{ quota, now: Math.max(0, limit - used), afterwards: Math.max(0, limit - used + freed) }];
}

function takePlaces(count: FreePlaces, places: number, now: boolean): void {
  count.afterwards -= places;
  if (now) count.now -= places;
  count.now = Math.min(count.now, count.afterwards);
}

function compareRank(left: Prefix, right: Prefix, metricOf: (prefix: Prefix) => number): number {
  return metricOf(left) - metricOf(right) || left.length - right.length || comparePrefixes(left, right);
}
