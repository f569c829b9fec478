/**
 * What quotas count. Pure.
 *
 * Places that a change takes in a quota (more than it frees) or frees:
 *
 * | a place is            | add             | replace                           | delete            |
 * | --------------------- | --------------- | --------------------------------- | ----------------- |
 * | a route               | takes 1         | none                              | frees 1           |
 * | each next hop (ECMP   | takes one a hop | takes one for each hop it has     | frees one a hop   |
 * | on GCP and OpenStack) |                 | more, frees one for each less     |                   |
 * | the same, and routes  | as above        | the same, and needs one place     | as above          |
 * | cannot be changed     |                 | a new hop free while it is made   |                   |
 */

import type { CloudQuota } from "../clouds/cloud.ts";
import type { PlannedChange } from "./planned_change.ts";

/** How many places of a quota a change takes and keeps, and how many at most while it is made. */
export function needOf(
  change: PlannedChange,
  quota: CloudQuota,
): { readonly kept: number; readonly most: number } {
  const kept = Math.max(0, placesTaken(change, quota));
  if (quota.immutable !== true || change.action !== "replace" || !counts(quota, change)) {
    return { kept, most: kept };
  }
  const made = change.to.filter((hop) => !change.from.nextHops.includes(hop)).length;
  return { kept, most: Math.max(made, kept) };
}

/** How many places a change takes in a quota; what it frees is negative. */
export function placesTaken(change: PlannedChange, quota: CloudQuota): number {
  if (!counts(quota, change)) return 0;
  const placesOf = (hops: readonly string[]): number => quota.perNextHop === true ? hops.length : 1;
  const { from, to } = change;
  return (to === null ? 0 : placesOf(to)) - (from === null ? 0 : placesOf(from.nextHops));
}

function counts({ families }: CloudQuota, { prefix }: PlannedChange): boolean {
  return families.includes(prefix.family);
}
