/**
 * What a running instance leaves on disk for `explain`: the current errors. A convenience, written now and then and
 * trusted for nothing else.
 */

import * as v from "valibot";
import { replaceFile } from "../async/file_replacement.ts";
import { type SyncStatus, tableDocument } from "../sync/sync_status.ts";

const schema = v.object({
  pid: v.number(),
  errors: v.record(v.string(), v.looseObject({ message: v.string() })),
});

/** Writes the errors of a table; a failure to do so is of no consequence. */
export async function writeStatusFile(path: string, status: SyncStatus): Promise<void> {
  const text = JSON.stringify({ pid: Deno.pid, errors: tableDocument(status).errors });
  try {
    await replaceFile(path, text, { mode: 0o600, synced: false });
  } catch {
    // Whoever asks `explain` then learns of no last error.
  }
}

/** The last error of a prefix, else of the whole table; null if none is known. */
export async function lastErrorOf(path: string, prefix: string): Promise<string | null> {
  try {
    const parsed = v.safeParse(schema, JSON.parse(await Deno.readTextFile(path)));
    if (!parsed.success) return null;
    const { errors } = parsed.output;
    return (errors[prefix] ?? errors[""])?.message ?? null;
  } catch {
    return null;
  }
}
