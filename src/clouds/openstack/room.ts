/** Which changes a router has room for. Pure. */

import type { Change, TableState } from "../cloud.ts";
import type { CloudError } from "../cloud_error.ts";
import { pairsOfChanges } from "./extra_routes.ts";

/** How many more pairs the router takes, now that an error told its limit; 0 if the error is about something else. */
export function roomAfter(error: CloudError, state: TableState): number {
  if (error.kind !== "quota" || error.limit === undefined) return 0;
  const used = state.quotas.reduce((sum, quota) => sum + quota.used, 0);
  return Math.max(0, error.limit - used);
}

/** How many of the changes, taken in the order given, add no more pairs than there is room for. */
export function countFitting(changes: readonly Change[], room: number): number {
  let left = room;
  const first = changes.findIndex((change) => {
    left -= pairsOfChanges([change]).add.length;
    return left < 0;
  });
  return first < 0 ? changes.length : first;
}
