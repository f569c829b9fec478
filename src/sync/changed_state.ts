/** A table as it is after changes of which the cloud said only that they are done. Pure. */

import type { CloudRoute, TableState } from "../clouds/cloud.ts";
import type { PlannedChange } from "./planned_change.ts";
import { placesTaken } from "./quota_places.ts";

/**
 * Makes changes in a state.
 *
 * @param state as it was before them, of a cloud whose routes have no marks and which has one route a prefix, besides those of its own.
 * @param changes those that are done.
 */
export function withChanges(state: TableState, changes: readonly PlannedChange[]): TableState {
  if (changes.length === 0) return state;
  const changed = new Set(changes.map(({ prefix }) => prefix.text));
  const made = changes.flatMap(({ prefix, to }): CloudRoute[] =>
    to === null ? [] : [{ prefix, nextHops: to, owner: null }]
  );
  return {
    ...state,
    routes: [
      ...state.routes.filter(({ prefix, fixed }) => fixed === true || !changed.has(prefix.text)),
      ...made,
    ],
    quotas: state.quotas.map((quota) => ({
      ...quota,
      used: changes.reduce((used, change) => used + placesTaken(change, quota), quota.used),
    })),
  };
}
