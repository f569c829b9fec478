/** The tables of a run, each with its lock, its ledger and the reconciler that keeps it in step. */

import type { CloudConnection, CloudTable, PreparedTable } from "../clouds/cloud.ts";
import { tableAlone } from "../clouds/prepared_tables.ts";
import { firstReadingOf } from "./first_reading.ts";
import type { Opening } from "./opening.ts";
import { Reconciler, type ReconcilerOptions, reportOf } from "./reconciler.ts";
import type { SyncSettings } from "./table_round.ts";
import type { TableReport } from "./table_report.ts";
import type { LedgerUse } from "./ledger.ts";

/** What tables are opened with: what each one's reconciler works with, and where locks and ledgers come from. */
export interface OpenTablesOptions extends Omit<ReconcilerOptions, "table" | "ledger" | "report"> {
  /** Locks a table against a second instance and opens its ledger (null where the cloud has marks). Throws {@linkcode OpenTableError}. */
  readonly openTable: (table: CloudTable) => Promise<LedgerUse | null>;
  /** Called when the tables are open. */
  readonly opening: Pick<Opening, "finish">;
}

/** Tables to open, and the connection that has found or prepared them. */
export interface FoundTables {
  readonly tables: readonly PreparedTable[];
  readonly by: CloudConnection;
}

/** See the head of this file. */
export class OpenTables {
  #options: OpenTablesOptions;
  /** By table id; a table that goes away and comes back keeps its lock. */
  readonly #ledgers = new Map<string, LedgerUse | null>();
  /** By table id; a table that is opened again keeps its history. */
  readonly #reports = new Map<string, TableReport>();
  #reconcilers: readonly Reconciler[] = [];

  constructor(options: OpenTablesOptions) {
    this.#options = options;
  }

  /** One per table, in the order in which they were opened; empty before that. */
  get reconcilers(): readonly Reconciler[] {
    return this.#reconcilers;
  }

  /** Opens tables in place of those of before. @throws {OpenTableError} if this machine keeps one from being opened. */
  async open({ tables, by }: FoundTables): Promise<void> {
    const reconcilers: Reconciler[] = [];
    for (const prepared of tables) {
      const table = tableAlone(prepared);
      let ledger = this.#ledgers.get(table.id);
      if (ledger === undefined) {
        ledger = await this.#options.openTable(table);
        this.#ledgers.set(table.id, ledger);
      }
      const report = this.#reports.get(table.id) ?? reportOf({ ...this.#options, table });
      this.#reports.set(table.id, report);
      const firstReading = firstReadingOf(prepared, () => this.#options.connection() === by);
      reconcilers.push(this.reconcilerOf(table, ledger, { report, ...firstReading }));
    }
    this.#reconcilers = reconcilers;
    this.#options.opening.finish();
  }

  /** A reconciler of a table, which may work with other settings or another connection. */
  reconcilerOf(
    table: CloudTable,
    ledger: LedgerUse | null,
    changed: Partial<Pick<ReconcilerOptions, "connection" | "settings" | "report" | "firstReading">> = {},
  ): Reconciler {
    return new Reconciler({ ...this.#options, ...changed, table, ledger });
  }

  /** Takes other settings, for these tables and those that are opened later, and compares at once. */
  reconfigure(settings: SyncSettings): void {
    this.#options = { ...this.#options, settings };
    for (const reconciler of this.#reconcilers) reconciler.reconfigure(settings);
  }

  /** Says that what is wanted for these canonical prefixes changed; see {@linkcode Reconciler.notify}. */
  notify(prefixes: readonly string[], at: number | null): void {
    for (const reconciler of this.#reconcilers) reconciler.notify(prefixes, at);
  }

  /** Asks each table for a comparison with what was read last; see {@linkcode Reconciler.reconsider}. */
  reconsider(at: number): void {
    for (const reconciler of this.#reconcilers) reconciler.reconsider(at);
  }

  /** Says that a peer may be dead. */
  suspect(): void {
    for (const reconciler of this.#reconcilers) reconciler.suspect();
  }

  /** Asks each table for a full comparison. */
  recheck(): void {
    for (const reconciler of this.#reconcilers) reconciler.recheck();
  }

  /** Lets all held withdrawals go now. @returns how many there are. */
  release(): number {
    return this.#reconcilers.reduce((sum, reconciler) => sum + reconciler.release(), 0);
  }
}
