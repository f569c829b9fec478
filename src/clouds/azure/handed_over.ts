/** The tables that `-route-table` hands over: ids, names in the VM's resource group, and those with a tag. */

import type { CloudTable } from "../cloud.ts";
import { CloudError, ConfigurationError } from "../cloud_error.ts";
import { type OwnTableContext, readRouteTable } from "./own_table.ts";
import { checkAnyIsThere, lookUpGiven } from "../kit/given_tables.ts";
import { namedTables, uniqueName } from "../kit/table_tag.ts";
import { nameInId, parseArmId, routeTableId, sameId } from "./resource_id.ts";
import type { ArmRouteTable } from "./schemas.ts";
import { taggedTables } from "./tagged_tables.ts";

/**
 * Refuses what cannot be a table. A name is looked up in the VM's resource group; what begins with a slash must be a whole id.
 *
 * @throws {ConfigurationError} that names it.
 */
export function checkTableIds(given: readonly string[]): void {
  for (const id of given.filter((text) => text.startsWith("/"))) {
    try {
      parseArmId(id);
    } catch (cause) {
      throw new ConfigurationError(
        `Cannot use -route-table "${id}": it is not /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/routeTables/…`,
        { cause },
      );
    }
  }
}

/** A table that was handed over, and what was read of it; null: it was not read by itself. */
export interface HandedOver {
  readonly table: CloudTable;
  readonly raw: ArmRouteTable | null;
}

/**
 * Looks them up. One of several that is not there, or may not be read, is kept as it was named: reading it says what is wrong with it,
 * and the others do not wait for it.
 *
 * @throws {CloudError} the first failure, if none of them can be read and no tag names another; and any that time may heal.
 * @throws {NoTableError} if tags alone were given and no table has one of them.
 */
export async function handedOver(
  context: OwnTableContext,
  given: readonly string[],
  signal: AbortSignal,
): Promise<readonly HandedOver[]> {
  const { subscription, resourceGroup } = context.vm;
  const named = namedTables(given);
  const ids = named.ids.map((text) =>
    text.startsWith("/") ? text : routeTableId(subscription, resourceGroup, text)
  );
  const looked = await lookUpGiven(ids, (id) => lookUp(context, id, signal), signal);
  const found = looked.map(({ given: id, found: raw }) => ({
    table: { id: raw?.id ?? id, name: raw?.name ?? nameInId(id, "routeTables"), ours: false },
    raw,
  }));
  const tagged = await taggedTables(context, named.tags, ids.length > 0, signal);
  checkAnyIsThere(looked, tagged.length);
  const others = tagged.filter(({ id }) => !found.some(({ table }) => sameId(table.id, id)));
  const all: readonly HandedOver[] = [...found, ...others.map((table) => ({ table, raw: null }))];
  const tables = all.map(({ table }) => table);
  return all.map(({ table, raw }) => ({ table: { ...table, name: uniqueName(table, tables) }, raw }));
}

async function lookUp({ arm }: OwnTableContext, id: string, signal: AbortSignal): Promise<ArmRouteTable> {
  const raw = await readRouteTable(arm, id, signal);
  if (raw !== null) return raw;
  throw new CloudError(
    "gone",
    `Cannot find route table ${nameInId(id, "routeTables")}: ${id} does not exist`,
  );
}
