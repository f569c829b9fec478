/** Keeps our table a living copy of the tables that its subnets used before, a call of EC2 for each entry. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { meaningOf } from "../error_meaning.ts";
import { CopyRecord } from "../kit/copy_record.ts";
import type { CopyStep } from "../kit/living_copy.ts";
import { type Copying as KitCopying, logCopied, problemsOf } from "../kit/own_table.ts";
import type { Ec2Api } from "./api.ts";
import { routeOf } from "./carried_entries.ts";
import { makeStep, planCarryOver } from "./carry_over.ts";
import { formersInUse, type FormerTables } from "./former_tables.ts";
import type { Ec2RouteTable } from "./schemas.ts";
import { changedTags, copyRecordTags } from "./tags.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** A table and the tables that it is to be a copy of. */
export type Copying = KitCopying<Ec2RouteTable, FormerTables>;

/** How far our table is a copy of the former ones. */
export async function copyingOf(api: Ec2Api, own: Ec2RouteTable, signal: AbortSignal): Promise<Copying> {
  const formers = await formersInUse(api, own, null, signal);
  return { own, formers, plan: planCarryOver(formers.tables, own) };
}

/**
 * Makes our table a copy of the former ones again.
 *
 * @returns sentences: what cannot be done, which keeps nothing else from being done; and whether our table is as it was read.
 */
export async function followFormers(
  api: Ec2Api,
  own: Ec2RouteTable,
  signal: AbortSignal,
): Promise<{ readonly problems: readonly string[]; readonly isAsRead: boolean }> {
  let isAsRead = true;
  const problems = await problemsOf(signal, async () => {
    const copying = await copyingOf(api, own, signal);
    isAsRead = copying.plan.steps.length === 0 && recordToWrite(copying, {}).length === 0;
    await rememberCopies(api, copying, {}, signal);
    return await carryOver(api, copying, signal, (error) => error.message);
  });
  return { problems, isAsRead };
}

/** Says on the table what is to be restored, and before any copy is made which entries are copies. */
export async function rememberCopies(
  api: Ec2Api,
  copying: Copying,
  tags: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const changed = recordToWrite(copying, tags);
  if (changed.length === 0) return;
  await api.createTags({ Resources: [copying.own.RouteTableId], Tags: changed }, signal);
}

/** The tags that our table lacks. */
function recordToWrite(
  { own, plan }: Copying,
  tags: Readonly<Record<string, string>>,
): ReturnType<typeof changedTags> {
  const record = CopyRecord.of(plan.copies).values();
  return changedTags(own, { ...tags, ...copyRecordTags(own, record) });
}

/**
 * Makes the steps of a plan.
 *
 * @param excuse the problem that a refused step is; without it the first one throws, but for a route whose target is gone: the former
 * table drops its packets as well.
 * @returns the plan's faults, and what was excused.
 */
export async function carryOver(
  api: Ec2Api,
  { own, formers, plan }: Copying,
  signal: AbortSignal,
  excuse: ((error: CloudError) => string) | null = null,
): Promise<readonly string[]> {
  const problems = [...plan.faults];
  for (const step of plan.steps) {
    try {
      await makeStep(api, step, formers.tables, own, signal);
      logCopied(log, step, own.RouteTableId);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudError)) throw error;
      const ignored = leadsNowhere(step, formers.tables) && error.code?.endsWith("NotFound");
      if (excuse === null && !ignored) throw error;
      problems.push(error.message);
      if (!ignored && meaningOf(error).healsByItself) break;
    }
  }
  return problems;
}

/** Whether the route that a step copies is a blackhole in each former table that has it. */
function leadsNowhere({ key }: CopyStep, formers: readonly Ec2RouteTable[]): boolean {
  return formers.every((former) => (routeOf(former, key)?.State ?? "blackhole") === "blackhole");
}
