/** The errors of a table as a person reads them: one entry per error, however many prefixes it hit, the gravest first. Pure. */

import { CloudError } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";
import type { SyncStatus } from "../sync/sync_status.ts";
import { unnamed } from "../sync/table_failures.ts";

/** An error that stands. */
export interface TableError {
  readonly error: Error;
  /** The first prefix that it hit; null: it concerns none, but the table, the ledger or the look-up of neighbours. */
  readonly prefix: string | null;
  /** How many further prefixes it hit. */
  readonly further: number;
  /** When it is tried again, in milliseconds since the epoch; null: not by itself. */
  readonly nextTryAt: number | null;
}

/** Those of the whole table first, then those of prefixes in the order in which they came. */
export function tableErrors(
  { errors, nextTries }: Pick<SyncStatus, "errors" | "nextTries">,
): readonly TableError[] {
  const entries = new Map<string, TableError>();
  for (const [key, error] of errors) {
    const isNamed = !unnamed.has(key);
    const same = `${isNamed} ${error.message}`;
    const known = entries.get(same);
    const nextTryAt = nextTries.get(key) ?? null;
    entries.set(
      same,
      known === undefined
        ? { error, prefix: isNamed ? key : null, further: 0, nextTryAt }
        : { ...known, further: known.further + 1, nextTryAt: earlier(known.nextTryAt, nextTryAt) },
    );
  }
  const all = [...entries.values()];
  return [...all.filter(({ prefix }) => prefix === null), ...all.filter(({ prefix }) => prefix !== null)];
}

/**
 * Those that say something which nothing else says: not a prefix that is refused by what keeps the whole table, and none that is
 * over the quota or blocked by a foreign route, which health reports by itself.
 */
export function errorsToReport(status: SyncStatus): readonly TableError[] {
  const all = tableErrors({
    ...status,
    errors: new Map([...status.errors].filter(([key, error]) => !isSaid(key, error, status))),
  });
  const isDown = all.some(({ prefix }) => prefix === null);
  return all.filter(({ prefix, error }) =>
    prefix === null || !isDown || !(error instanceof CloudError) || meaningOf(error).scope !== "table"
  );
}

function isSaid(key: string, error: Error, { overQuota, conflicts }: SyncStatus): boolean {
  if (!(error instanceof CloudError)) return false;
  return error.kind === "quota" && overQuota.includes(key) ||
    error.kind === "conflict" && conflicts.includes(key);
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? one ?? other : Math.min(one, other);
}
