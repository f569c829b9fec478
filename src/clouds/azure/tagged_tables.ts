/** The route tables that `-route-table tag:KEY=VALUE` names, wherever this VM's role may list them. */

import type { CloudTable } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { noTaggedTable, type TableTag } from "../kit/table_tag.ts";
import type { OwnTableContext } from "./own_table.ts";
import { groupId, parseArmId } from "./resource_id.ts";
import { listResources } from "./resources.ts";
import { type ArmRouteTable, routeTableSchema } from "./schemas.ts";

/**
 * Finds them in the whole subscription; where this VM's role does not reach so far, in the resource groups of the VM and of its virtual
 * network.
 *
 * @param mayBeNone whether other tables are kept besides.
 * @throws {NoTableError} if there is none, unless there may be none.
 * @throws {CloudError} if nothing may be listed, or Azure does not answer.
 */
export async function taggedTables(
  context: Pick<OwnTableContext, "arm" | "vm">,
  tags: readonly TableTag[],
  mayBeNone: boolean,
  signal: AbortSignal,
): Promise<readonly CloudTable[]> {
  if (tags.length === 0) return [];
  const { tables, where } = await listTables(context, signal);
  const found = tables.flatMap((table): CloudTable[] => {
    const tag = tags.find((each) => hasTag(table, each));
    return tag === undefined ? [] : [{ id: table.id, name: table.name, ours: false, foundBy: tag.text }];
  });
  if (found.length === 0 && !mayBeNone) throw noTaggedTable(tags, `route table in ${where}`);
  return found;
}

/** All tables that may be listed, and where they were looked for. */
async function listTables(
  { arm, vm }: Pick<OwnTableContext, "arm" | "vm">,
  signal: AbortSignal,
): Promise<{ readonly tables: readonly ArmRouteTable[]; readonly where: string }> {
  const list = (scope: string, name: string): Promise<readonly ArmRouteTable[]> => {
    const path = `${scope}/providers/Microsoft.Network/routeTables`;
    const request = { action: `list the route tables of ${name}`, path, skipOdd: true };
    return listResources(arm, request, routeTableSchema, signal);
  };
  const subscription = `subscription ${arm.subscription}`;
  try {
    return { tables: await list(`/subscriptions/${arm.subscription}`, subscription), where: subscription };
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const groups = [...new Set([vm.resourceGroup, parseArmId(vm.networkId).resourceGroup])];
  const lists = await Promise.allSettled(
    groups.map((name) => list(groupId(arm.subscription, name), `resource group ${name}`)),
  );
  const failures = lists.flatMap((end): unknown[] => end.status === "rejected" ? [end.reason] : []);
  const worst = failures.find((failure) => !isRefusal(failure)) ??
    (failures.length === lists.length ? failures[0] : undefined);
  if (worst !== undefined) throw worst;
  return {
    tables: lists.flatMap((end) => end.status === "fulfilled" ? end.value : []),
    where: `resource group ${groups.join(" or ")}, which is all that this VM's role may list,`,
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof CloudError && error.kind === "denied";
}

/** A tag's name is not sensitive to case, its value is (learn.microsoft.com, "Use tags to organize your Azure resources"). */
function hasTag({ tags }: Pick<ArmRouteTable, "tags">, { key, value }: TableTag): boolean {
  return Object.entries(tags ?? {}).some(([name, text]) =>
    name.toLowerCase() === key.toLowerCase() && text === value
  );
}
