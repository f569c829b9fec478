/**
 * One pass over all tables, as `plan`, `explain`, `apply` and `cleanup` make it. All begin alike: who is this VM, which tables are
 * meant, what would a round change in each. `plan` ends there; `apply` has the tables prepared first and makes those changes.
 */

import type { CloudConnection, CloudTable, Foresight, PreparedTable } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import { tableAlone } from "../clouds/prepared_tables.ts";
import type { FeedRebuild } from "./feed_rebuild.ts";
import { firstReadingOf } from "./first_reading.ts";
import type { KnownVm } from "./known_vm.ts";
import type { FoundTables, OpenTables } from "./open_tables.ts";
import type { Opening } from "./opening.ts";
import { type TablePreview, tableToBe, withTableToBe } from "./table_preview.ts";
import type { SyncSettings } from "./table_round.ts";
import type { LedgerUse } from "./ledger.ts";

/** What a pass works with. */
export interface SinglePassParts {
  readonly vm: KnownVm;
  readonly opening: Opening;
  readonly tables: OpenTables;
  readonly rebuild: FeedRebuild;
  /** Reads a table's ledger without locking or changing anything (null where the cloud has marks). */
  readonly peekTable: (table: CloudTable) => Promise<LedgerUse | null>;
  /** The user's current settings. */
  readonly settings: () => SyncSettings;
}

/** See the head of this file. */
export class SinglePass {
  readonly #parts: SinglePassParts;
  #unread: readonly CloudError[] = [];

  constructor(parts: SinglePassParts) {
    this.#parts = parts;
  }

  /** Why the last {@linkcode preview} could not read some of the tables; empty: it read all. */
  get unread(): readonly CloudError[] {
    return this.#unread;
  }

  /**
   * Compares all tables as {@linkcode apply} would, and changes nothing: neither the cloud, nor a ledger, nor a lock. Afterwards it
   * is known who this VM is.
   *
   * @param giveUpAt milliseconds of the clock.
   * @returns one entry per table; one of several that cannot be read is left out, see {@linkcode unread}.
   * @throws {CloudError} if the cloud does not answer until then.
   */
  async preview(signal: AbortSignal, giveUpAt: number): Promise<readonly TablePreview[]> {
    const { tables: found, steps: preparation, toBe, by } = await this.#foresee(signal, giveUpAt);
    const connection = withTableToBe(by, toBe);
    const tables = found.length === 0 ? [tableToBe] : found;
    const ends = await Promise.allSettled(tables.map(async (table) => ({
      ...await this.#previewOf(table, connection, signal, giveUpAt),
      preparation,
    })));
    const failures = ends.flatMap((end): unknown[] => end.status === "rejected" ? [end.reason] : []);
    this.#unread = failures.filter((failure) => failure instanceof CloudError);
    if (this.#unread.length < failures.length || failures.length === tables.length) throw failures[0];
    return ends.flatMap((end) => end.status === "fulfilled" ? [end.value] : []);
  }

  /** The first half of a table's round, after which {@linkcode apply} goes on. */
  async #previewOf(
    prepared: PreparedTable,
    connection: CloudConnection,
    signal: AbortSignal,
    giveUpAt: number,
  ): Promise<Omit<TablePreview, "preparation">> {
    const { opening, peekTable, tables } = this.#parts;
    const table = tableAlone(prepared);
    const ledger = await peekTable(table);
    const reconciler = tables.reconcilerOf(table, ledger, {
      connection: () => connection,
      ...firstReadingOf(prepared, () => true),
    });
    const comparison = await opening.retrying((inner) => reconciler.preview(inner), signal, giveUpAt);
    const { state, index } = reconciler.table;
    return { table, comparison, index, quotas: state?.quotas ?? [] };
  }

  /**
   * Prepares the tables, and makes in each what {@linkcode preview} shows.
   *
   * @param giveUpAt milliseconds of the clock.
   * @returns whether all is in step.
   */
  async apply(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    const { tables } = this.#parts;
    await tables.open(await this.#tablesBy("prepare", signal, giveUpAt));
    const ends = await Promise.all(
      tables.reconcilers.map((reconciler) => reconciler.settle(signal, giveUpAt)),
    );
    return ends.every((inStep) => inStep);
  }

  /** Opens the tables that exist, and prepares none. */
  async openExisting(signal: AbortSignal, giveUpAt: number): Promise<void> {
    await this.#parts.tables.open(await this.#tablesBy("locate", signal, giveUpAt));
  }

  /** Which tables are meant, and what making them ready would do. */
  #foresee(signal: AbortSignal, giveUpAt: number): Promise<Foresight & FoundTables> {
    return this.#asking(async (by, inner) => ({ ...await by.foresee(inner), by }), signal, giveUpAt);
  }

  /** Which tables are meant. */
  #tablesBy(way: "locate" | "prepare", signal: AbortSignal, giveUpAt: number): Promise<FoundTables> {
    return this.#asking(async (by, inner) => ({ tables: await by[way](inner), by }), signal, giveUpAt);
  }

  /** Finds out who this VM is and what is wanted, and asks the cloud. */
  async #asking<T>(
    ask: (by: CloudConnection, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    giveUpAt: number,
  ): Promise<T> {
    const { vm, rebuild, opening, tables, settings } = this.#parts;
    // One look at the kernel is all there is: no withdrawal waits for another.
    tables.reconfigure({ ...settings(), withdrawDelayMs: 0 });
    await vm.identify(signal, giveUpAt);
    await rebuild.done();
    return await opening.retrying((inner) => ask(vm.connection, inner), signal, giveUpAt);
  }
}
