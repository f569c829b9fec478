/** How many of the kernel's routes are not wanted, by reason: for the status. */

import type { KernelTable } from "../../kernel/kernel_table.ts";
import { ColumnJudge } from "../../routes/column_judge.ts";
import type { Policy, PolicyIdentity } from "../../routes/policy.ts";
import { VerdictCounts } from "../../routes/verdict_counts.ts";

/** More routes than this would keep the event loop from its work while they are counted. */
const mostRoutes = 200_000;

/**
 * Counts them.
 *
 * @returns null where it is not known who this VM is, or where the kernel has too many routes to count them for a status
 * (`routes -count` counts them).
 */
export function droppedByReason(
  kernel: KernelTable,
  policy: Policy,
  identity: PolicyIdentity | null,
): Readonly<Record<string, number>> | null {
  if (identity === null || kernel.size > mostRoutes) return null;
  const rows = kernel.rows();
  const counts = new VerdictCounts(new ColumnJudge(policy, identity, kernel, rows), rows);
  for (const run of rows.runs()) counts.add(run);
  return Object.fromEntries(counts.dropped());
}
