/** Tables that `-route-table` names one by one: one of several that cannot be kept keeps no other from being kept. */

import { CloudError } from "../cloud_error.ts";

/** A table that was named and cannot be kept. */
export interface MissingTable {
  /** As it was named. */
  readonly given: string;
  readonly failure: CloudError;
}

/** What became of looking one up. */
export type LookedUp<Found> =
  | { readonly given: string; readonly found: Found; readonly failure: null }
  | (MissingTable & { readonly found: null });

/** Kinds of failures that concern one table, and that no waiting heals. */
const staysAway: ReadonlySet<CloudError["kind"]> = new Set(["gone", "denied", "invalid"]);

/**
 * Looks them up. One that is not there, or may not be used, is told with its failure.
 *
 * @param lookUp finds one; throws what keeps it from being kept.
 * @throws {CloudError} any failure that time may heal.
 */
export async function lookUpGiven<Found>(
  given: readonly string[],
  lookUp: (given: string) => Promise<Found>,
  signal: AbortSignal,
): Promise<readonly LookedUp<Found>[]> {
  return await Promise.all(given.map(async (text): Promise<LookedUp<Found>> => {
    try {
      return { given: text, found: await lookUp(text), failure: null };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudError) || !staysAway.has(error.kind)) throw error;
      return { given: text, found: null, failure: error };
    }
  }));
}

/**
 * Refuses to go on where no table is left to keep.
 *
 * @param others how many were found in another way: by a tag.
 * @throws {CloudError} the first failure.
 */
export function checkAnyIsThere(looked: readonly LookedUp<unknown>[], others: number): void {
  const missing = missingOf(looked);
  if (missing[0] !== undefined && missing.length === looked.length && others === 0) throw missing[0].failure;
}

/** Those that were found. */
export function foundOf<Found>(looked: readonly LookedUp<Found>[]): readonly Found[] {
  return looked.flatMap(({ found, failure }) => failure === null ? [found] : []);
}

/** Those that cannot be kept. */
export function missingOf(looked: readonly LookedUp<unknown>[]): readonly MissingTable[] {
  return looked.flatMap(({ given, failure }) => failure === null ? [] : [{ given, failure }]);
}
