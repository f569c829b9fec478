/** Keeps open tables in step until a run is stopped, or until the tables to keep are others. */

import { getLogger } from "@logtape/logtape";
import { backOffMs, between, jitteredMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import type { CloudConnection, CloudTable } from "../clouds/cloud.ts";
import { CloudError, errorFacts, NoTableError } from "../clouds/cloud_error.ts";
import type { Reconciler } from "./reconciler.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** How often tables and associations are looked after though nothing happened: at most this often, in milliseconds. */
export const prepareEveryMs = 300_000;
/** How long after a start they are looked after where preparing left that for later: by chance within this, in milliseconds. */
const afterStartMs = [60_000, 180_000] as const;
/** How soon they are looked after once more where the account was short of calls, in milliseconds, and how often in a row. */
const afterShortMs = 60_000;
const mostShort = 10;

/** What the loops work with. */
export interface TableLoopsOptions {
  readonly tables: readonly CloudTable[];
  /** Whether preparing left it for later to look if one of them is still a copy; see {@linkcode CopiesWhen}. */
  readonly copiesLater: boolean;
  /** One a table. */
  readonly reconcilers: readonly Reconciler[];
  readonly connection: () => Pick<CloudConnection, "prepare">;
  /** Looks whether this VM, or its network, is another. */
  readonly lookAgain: (signal: AbortSignal) => Promise<void>;
  /** Runs beside the loops, until it is stopped. */
  readonly watch: (stop: AbortSignal) => Promise<void>;
  readonly auditMs: number;
  /** Whether the account is short of calls. */
  readonly isShort: () => boolean;
  readonly clock: Clock;
}

/** See the head of this file. */
export class TableLoops {
  readonly #options: TableLoopsOptions;
  /** Ids of tables that went away while others stayed. */
  readonly #missing = new Set<string>();
  readonly #end = new AbortController();

  constructor(options: TableLoopsOptions) {
    this.#options = options;
  }

  /**
   * Runs all loops.
   *
   * @param stop ends them after the rounds under way.
   * @param abandon gives up the calls under way.
   */
  async run(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    const endAll = (): void => this.#end.abort();
    stop.addEventListener("abort", endAll, { once: true });
    if (stop.aborted) endAll();
    const loops = this.#options.reconcilers.map((reconciler) => this.#keep(reconciler, abandon));
    try {
      await allEnd([...loops, this.#lookAfter(abandon), this.#options.watch(this.#end.signal)], endAll);
    } finally {
      stop.removeEventListener("abort", endAll);
    }
  }

  /**
   * Keeps one table in step. Where it is the only one and goes away, all ends: it may be our own, and is prepared again. One of several
   * was handed over, so that no preparing brings it back; it is looked for with back-off, and the others do not wait for it.
   */
  async #keep(reconciler: Reconciler, abandon: AbortSignal): Promise<void> {
    const { clock, reconcilers } = this.#options;
    const end = this.#end;
    const { id } = reconciler.status;
    for (let failures = 1;; failures++) {
      const startedAt = clock.now();
      if (await reconciler.run(end.signal, abandon) !== "gone") return;
      if (reconcilers.length === 1) return end.abort();
      this.#missing.add(id);
      if (clock.now() - startedAt > prepareEveryMs) failures = 1;
      await clock.sleep(backOffMs(failures, undefined, clock.random()), end.signal);
      if (end.signal.aborted) return;
      this.#missing.delete(id);
      reconciler.recheck();
    }
  }

  /**
   * Has the tables prepared again now and then: an association that somebody took away comes back. Before that it is looked who this
   * VM is: what lies in its network must not be in a table. Both wait while the account is short of calls: routers that are not in step go
   * first. What preparing left for later is done soon after the start.
   */
  async #lookAfter(abandon: AbortSignal): Promise<void> {
    const { clock, auditMs, lookAgain, copiesLater } = this.#options;
    const everyMs = Math.max(prepareEveryMs, auditMs);
    let vm: string | null | undefined;
    let tables: string | null | undefined;
    for (let isStart = copiesLater;; isStart = false) {
      await this.#pause(
        isStart ? between(afterStartMs, clock.random()) : jitteredMs(everyMs, clock.random()),
      );
      if (this.#end.signal.aborted) return;
      if (!isStart) {
        vm = await loggingOnce("look whether this VM's network changed", () => lookAgain(abandon), vm);
      }
      tables = await loggingOnce("look after the tables", () => this.#prepareAgain(abandon), tables);
    }
  }

  /** Waits for so long, and then while the account is short of calls; until the end at most. */
  async #pause(ms: number): Promise<void> {
    const { clock, isShort } = this.#options;
    await clock.sleep(ms, this.#end.signal);
    for (let turn = 0; turn < mostShort && isShort() && !this.#end.signal.aborted; turn++) {
      await clock.sleep(jitteredMs(afterShortMs, clock.random()), this.#end.signal);
    }
  }

  async #prepareAgain(abandon: AbortSignal): Promise<void> {
    const tables = await tablesNow(this.#options.connection(), abandon);
    this.#logLost(tables);
    if (!this.#areTheTables(tables)) this.#end.abort();
  }

  /** Whether the tables to keep are still these; one that is missing may be left out, unless it is kept for its tag alone. */
  #areTheTables(now: readonly CloudTable[]): boolean {
    const { tables } = this.#options;
    const before = new Set(tables.map(({ id }) => id));
    const after = new Set(now.map(({ id }) => id));
    return tables.every(({ id, foundBy }) =>
      after.has(id) || (this.#missing.has(id) && foundBy === undefined)
    ) && [...after].every((id) => before.has(id));
  }

  /** Says which tables have lost the tag that they were kept for. */
  #logLost(now: readonly CloudTable[]): void {
    for (const { id, name, foundBy } of this.#options.tables) {
      if (foundBy === undefined || now.some((table) => table.id === id)) continue;
      log.warn(
        "Route table {table} is no longer found by {foundBy}: it is no longer kept in step, and our routes in it stay as they are; " +
          "to remove them, run cleanup with -route-table {table}",
        { event: "table-lost", table: name, foundBy },
      );
    }
  }
}

/** The tables to keep as they are now; none where those that are kept for a tag have lost it all. */
async function tablesNow(
  connection: Pick<CloudConnection, "prepare">,
  signal: AbortSignal,
): Promise<readonly CloudTable[]> {
  try {
    return await connection.prepare(signal);
  } catch (error) {
    if (error instanceof NoTableError) return [];
    throw error;
  }
}

/**
 * Makes a call, and logs a failure unless it is the one that was logged last.
 *
 * @returns the failure's message; null if there was none.
 */
async function loggingOnce(
  what: string,
  call: () => Promise<void>,
  logged: string | null | undefined,
): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    if (error.message !== logged) {
      log.warn(`Cannot ${what}: {message}`, { event: "failure", ...errorFacts(error) });
    }
    return error.message;
  }
}

/**
 * Waits until all loops have ended. If one fails the others are ended too, before its error is thrown: what is started again must not
 * find them at work.
 */
async function allEnd(loops: readonly Promise<void>[], endAll: () => void): Promise<void> {
  const watched = loops.map((loop) =>
    loop.catch((error: unknown) => {
      endAll();
      throw error;
    })
  );
  const failed = (await Promise.allSettled(watched)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
