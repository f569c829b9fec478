/** Withdrawals that wait for the route that is to take over. Pure. */

import { prefixContains } from "../../routes/prefix.ts";
import type { Change } from "../cloud.ts";
import type { CloudError } from "../cloud_error.ts";

/** A change that failed, and why. */
export interface Failure {
  readonly change: Change;
  readonly error: CloudError;
}

/**
 * Why a deleted route is to stay: the error of the add that was to cover its prefix (an aggregate), without which packets would
 * have no route at all. Null where nothing speaks against the change.
 */
export function whyKept(change: Change, failures: readonly Failure[]): CloudError | null {
  if (change.action !== "delete") return null;
  const covering = failures.find((failure) =>
    failure.change.action === "add" && prefixContains(failure.change.prefix, change.prefix)
  );
  return covering?.error ?? null;
}

/** Those of the changes that failed. */
export function failuresOf(
  changes: readonly Change[],
  outcomes: readonly (CloudError | null)[],
): Failure[] {
  return changes.flatMap((change, index) => {
    const error = outcomes[index] ?? null;
    return error === null ? [] : [{ change, error }];
  });
}
