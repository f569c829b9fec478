/** `apply`: one sync, then stop. */

import { systemClock } from "../../async/system_clock.ts";
import { type SyncStatus, tableDocument } from "../../sync/sync_status.ts";
import type { Supervisor } from "../../sync/supervisor.ts";
import { problemsOf } from "../../sync/table_problems.ts";
import { CloudSession } from "../cloud_session.ts";
import type { CommandContext } from "../context.ts";
import { counted } from "../../sync/wording.ts";
import { documentText } from "../document.ts";
import { isSeenByPerson, showProgress } from "../progress.ts";
import { listenForStop } from "../signals.ts";

/** How long failed calls are tried again, in milliseconds. */
const retryForMs = 30_000;

/** Runs the command. @returns 0: in step, 1: not. */
export async function apply(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  await using session = await CloudSession.open(context, { everything: false, follow: false });
  const { supervisor } = session;
  const inStep = await withProgress(
    context,
    supervisor,
    () => supervisor.apply(signals.stop, systemClock.now() + retryForMs),
  );
  if (context.settings.output === "json") {
    context.print(documentText(documentOf(supervisor.statuses)));
  } else for (const status of supervisor.statuses) context.print(`${statusLine(status)}\n`);
  return inStep && session.kernel.health.lastError === null ? 0 : 1;
}

/** Does what makes many changes, and says on a terminal how far it has come. */
export async function withProgress<T>(
  { settings }: CommandContext,
  supervisor: Supervisor,
  work: () => Promise<T>,
): Promise<T> {
  using _progress = showProgress(isSeenByPerson(settings.logFormat), () => supervisor.statuses);
  return await work();
}

/** One line that says how a table stands. */
export function statusLine(status: SyncStatus): string {
  const { add, replace, delete: removed } = status.writes;
  const parts = [status.inStep ? "in step" : "not in step"];
  if (status.known) {
    parts.push(
      `${counted(status.owned, "route")} of ours`,
      `${status.foreign} foreign`,
      `${add} added, ${replace} replaced, ${removed} deleted`,
    );
  } else parts.push("not read");
  if (status.pending > 0) parts.push(`${status.pending} pending`);
  parts.push(...problemsOf(status).map(({ text }) => text));
  const errors = [...new Set([...status.errors.values()].map(({ message }) => message))];
  return `${status.table}: ${parts.join("; ")}${errors.map((error) => `\n  ${error}`).join("")}`;
}

function documentOf(statuses: readonly SyncStatus[]): Readonly<Record<string, unknown>> {
  return {
    inStep: statuses.every((status) => status.inStep),
    tables: statuses.map(tableDocument),
  };
}
