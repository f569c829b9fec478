/**
 * What a running instance leaves on disk for `explain`: the current errors, and what waits since it flapped. A convenience, written
 * now and then and trusted for nothing else.
 */

import * as v from "valibot";
import { replaceFile } from "../async/file_replacement.ts";
import { type SyncStatus, tableDocument } from "../sync/sync_status.ts";

const schema = v.object({
  pid: v.number(),
  errors: v.record(v.string(), v.looseObject({ message: v.string() })),
  damped: v.optional(v.array(v.object({ prefix: v.string(), until: v.number() })), []),
});

/** What a running instance left about a prefix. */
export interface LeftBehind {
  /** Its last error, else that of the whole table; null: none is known. */
  readonly lastError: string | null;
  /** Until when its change waits since it flapped too often, in milliseconds since the epoch; null: it does not. */
  readonly dampedUntil: number | null;
}

/** Writes what is known of a table; a failure to do so is of no consequence. */
export async function writeStatusFile(path: string, status: SyncStatus): Promise<void> {
  const { damped } = status;
  const text = JSON.stringify({ pid: Deno.pid, errors: tableDocument(status).errors, damped });
  try {
    await replaceFile(path, text, { mode: 0o600, synced: false });
  } catch {
    // Whoever asks `explain` then knows less.
  }
}

/** Reads what a running instance left about a prefix. */
export async function leftBehind(path: string, prefix: string): Promise<LeftBehind> {
  try {
    const { errors, damped } = v.parse(schema, JSON.parse(await Deno.readTextFile(path)));
    return {
      lastError: (errors[prefix] ?? errors[""])?.message ?? null,
      dampedUntil: damped.find((each) => each.prefix === prefix)?.until ?? null,
    };
  } catch {
    return { lastError: null, dampedUntil: null };
  }
}
