/** What one table's loop reports: one log line per decision, the current errors, and what was done since the start. */

import { getLogger } from "@logtape/logtape";
import { eachOf, type Steps } from "../async/steps.ts";
import type { Cloud, CloudTable } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import type { KnownCause } from "./change_causes.ts";
import { ChangeHistory, type ChangeRecord } from "./change_history.ts";
import { ofTable } from "./error_text.ts";
import type { PlannedChange } from "./planned_change.ts";
import type { SyncStatus } from "./sync_status.ts";
import { ledger, neighbours, TableFailures, wholeTable } from "./table_failures.ts";
import { problemEnds, problemsOf, type TableProblem } from "./table_problems.ts";
import { counted, durationText, prefixList } from "./wording.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** Most prefixes that one line names. */
const mostNamed = 5;

/** What a report is made with besides the table. */
export interface TableReportOptions {
  /** Milliseconds that never jump. */
  readonly now?: () => number;
  /** Called with each change that was made. */
  readonly onChange?: ((table: string, change: ChangeRecord) => void) | undefined;
}

/** See the head of this file. */
export class TableReport {
  readonly #table: CloudTable;
  readonly #describe: Cloud["describe"];
  readonly #failures: TableFailures;
  readonly #writes = { add: 0, replace: 0, delete: 0 };
  /** By kind of problem the prefixes that were logged, until the problem is over. */
  readonly #logged = new Map<TableProblem["kind"], Set<string>>();
  readonly #history = new ChangeHistory();
  readonly #onChange: (table: string, change: ChangeRecord) => void;
  #hasLoggedInStep = false;
  #damped: ReadonlySet<string> = new Set();

  constructor(table: CloudTable, describe: Cloud["describe"], options: TableReportOptions = {}) {
    this.#table = table;
    this.#describe = describe;
    this.#failures = new TableFailures(table.name, options.now ?? ((): number => performance.now()));
    this.#onChange = options.onChange ?? ((): void => {});
  }

  /** What was done and what went wrong. */
  get facts(): Pick<SyncStatus, "table" | "id" | "errors" | "writes" | "failures" | "changes" | "causes"> {
    return {
      table: this.#table.name,
      id: this.#table.id,
      errors: this.#failures.errors,
      writes: this.#writes,
      failures: this.#failures.count,
      changes: this.#history.changes,
      causes: this.#history.causes,
    };
  }

  /** When what failed is tried again, by the keys of the errors, in milliseconds of the clock; left out: not by itself. */
  get nextTries(): ReadonlyMap<string, number> {
    return this.#failures.nextTries;
  }

  /** A change is made. What somebody else did to the table is a warning. */
  changeDone(change: PlannedChange, { cause, milliseconds }: KnownCause): void {
    const { action, prefix: { text: prefix }, why } = change;
    const [from, to] = [this.#hops(change.from?.nextHops), this.#hops(change.to)];
    this.#writes[action]++;
    const failedFor = this.#failures.recovered(prefix);
    const record = { at: Date.now(), action, prefix, from, to, cause, milliseconds };
    this.#history.add(record);
    this.#onChange(this.#table.name, record);
    const write = cause === "drift" ? log.warn.bind(log) : log.info.bind(log);
    write("{action} {prefix} in {table}: {from} -> {to} ({cause}{after}{failed})", {
      event: cause === "drift" ? "drift" : "change",
      action,
      prefix,
      table: this.#table.name,
      from: from ?? "none",
      to: to ?? "none",
      cause,
      why,
      ...(milliseconds === null ? {} : { milliseconds: Math.round(milliseconds) }),
      after: milliseconds === null ? "" : `, ${durationText(milliseconds)}`,
      failed: failedFor === null ? "" : `; it failed for ${durationText(failedFor)}`,
    });
  }

  /** Prefixes that flap wait for their turn: said when it begins. @param ms for how long at most. */
  damped(changes: readonly PlannedChange[], ms: number): void {
    const prefixes = changes.map(({ prefix }) => prefix.text);
    if (prefixes.some((prefix) => !this.#damped.has(prefix))) {
      log.info("{table}: {prefixes} flapped too often; the latest state is written in {wait}", {
        event: "flapping",
        table: this.#table.name,
        prefixes: prefixList(prefixes, mostNamed),
        wait: durationText(Math.max(ms, 1)),
      });
    }
    this.#damped = new Set(prefixes);
  }

  /** All is as wanted: said once. */
  inStep(owned: number, foreign: number): void {
    if (this.#hasLoggedInStep) return;
    this.#hasLoggedInStep = true;
    log.info("{table} is in step: {owned} of ours, {foreign} foreign", {
      event: "in-step",
      table: this.#table.name,
      owned: counted(owned, "route"),
      foreign,
    });
  }

  /** @param retryMs when it is tried again, from now; null: when something else has changed. */
  changeFailed(change: PlannedChange, error: CloudError, retryMs: number | null): void {
    this.#failures.fail(change.prefix.text, error, retryMs);
  }

  /** Somebody let the held withdrawals go. */
  released(count: number): void {
    log.info("Releasing {count} held withdrawals of table {table}", {
      event: "released",
      count,
      table: this.#table.name,
    });
  }

  /** The table as a whole could not be read or written. @param retryMs when it is tried again, from now; null: not by itself. */
  tableFailed(error: CloudError, retryMs: number | null): void {
    this.#failures.fail(wholeTable, error.kind === "gone" ? this.#gone(error) : error, retryMs);
  }

  /** The error of a table that is not there, with what follows from it. */
  #gone({ kind, message, ...details }: CloudError): CloudError {
    const remedy = this.#table.ours
      ? "a new one is made now"
      : "waiting until it is there again (-route-table names another one)";
    return new CloudError(kind, message, { ...details, remedy });
  }

  tableRead(): void {
    this.#failures.logRecovery(wholeTable, "can be used again");
  }

  /** The ledger could not be written. @param retryMs when it is tried again, from now. */
  ledgerFailed(error: Error, retryMs: number): void {
    this.#failures.fail(ledger, error, retryMs);
  }

  /** A round ended without a fault of the ledger. */
  ledgerWorked(): void {
    this.#failures.logRecovery(ledger, "the ledger can be used again");
  }

  /** Who the neighbours are could not be asked. @param retryMs when it is asked again, from now; null: with the next round. */
  lookUpFailed(error: CloudError, retryMs: number | null): void {
    const message = `Cannot look up who the neighbours are: ${error.message}`;
    this.#failures.fail(neighbours, new CloudError(error.kind, message, { ...error, cause: error }), retryMs);
  }

  lookUpWorked(): void {
    this.#failures.logRecovery(neighbours, "the neighbours can be looked up again");
  }

  /** A canonical prefix is as wanted. */
  settled(prefix: string): void {
    this.#failures.recovered(prefix);
  }

  /**
   * Logs the problems of the table: each once when it begins or concerns another prefix, and when it is over.
   *
   * @param isGuardAsked false while withdrawals wait for the kernel to be quiet: whether any is held is then not known.
   */
  *loggingProblems(status: Parameters<typeof problemsOf>[0], isGuardAsked: boolean): Steps<void> {
    const problems = problemsOf(status);
    for (const problem of problems) {
      if (yield* this.#isNews(problem)) {
        log.warn("degraded: {problem}", {
          event: problem.kind,
          table: this.#table.name,
          problem: ofTable(this.#table.name, problem.text),
        });
      }
    }
    for (const kind of [...this.#logged.keys()]) {
      if (problems.some((problem) => problem.kind === kind)) continue;
      if (kind === "held" && !isGuardAsked) continue;
      this.#logged.delete(kind);
      log.info("{table}: {end}", {
        event: `${kind}-over`,
        table: this.#table.name,
        end: problemEnds[kind],
      });
    }
  }

  *#isNews({ kind, prefixes }: TableProblem): Steps<boolean> {
    const before = this.#logged.get(kind);
    const logged = before ?? new Set();
    this.#logged.set(kind, logged);
    let isNews = before === undefined;
    yield* eachOf(prefixes, (prefix) => {
      if (logged.has(prefix)) return;
      isNews = true;
      logged.add(prefix);
    });
    return isNews;
  }

  #hops(nextHops: readonly string[] | null | undefined): string | null {
    return nextHops?.map((hop) => this.#describe(hop)).join(", ") || null;
  }
}
