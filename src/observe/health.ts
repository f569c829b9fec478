/** One word for how a run is doing, and why. Pure. */

import type { Finding } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";
import type { LimiterState } from "../sync/api_budget.ts";
import { errorText, ofTable } from "../sync/error_text.ts";
import type { PeerStatus } from "../sync/peer_status.ts";
import type { SyncStatus } from "../sync/sync_status.ts";
import { problemsOf } from "../sync/table_problems.ts";
import { counted } from "../sync/wording.ts";
import { errorsToReport } from "./table_errors.ts";

/** Most errors of one table that one line names: nobody reads more. */
const mostErrors = 3;

/** What is looked at. */
export interface Observed {
  readonly version: string;
  readonly commit: string;
  readonly cloud: string;
  /** Routes wanted now. */
  readonly wanted: number;
  /** Kernel routes kept in memory. */
  readonly kernelRoutes: number;
  readonly kernelOverruns: number;
  /** How often the kernel's tables were read whole, by what made it necessary. */
  readonly kernelDumps: Readonly<Record<string, number>>;
  /** Whether the kernel's table could be read when it was last tried. */
  readonly kernelError: string | null;
  /** What the cloud answered last while there are no tables yet; left out or null: it has not answered. */
  readonly openingError?: Error | null;
  /** When that is tried again, in milliseconds since the epoch; left out or null: not by itself. */
  readonly openingNextTryAt?: number | null;
  /** Errors that nobody caught, and defects of the loop, since the start. */
  readonly unexpectedErrors: number;
  /** Whether kernel and cloud let this VM forward, as last seen. */
  readonly forwarding: readonly Finding[];
  /** How the other routers of the group are. */
  readonly peers: readonly PeerStatus[];
  /** How often the account's API may be called, by kind of call; `throttledUntil` is in milliseconds since the epoch. */
  readonly limiters: readonly LimiterState[];
  readonly tables: readonly SyncStatus[];
}

/** How a run is doing. */
export interface Health {
  /**
   * `starting`: the cloud has not answered yet, or with what may heal by itself, or a table was not read yet. `ok`: in step, or about to be. `degraded`:
   * something wanted is not there and waiting alone will not bring it (quota, foreign route, permission, a held withdrawal), or packets
   * do not pass (forwarding is off, the subnet does not use the table).
   * `failing`: the kernel cannot be read.
   */
  readonly state: "starting" | "ok" | "degraded" | "failing";
  readonly why: string;
  readonly inStep: boolean;
  /** Whether all is in step and packets pass. */
  readonly ready: boolean;
}

/** Judges a run. */
export function healthOf(observed: Observed): Health {
  const { tables } = observed;
  const inStep = tables.length > 0 && tables.every((table) => table.inStep);
  const drops = observed.forwarding.filter(({ status }) => status === "bad");
  const ready = inStep && drops.length === 0 && tables.every((table) => table.problems.length === 0);
  const facts = { inStep, ready };
  if (observed.kernelError !== null) return { state: "failing", why: observed.kernelError, ...facts };
  if (tables.length === 0) return { ...beforeOpening(observed), ...facts };
  const problems = [...drops.map(dropText), ...tables.flatMap(tableProblems)];
  if (problems.length > 0) return { state: "degraded", why: problems.join("; "), ...facts };
  const unread = tables.filter(({ known }) => !known).map(({ table, waitsFor }) =>
    `${table} has not been read yet${waitsFor === null ? "" : `: ${waitsFor}`}`
  );
  if (unread.length > 0) return { state: "starting", why: unread.join("; "), ...facts };
  return { state: "ok", why: summaryOf(observed), ...facts };
}

function dropText({ name, detail, remedy }: Finding): string {
  return `${name}: ${detail}${remedy === undefined ? "" : ` (${remedy})`}`;
}

/** One line: routes in step, pending, held. It is systemd's STATUS too. */
export function summaryOf(observed: Observed): string {
  const sum = (count: (table: SyncStatus) => number): number =>
    observed.tables.reduce((total, table) => total + count(table), 0);
  return `${counted(sum((table) => table.owned), "route")} in the cloud, ${
    sum((table) => table.pending)
  } pending, ` +
    `${sum((table) => table.held)} held`;
}

function beforeOpening(
  { openingError: error = null, openingNextTryAt: nextTryAt = null }: Observed,
): Pick<Health, "state" | "why"> {
  if (error === null) return { state: "starting", why: "the cloud has not answered yet" };
  const heals = error instanceof CloudError && meaningOf(error).healsByItself;
  return { state: heals ? "starting" : "degraded", why: errorText(error, nextTryAt) };
}

function tableProblems(table: SyncStatus): readonly string[] {
  const errors = errorsToReport(table).map(({ error, nextTryAt }) => errorText(error, nextTryAt));
  return [...problemsOf(table).map(({ text }) => text), ...errors.slice(0, mostErrors)]
    .map((problem) => ofTable(table.table, problem));
}
