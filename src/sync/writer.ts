/** Executes an ordered plan: in order, a bounded number at a time, no faster than the budget allows. */

import type { Clock } from "../async/clock.ts";
import { inSlices } from "../async/slices.ts";
import { eachOf, type Steps } from "../async/steps.ts";
import { forEachPooled } from "../async/pool.ts";
import type { Change, Cloud, CloudConnection, CloudTable, TableState } from "../clouds/cloud.ts";
import { CloudError, isOverRate } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";
import { type ApiBudget, writeAction } from "./api_budget.ts";
import { withChanges } from "./changed_state.ts";
import { CoveringAdds, isCoveredBy, type PlannedChange } from "./planned_change.ts";

/** A change that failed, and why. */
export interface FailedChange {
  readonly change: PlannedChange;
  readonly error: CloudError;
}

/** What became of a plan. */
export interface WriteReport {
  readonly done: readonly PlannedChange[];
  readonly failed: readonly FailedChange[];
  /** Not tried, because something before it failed. */
  readonly skipped: readonly PlannedChange[];
  /**
   * The table afterwards, where it is known: the last answer shows it and nothing failed; or what failed was refused because the account
   * called too often, and changed nothing.
   */
  readonly state: TableState | null;
}

/** What a write needs besides the plan. */
export interface WriteContext {
  readonly traits: Cloud["traits"];
  readonly connection: Pick<CloudConnection, "write">;
  readonly table: CloudTable;
  readonly budget: Pick<ApiBudget, "wait">;
  readonly clock: Clock;
  /** Called with each change as soon as it is done: the last of hundreds may be minutes away. */
  readonly onDone?: (change: PlannedChange) => void;
}

/**
 * Writes wave after wave. A failure ends what it would hit as well: all of it, the same action, or the same action of that family; a
 * withdrawal is not made once the add that is to cover it has failed.
 *
 * @throws the signal's reason if the caller gave up; which changes took effect is then unknown.
 */
export async function writeWaves(
  waves: readonly (readonly PlannedChange[])[],
  state: TableState,
  context: WriteContext,
  signal: AbortSignal,
): Promise<WriteReport> {
  const { traits: { batch, atomic, parallel }, budget, clock } = context;
  const done: PlannedChange[] = [];
  const failed: FailedChange[] = [];
  const skipped: PlannedChange[] = [];
  let latest: TableState | null = null;
  let known: TableState | null = state;
  /** What was done since. */
  let doneSince: PlannedChange[] = [];

  /** Those of the changes that are worth a try. */
  const worthATry = (changes: readonly PlannedChange[]): readonly PlannedChange[] => {
    if (signal.aborted || failed.length === 0) return signal.aborted ? [] : changes;
    const refused = failed.map(({ change }) => change);
    return changes.filter((change) => !isCoveredBy(refused, change) && !isHitBy(failed, change, context));
  };
  const write = async (changes: readonly PlannedChange[]): Promise<void> => {
    if (worthATry(changes).length > 0) await budget.wait(writeAction(context.traits, changes), signal);
    const open = worthATry(changes);
    if (open.length < changes.length) skipped.push(...changes.filter((change) => !open.includes(change)));
    if (open.length === 0) return;
    const { outcomes, after } = await writeOnce(open, latest ?? state, context, signal);
    const news: PlannedChange[] = [];
    for (const [change, error] of outcomes) {
      if (error === null) news.push(change);
      else failed.push({ change, error });
    }
    done.push(...news);
    latest = after;
    if (after !== null) [known, doneSince] = [after, []];
    else if (news.length > 0 && !isForeseen(context.traits)) known = null;
    else doneSince.push(...news);
    await inSlices(telling(news, context.onDone), clock, signal);
  };

  for (const together of atomic ? [waves] : waves.map((wave) => [wave])) {
    await forEachPooled(await inSlices(batching(together, batch), clock, signal), parallel, write);
  }
  signal.throwIfAborted();
  const wasLimited = failed.length > 0 && failed.every(({ error }) => isOverRate(error));
  return {
    done,
    failed,
    skipped,
    state: wasLimited
      ? known && withChanges(known, doneSince)
      : failed.length + skipped.length === 0
      ? latest
      : null,
  };
}

/** Tells of what is done. Each is logged, which takes long enough for a pause. */
function* telling(done: readonly PlannedChange[], onDone: WriteContext["onDone"]): Steps<void> {
  for (const change of done) {
    onDone?.(change);
    yield;
  }
}

/**
 * Whether it is known how a table is after a write whose answer does not show it: refused changes changed nothing. Where a batch is one
 * step the table has another version after it, and where routes have marks they have names of the cloud's: then it must be read.
 */
function isForeseen({ atomic, ownership, uniquePrefix }: Cloud["traits"]): boolean {
  return !atomic && ownership === "ledger" && uniquePrefix;
}

/** Whether what failed would hit a change as well. */
function isHitBy(failed: readonly FailedChange[], change: PlannedChange, context: WriteContext): boolean {
  return failed.some(({ change: { action, prefix }, error }) => {
    switch (scopeOf(error, context)) {
      case "table":
        return true;
      case "action":
        return action === change.action;
      case "family":
        return action === change.action && prefix.family === change.prefix.family;
      case "change":
        return false;
    }
  });
}

/** A conflict of a batch means that the table as read is stale, which hits every later batch too. */
function scopeOf(error: CloudError, { traits }: WriteContext): ReturnType<typeof meaningOf>["scope"] {
  return error.kind === "conflict" && traits.atomic ? "table" : meaningOf(error).scope;
}

/** A change and why it failed; null: it is done. */
type Outcome = readonly [PlannedChange, CloudError | null];

async function writeOnce(
  changes: readonly PlannedChange[],
  state: TableState,
  context: WriteContext,
  signal: AbortSignal,
): Promise<
  {
    readonly outcomes: readonly Outcome[];
    readonly after: TableState | null;
  }
> {
  try {
    const result = await context.connection.write(context.table, changes, state, signal);
    const answered = new Map<Change, CloudError | null>(
      result.outcomes.map(({ change, error }) => [change, error]),
    );
    const outcomes = changes.map((change) => {
      const error = answered.get(change);
      return [change, error === undefined ? unanswered(change) : error] as const;
    });
    return { outcomes, after: result.state ?? null };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { outcomes: changes.map((change) => [change, error]), after: null };
  }
}

/** Nobody knows whether a change took effect of which the answer says nothing: the table is read again. */
function unanswered({ action, prefix }: PlannedChange): CloudError {
  return new CloudError(
    "unavailable",
    `Cannot ${action} route ${prefix.text}: the cloud's answer does not say what became of it`,
  );
}

/**
 * Splits waves into calls of at most `size` changes. A withdrawal never goes out in one call with the add that is to cover it: what
 * became of the add is not known before the call has ended.
 */
function* batching(waves: readonly (readonly PlannedChange[])[], size: number): Steps<PlannedChange[][]> {
  const batches: PlannedChange[][] = [];
  let batch: PlannedChange[] = [];
  let adds = new CoveringAdds();
  for (const wave of waves) {
    yield* eachOf(wave, (change) => {
      if (batch.length === size || adds.cover(change)) {
        batches.push(batch);
        batch = [];
        adds = new CoveringAdds();
      }
      batch.push(change);
      adds.take(change);
    });
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
