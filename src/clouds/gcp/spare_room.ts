/** Whether what a write makes has room all at once. Pure. */

import type { Change, CloudQuota } from "../cloud.ts";

/** How many routes may be made before one must go, as the quotas were last read; infinite where no limit is known. */
export function spareRoutes(quotas: readonly CloudQuota[]): number {
  return Math.min(...quotas.map(({ limit, used }) => limit === null ? Infinity : Math.max(0, limit - used)));
}

/** How many routes stand at once, besides those that are there, if all changes are made together; rather too many. */
export function routesMade(changes: readonly Change[]): number {
  return changes.reduce((sum, { to }) => sum + (to?.length ?? 0), 0);
}

/** How many replaces may be under way together, each of which makes its routes before it frees any; at least one. */
export function replacesAtOnce(replaces: readonly Change[], spare: number): number {
  return Math.max(1, Math.floor(spare / Math.max(1, ...replaces.map(({ to }) => to?.length ?? 0))));
}
