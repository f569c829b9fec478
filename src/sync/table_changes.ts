/** Makes the changes of one table: claims them, writes them, and remembers what is not worth a retry at the moment. */

import type { Clock } from "../async/clock.ts";
import { inSlices } from "../async/slices.ts";
import { eachOf, type Steps } from "../async/steps.ts";
import type { Cloud, CloudConnection, CloudTable, TableState } from "../clouds/cloud.ts";
import type { Family } from "../routes/prefix.ts";
import type { ApiBudget } from "./api_budget.ts";
import type { ChangeCauses } from "./change_causes.ts";
import { Circuit } from "./circuit.ts";
import type { Comparison } from "./comparison.ts";
import { FlapBudget } from "./flap_budget.ts";
import type { PlannedChange } from "./planned_change.ts";
import type { TableReport } from "./table_report.ts";
import type { TableView } from "./table_view.ts";
import { type WriteReport, writeWaves } from "./writer.ts";

/** What changes are made with. */
export interface TableChangesOptions {
  readonly cloud: Pick<Cloud, "traits">;
  readonly connection: () => Pick<CloudConnection, "write">;
  readonly table: CloudTable;
  readonly clock: Clock;
  /** How often the account's API is called; all tables share it. */
  readonly budget: Pick<ApiBudget, "wait">;
}

/** See the head of this file. */
export class TableChanges {
  readonly circuit = new Circuit();
  readonly flaps = new FlapBudget();
  readonly #options: TableChangesOptions;
  readonly #view: TableView;
  readonly #report: TableReport;
  readonly #causes: Pick<ChangeCauses, "of">;
  #doneNow = 0;

  constructor(
    options: TableChangesOptions,
    view: TableView,
    report: TableReport,
    causes: Pick<ChangeCauses, "of">,
  ) {
    this.#options = options;
    this.#view = view;
    this.#report = report;
    this.#causes = causes;
  }

  /** How many changes of the comparison that is being made, or was made last, are done. */
  get doneNow(): number {
    return this.#doneNow;
  }

  /**
   * Makes the changes of a comparison.
   *
   * @returns what became of them; null if there was nothing to do. The table as last read is unknown afterwards, unless the cloud's
   * answer shows it.
   */
  async make(comparison: Comparison, signal: AbortSignal): Promise<WriteReport | null> {
    const { cloud, connection, table, budget, clock } = this.#options;
    const claims = comparison.difference.claims.map(({ prefix, nextHops }) => ({
      prefix: prefix.text,
      nextHops,
    }));
    await this.#view.takeOver(claims, signal);
    const { waves } = comparison.fitted;
    const state = this.#view.state;
    if (waves.length === 0 || state === null) return null;
    const before = await this.#view.claim(waves, signal);
    this.#view.forget();
    this.#doneNow = 0;
    const report = await writeWaves(waves, state, {
      traits: cloud.traits,
      connection: connection(),
      table,
      budget,
      clock,
      onDone: (change) => {
        this.#doneNow++;
        this.flaps.spend(change, clock.now());
        this.#report.changeDone(change, this.#causes.of(change, clock.now()));
      },
    }, signal);
    await inSlices(this.#takingNote(report, state), clock, signal);
    const refused = report.failed.filter(({ error }) => error.kind === "conflict");
    await this.#view.disclaim(
      refused.map(({ change: { prefix: { text } } }) => [text, before.get(text) ?? null]),
    );
    if (report.state !== null) await this.#view.adopt(report.state, signal);
    return report;
  }

  /** Takes note of what was done and what failed. @param state the table before. */
  *#takingNote({ done, failed }: WriteReport, { quotas }: TableState): Steps<void> {
    const now = this.#options.clock.now();
    yield* this.#freeingPlaces("delete", done);
    yield* eachOf(failed, ({ change, error }) => this.circuit.open(change, error, now));
    // A replace that is done has given back the places that it borrowed: the next one may have them.
    if (quotas.some(({ immutable }) => immutable === true)) yield* this.#freeingPlaces("replace", done);
  }

  /** Places are counted by family: one change of each tells as much as all. */
  *#freeingPlaces(action: PlannedChange["action"], done: readonly PlannedChange[]): Steps<void> {
    const byFamily = new Map<Family, PlannedChange>();
    yield* eachOf(done, (change) => {
      if (change.action === action) byFamily.set(change.prefix.family, change);
    });
    for (const change of byFamily.values()) this.circuit.placesFreed(change);
  }
}
