/** Executes an ordered plan: in order, a bounded number at a time, no faster than the cloud likes. */

import type { Cloud, CloudTable, TableState } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import type { Clock } from "./clock.ts";
import { isCoveredBy, type PlannedChange } from "./plan.ts";
import { split } from "./split.ts";
import type { TokenBucket } from "./token_bucket.ts";

/** What became of a plan. */
export interface WriteReport {
  readonly done: readonly PlannedChange[];
  readonly failed: readonly { readonly change: PlannedChange; readonly error: CloudError }[];
  /** Not tried, because something before it failed. */
  readonly skipped: readonly PlannedChange[];
  /** The table afterwards, where the last answer told it and nothing failed. */
  readonly state: TableState | null;
}

/** What a write needs besides the plan. */
export interface WriteContext {
  readonly cloud: Pick<Cloud, "write" | "traits">;
  readonly table: CloudTable;
  readonly clock: Clock;
  readonly bucket: TokenBucket | null;
}

/**
 * Whether a failure concerns one change alone, so that what comes after it is tried all the same. A conflict of a batch means
 * that the table as read is stale, which hits every later batch too.
 */
function isLocal(error: CloudError, context: WriteContext): boolean {
  if (error.kind === "conflict") return context.cloud.traits.changesPerWrite === 1;
  return error.kind === "invalid" || error.kind === "quota";
}

/**
 * Writes wave after wave. A failure that would hit the next call as well (throttled, denied, unavailable, gone) ends it.
 *
 * @throws the signal's reason if the caller gave up; which changes took effect is then unknown.
 */
export async function writeWaves(
  waves: readonly (readonly PlannedChange[])[],
  state: TableState,
  context: WriteContext,
  signal: AbortSignal,
): Promise<WriteReport> {
  const { changesPerWrite, concurrentWrites } = context.cloud.traits;
  const groups = concurrentWrites === 1 ? [waves.flat()] : waves;
  const done: PlannedChange[] = [];
  const failed: { change: PlannedChange; error: CloudError }[] = [];
  const skipped: PlannedChange[] = [];
  let latest: TableState | null = null;
  let stopped = false;

  const writeChunk = async (chunk: readonly PlannedChange[]): Promise<void> => {
    if (!stopped) await pace(context, signal);
    const refused = failed.map(({ change }) => change);
    // Some would leave packets without the route that was to take over.
    const [uncovering, others] = split(chunk, (change) => isCoveredBy(refused, change));
    skipped.push(...uncovering);
    if (stopped || signal.aborted) return void skipped.push(...others);
    if (others.length > 0) await write(others);
  };
  const write = async (chunk: readonly PlannedChange[]): Promise<void> => {
    const { outcomes, after } = await writeOnce(chunk, latest ?? state, context, signal);
    latest = after;
    for (const [index, change] of chunk.entries()) {
      const error = outcomes[index] ?? null;
      if (error === null) done.push(change);
      else failed.push({ change, error });
      if (error !== null && !isLocal(error, context)) stopped = true;
    }
  };

  for (const group of groups) {
    await runLimited(chunksOf(group, changesPerWrite), concurrentWrites, writeChunk);
  }
  signal.throwIfAborted();
  return { done, failed, skipped, state: failed.length === 0 && skipped.length === 0 ? latest : null };
}

async function writeOnce(
  chunk: readonly PlannedChange[],
  state: TableState,
  context: WriteContext,
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly (CloudError | null)[]; readonly after: TableState | null }> {
  try {
    const result = await context.cloud.write(context.table, chunk, state, signal);
    return { outcomes: result.outcomes, after: result.state ?? null };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { outcomes: chunk.map(() => error), after: null };
  }
}

async function pace(context: WriteContext, signal: AbortSignal): Promise<void> {
  const wait = context.bucket?.take(context.clock.now()) ?? 0;
  if (wait > 0) await context.clock.sleep(wait, signal);
}

/**
 * Splits changes into calls of at most `size`. A withdrawal never goes out in one call with the add that is to cover it: what
 * became of the add is not known before the call has ended.
 */
function chunksOf(changes: readonly PlannedChange[], size: number): PlannedChange[][] {
  const chunks: PlannedChange[][] = [];
  let chunk: PlannedChange[] = [];
  for (const change of changes) {
    if (chunk.length === size || isCoveredBy(chunk, change)) {
      chunks.push(chunk);
      chunk = [];
    }
    chunk.push(change);
  }
  return chunk.length === 0 ? chunks : [...chunks, chunk];
}

/** Runs a job for each item, `limit` at a time; all have ended when it resolves or rejects. */
async function runLimited<T>(
  items: readonly T[],
  limit: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await job(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
