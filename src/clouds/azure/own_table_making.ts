/** Makes our table, gives it to the VM's subnet, and keeps it a living copy of the tables that its subnets used before. */

import { getLogger } from "@logtape/logtape";
import type { PreparationStep, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { CopyRecord } from "../kit/copy_record.ts";
import { type CopyPlan, whyNotTogether } from "../kit/living_copy.ts";
import { type Copying as KitCopying, joiningSteps, logCopied, problemsOf } from "../kit/own_table.ts";
import { isOf, keyOf } from "./carried_entries.ts";
import { asFormer, copyOf, planCarryOver, withCopies } from "./carry_over.ts";
import { formersInUse, type FormerTables } from "./former_tables.ts";
import { freeTableId, type OwnTableContext, readRouteTable } from "./own_table.ts";
import { nameInId } from "./resource_id.ts";
import { writeResource } from "./resources.ts";
import { checkNextHopsShown, decodeTable } from "./routes.ts";
import type { ArmRoute, ArmRouteTable } from "./schemas.ts";
import { copyRecordOf, creationTags, formerTags, withTags } from "./tags.ts";
import { subnetName } from "./vm.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** Our table and the tables that it is to be a copy of. */
export type Copying = KitCopying<ArmRouteTable, FormerTables>;

/** What is to be done before the VM's subnet uses our table. */
export interface Joining extends Copying {
  /** The table that the subnet uses now, or null. */
  readonly associated: ArmRouteTable | null;
  /** Whether our table does not exist yet. */
  readonly isNew: boolean;
}

/** How far our table is a copy of the former ones. */
export async function copyingOf(
  context: OwnTableContext,
  own: ArmRouteTable,
  signal: AbortSignal,
): Promise<Copying> {
  const formers = await formersInUse(context, own, null, signal);
  return { own, formers, plan: planCarryOver(formers.tables, own, context.owner) };
}

/**
 * Makes our table a copy of the former ones again.
 *
 * @returns sentences: what cannot be done, which keeps nothing else from being done; and whether our table is as it was read.
 */
export async function followFormers(
  context: OwnTableContext,
  own: ArmRouteTable,
  signal: AbortSignal,
): Promise<{ readonly problems: readonly string[]; readonly isAsRead: boolean }> {
  let isAsRead = true;
  const problems = await problemsOf(signal, async () => {
    const copying = await copyingOf(context, own, signal);
    const { steps, faults } = copying.plan;
    const record = recordOf(copying.plan);
    isAsRead = steps.length === 0 && JSON.stringify(record) === JSON.stringify(copyRecordOf(own));
    if (!isAsRead) await writeCopy(context, copying, {}, signal);
    return faults;
  });
  return { problems, isAsRead };
}

/**
 * Looks what joining takes.
 *
 * @param found our table, or null if there is none yet.
 * @param associated the table that the VM's subnet uses now, or null.
 * @throws {CloudError} `invalid` if the subnet must not use our table: other subnets of it need other routes, or what is in it cannot be
 * reconciled with what the subnet has now.
 */
export async function joiningOf(
  context: OwnTableContext,
  found: ArmRouteTable | null,
  associated: ArmRouteTable | null,
  signal: AbortSignal,
): Promise<Joining> {
  const { vm, owner } = context;
  const own = found ?? emptyTable(context, await freeTableId(context, signal));
  const others = await formersInUse(context, own, vm.subnetId, signal);
  const wishes = others.tables.map((table) => asFormer(table, owner));
  // What a subnet wants that no tag tells of is what it gets now.
  for (const subnet of others.unrecorded) {
    wishes.push({ ...asFormer(own, owner), name: `${own.name} for ${subnetName(subnet)}` });
  }
  const apart = whyNotTogether(subnetName(vm.subnetId), asFormer(associated, owner), wishes, own.name);
  const tables = [associated, ...others.tables.filter((table) => table?.id !== associated?.id)];
  const plan = planCarryOver(tables, own, owner);
  const refusal = apart ?? plan.faults[0];
  if (refusal !== undefined) throw new CloudError("invalid", refusal);
  return { own, isNew: found === null, associated, formers: { ...others, tables }, plan };
}

/** Makes or completes our table: everything that the subnet's present table routes is in it, and its tags say what that table is. */
export async function makeReady(
  context: OwnTableContext,
  joining: Joining,
  signal: AbortSignal,
): Promise<ArmRouteTable> {
  const { own, associated, plan, isNew } = joining;
  await writeCopy(context, joining, formerTags(context.vm.subnetId, associated), signal);
  logger.info(
    associated === null
      ? "Route table {name} is made; the subnet had none"
      : "Route table {name} is made, with {count} routes and the settings of the subnet's former table {former}",
    { name: own.name, count: plan.copies.length, former: associated?.name },
  );
  const made = await readRouteTable(context.arm, own.id, signal);
  if (made !== null) return made;
  throw new CloudError(
    "gone",
    `Cannot ${isNew ? "create" : "complete"} route table ${own.name}: it is gone again`,
  );
}

/** What joining does, for people. */
export function stepsOf(
  { vm }: OwnTableContext,
  { own, associated, plan, isNew }: Joining,
): PreparationStep[] {
  return joiningSteps(isNew ? `route table ${own.name}` : null, plan, {
    what: `subnet ${subnetName(vm.subnetId)}`,
    from: associated?.name ?? null,
    to: own.name,
  });
}

/** What our new table will hold. @param limit routes that a table takes. */
export function tableToBe(
  context: OwnTableContext,
  joining: Joining,
  limit: number,
): Pick<TableState, "routes" | "quotas"> {
  const { own } = joining;
  const routes = [...contentOf(context, joining).routes];
  const table = { id: own.id, name: own.name, ours: true };
  return decodeTable(table, { ...own, properties: { ...own.properties, routes } }, limit);
}

/** The table as the copying leaves it, in one PUT. */
async function writeCopy(
  context: OwnTableContext,
  copying: Copying & Partial<Joining>,
  tags: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const { own, plan, isNew = false } = copying;
  const action = `${isNew ? "create" : "complete"} route table ${own.name}`;
  const { routes, settings } = contentOf(context, copying);
  checkNextHopsShown(routes, action);
  const { subnets: _, provisioningState: __, ...properties } = own.properties;
  const body = {
    ...(isNew ? { location: own.location } : own),
    tags: withTags(own, tags, recordOf(plan)),
    properties: { ...(isNew ? {} : properties), ...settings, routes },
  };
  await writeResource(
    context.arm,
    { action, id: own.id, body, ifMatch: isNew ? undefined : own.etag },
    signal,
  );
  for (const step of plan.steps) logCopied(logger, step, own.name);
}

/** The record of the copies that there are when the steps are made: they are made in one PUT with it. */
function recordOf({ steps, copies }: CopyPlan): readonly string[] {
  const removed = new Set(steps.filter(({ to }) => to === null).map(({ key }) => key));
  return CopyRecord.of(copies.filter(([key]) => !removed.has(key))).values();
}

/**
 * Our table with the copies, and where the VM's subnet is to join it with the routes of this owner that stand in the subnet's table:
 * they stay in force until the kernel is compared.
 */
function contentOf(
  { owner }: OwnTableContext,
  { own, formers, plan, associated = null }: Copying & Partial<Joining>,
): ReturnType<typeof withCopies> {
  const { routes, settings } = withCopies(own, formers.tables, plan);
  const ours = (associated?.properties.routes ?? []).filter((route: ArmRoute) =>
    isOf(owner, route) && !routes.some((other) => keyOf(other) === keyOf(route))
  );
  return { routes: [...routes, ...ours.map(copyOf)], settings };
}

/** Our table before it is made. */
function emptyTable({ vm, owner }: OwnTableContext, id: string): ArmRouteTable {
  return {
    id,
    name: nameInId(id, "routeTables"),
    location: vm.location,
    etag: "",
    tags: creationTags(vm, owner),
    properties: { routes: [] },
  };
}
