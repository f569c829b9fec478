/** `plan`: what would change. Reads only. */

import { getLogger } from "@logtape/logtape";
import type { CloudIdentity } from "../../clouds/cloud.ts";
import type { KernelTable } from "../../kernel/kernel_table.ts";
import { ColumnJudge, type DroppedRow } from "../../routes/column_judge.ts";
import type { DropReason } from "../../routes/drop_reason.ts";
import { VerdictCounts } from "../../routes/verdict_counts.ts";
import { systemClock } from "../../async/system_clock.ts";
import { CloudSession } from "../cloud_session.ts";
import type { CommandContext } from "../context.ts";
import { documentText } from "../document.ts";
import {
  type DroppedPrefix,
  type DroppedRoutes,
  type PlanDocument,
  planHasChanges,
  type PlanParts,
  type TableParts,
  tablePlan,
} from "../plan_document.ts";
import { planText } from "../plan_text.ts";
import type { Settings } from "../settings.ts";
import { listenForStop } from "../signals.ts";

const log = getLogger(["cloudroutesync", "plan"]);

/** How long a one-shot command waits for a cloud that does not answer, in milliseconds. */
const answerWithinMs = 10_000;

/** Runs the command. @returns 0: nothing would change, 2: something would, 1: a table cannot be read; the others are shown. */
export async function plan(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  await using session = await CloudSession.open(context, {
    everything: false,
    unfiltered: true,
    follow: false,
  });
  const { identity, plans: planned } = await planTables(session, signals.stop);
  const dropped = droppedRoutes(context.settings, identity, session.table);
  const plans = planned.map((parts): PlanParts => ({ ...parts, dropped }));
  const tables = plans.map(tablePlan);
  const document: PlanDocument = { cloud: session.cloud.name, tables };
  if (context.settings.output === "text") {
    const colours = Deno.stdout.isTerminal() && !Deno.noColor;
    for (const parts of plans) context.print(planText(parts, colours));
  } else context.print(documentText({ ...document }));
  const { unread } = session.supervisor;
  for (const { message } of unread) log.error("{message}", { message });
  return unread.length > 0 ? 1 : tables.some(planHasChanges) ? 2 : 0;
}

/** One plan a table, and who this VM is. */
export async function planTables(
  { cloud, keeper, supervisor }: CloudSession,
  signal: AbortSignal,
): Promise<{ readonly identity: CloudIdentity; readonly plans: readonly TableParts[] }> {
  const previews = await supervisor.preview(signal, systemClock.now() + answerWithinMs);
  const { identity } = supervisor;
  if (identity === null) throw new Error("Cannot plan before it is known who this VM is");
  const plans = previews.map(({ table, ...rest }): TableParts => ({
    ...rest,
    cloud,
    table: table.name,
    statusFile: keeper.statusFile(table),
  }));
  return { identity, plans };
}

/** The kernel routes of the tables that are read and that are not wanted. */
function droppedRoutes(
  { policy, listDropped }: Pick<Settings, "policy" | "listDropped">,
  identity: CloudIdentity,
  kernel: KernelTable,
): DroppedRoutes {
  const rows = kernel.rows();
  const judge = new ColumnJudge(policy, identity, kernel, rows);
  const counted = new VerdictCounts(judge, rows);
  const list: DroppedPrefix[] = [];
  for (const run of rows.runs()) {
    counted.add(run);
    if (listDropped) list.push(...judge.dropped(run).filter(isOfReadTable).map(droppedPrefix));
  }
  const counts = new Map(counted.dropped());
  counts.delete(unreadTable);
  return { counts, list: listDropped ? list : null };
}

/** Main is read in any case; where `-table` leaves it out its routes are nobody's business. */
const unreadTable: DropReason = "other-table";

function isOfReadTable({ reason }: DroppedRow): boolean {
  return reason !== unreadTable;
}

function droppedPrefix({ prefix, reason }: DroppedRow): DroppedPrefix {
  return { prefix: prefix.text, reason };
}
