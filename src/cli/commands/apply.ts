/** `apply`: one sync, then stop. */

import { systemClock } from "../../sync/system_clock.ts";
import type { SyncStatus } from "../../sync/sync_status.ts";
import { CloudSession } from "../cloud_session.ts";
import type { CommandContext } from "../context.ts";
import { counted } from "../counted.ts";
import { listenForStop } from "../signals.ts";

/** How long failed calls are tried again, in milliseconds. */
const patienceMs = 30_000;

/** Runs the command. @returns 0: in step, 1: not. */
export async function apply(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  const oneShot: CommandContext = {
    ...context,
    settings: { ...context.settings, sync: { ...context.settings.sync, withdrawDelayMs: 0 } },
  };
  await using session = await CloudSession.open(oneShot, { everything: false, follow: false });
  const { supervisor } = session;
  const inStep = await supervisor.syncOnce(signals.stop, systemClock.now() + patienceMs);
  if (context.settings.output === "json") {
    context.print(`${JSON.stringify(documentOf(supervisor.statuses))}\n`);
  } else for (const status of supervisor.statuses) context.print(`${statusLine(status)}\n`);
  return inStep ? 0 : 1;
}

/** One line that says how a table stands. */
export function statusLine(status: SyncStatus): string {
  const { add, replace, delete: removed } = status.writes;
  const parts = [status.inStep ? "in step" : "not in step"];
  if (wasRead(status)) {
    parts.push(
      `${counted(status.owned, "route")} of ours`,
      `${status.foreign} foreign`,
      `${add} added, ${replace} replaced, ${removed} deleted`,
    );
  } else parts.push("not read");
  if (status.pending > 0) parts.push(`${status.pending} pending`);
  if (status.held > 0) parts.push(`${counted(status.held, "withdrawal")} held: ${status.heldWhy}`);
  if (status.unfit.length > 0) {
    parts.push(`${status.unfit.length} without room in the quota: ${status.unfit.join(", ")}`);
  }
  if (status.conflicts.length > 0) parts.push(`foreign routes stand at ${status.conflicts.join(", ")}`);
  const errors = [...new Set(status.errors.values())];
  return `${status.table}: ${parts.join("; ")}${errors.map((error) => `\n  ${error}`).join("")}`;
}

/**
 * Whether anything is known of the table: `reads` counts the calls, answered or not, but what was read leaves a trace. Either there are
 * routes or quotas, or all is in step, or something is to be done.
 */
function wasRead(status: SyncStatus): boolean {
  const { owned, foreign, quotas, inStepAt, pending, held, unfit } = status;
  return inStepAt !== null || owned + foreign + quotas.length + pending + held + unfit.length > 0;
}

function documentOf(statuses: readonly SyncStatus[]): unknown {
  return {
    inStep: statuses.every((status) => status.inStep),
    tables: statuses.map((status) => ({ ...status, errors: Object.fromEntries(status.errors) })),
  };
}
