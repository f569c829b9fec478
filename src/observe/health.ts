/** One word for how a run is doing, and why. Pure. */

import type { CloudError, CloudErrorKind } from "../clouds/cloud_error.ts";
import type { SyncStatus } from "../sync/sync_status.ts";

/** Why the tables cannot be opened. */
export type OpeningError = Pick<CloudError, "kind" | "message">;

/** What is looked at. */
export interface Observed {
  readonly version: string;
  readonly cloud: string;
  /** Routes wanted now. */
  readonly wanted: number;
  /** Kernel routes kept in memory. */
  readonly kernelRoutes: number;
  readonly kernelOverruns: number;
  /** Whether the kernel's table could be read when it was last tried. */
  readonly kernelError: string | null;
  /** What the cloud answered last while there are no tables yet; left out or null: it has not answered. */
  readonly openingError?: OpeningError | null;
  readonly tables: readonly SyncStatus[];
}

/** How a run is doing. */
export interface Health {
  /**
   * `starting`: the cloud has not answered yet, or with what may heal by itself. `ok`: in step, or about to be. `degraded`:
   * something wanted is not there and waiting alone will not bring it (quota, foreign route, permission, a held withdrawal).
   * `failing`: the kernel cannot be read.
   */
  readonly state: "starting" | "ok" | "degraded" | "failing";
  readonly why: string;
  readonly inStep: boolean;
}

/** Judges a run. */
export function healthOf(observed: Observed): Health {
  const { tables } = observed;
  const inStep = tables.length > 0 && tables.every((table) => table.inStep);
  if (observed.kernelError !== null) return { state: "failing", why: observed.kernelError, inStep };
  if (tables.length === 0) return { ...beforeOpening(observed.openingError ?? null), inStep };
  const problems = tables.flatMap(problemsOf);
  if (problems.length > 0) return { state: "degraded", why: problems.join("; "), inStep };
  return { state: "ok", why: summaryOf(observed), inStep };
}

/** One line: routes in step, pending, held. It is systemd's STATUS too. */
export function summaryOf(observed: Observed): string {
  const sum = (count: (table: SyncStatus) => number): number =>
    observed.tables.reduce((total, table) => total + count(table), 0);
  return `${sum((table) => table.owned)} routes in the cloud, ${sum((table) => table.pending)} pending, ` +
    `${sum((table) => table.held)} held`;
}

function beforeOpening(error: OpeningError | null): Pick<Health, "state" | "why"> {
  if (error === null) return { state: "starting", why: "the cloud has not answered yet" };
  return { state: healsByItself(error.kind) ? "starting" : "degraded", why: error.message };
}

function healsByItself(kind: CloudErrorKind): boolean {
  switch (kind) {
    case "throttled":
    case "conflict":
    case "unavailable":
      return true;
    case "quota":
    case "denied":
    case "gone":
    case "invalid":
      return false;
  }
}

function problemsOf(table: SyncStatus): readonly string[] {
  const problems: string[] = [];
  if (table.held > 0) problems.push(`${table.held} withdrawals are held: ${table.heldWhy}`);
  if (table.unfit.length > 0) problems.push(`no room in the quota for ${table.unfit.length} routes`);
  if (table.conflicts.length > 0) {
    problems.push(`foreign routes stand at ${table.conflicts.length} wanted prefixes`);
  }
  const errors = new Set(table.errors.values());
  problems.push(...[...errors].slice(0, 3));
  return problems.map((problem) => `${table.table}: ${problem}`);
}
