/** The tables that `-route-table` hands over: ids, and those with a tag. */

import type { CloudTable } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { namedTables, noTaggedTable } from "../kit/table_tag.ts";
import type { Ec2Api } from "./api.ts";
import { cloudTableOf } from "./routes.ts";
import { type Ec2RouteTable, tagOf } from "./schemas.ts";
import { taggedTables } from "./tagged_tables.ts";

/**
 * Finds those that are there.
 *
 * @throws {CloudError} `gone` or `invalid` if none of the ids is of a table in the VPC and no tag names another.
 * @throws {NoTableError} if tags alone were given and no table has one of them.
 */
export async function findHandedOver(
  api: Ec2Api,
  given: readonly string[],
  vpcId: string,
  signal: AbortSignal,
): Promise<readonly Ec2RouteTable[]> {
  const { ids, tags } = namedTables(given);
  const tagged = await taggedTables(api, tags, vpcId, signal);
  if (ids.length === 0) {
    if (tagged.length === 0) throw noTaggedTable(tags, `route table in ${vpcId}`);
    return tagged;
  }
  const tables = await api.findRouteTables([{ Name: "route-table-id", Values: [...ids] }], signal);
  if (tagged.length === 0) {
    // EC2's own words about the first one.
    if (tables.length === 0) await readTable(api, ids[0] ?? "", signal);
    const [stray] = tables;
    if (stray !== undefined && tables.every((table) => table.VpcId !== vpcId)) throw strayError(stray, vpcId);
  }
  return [...tables, ...tagged.filter(({ RouteTableId }) => !ids.includes(RouteTableId))];
}

/**
 * Those that were found, and the ids that were not, as the rest of the program sees them: reading a missing one says what is wrong with
 * it, and the others do not wait for it.
 */
export function asGiven(
  found: readonly Ec2RouteTable[],
  given: readonly string[],
  owner: string,
): readonly CloudTable[] {
  const { ids, tags } = namedTables(given);
  const foundBy = (table: Ec2RouteTable): Pick<CloudTable, "foundBy"> => {
    const tag = tags.find(({ key, value }) => tagOf(table, key) === value);
    return tag === undefined || ids.includes(table.RouteTableId) ? {} : { foundBy: tag.text };
  };
  const tables = found.map((table) => ({ ...cloudTableOf(table, owner), ...foundBy(table) }));
  const missing = ids.filter((id) => !tables.some((table) => table.id === id));
  return [...tables, ...missing.map((id) => ({ id, name: id, ours: false }))];
}

/** Reads one table. @throws {CloudError} `gone` if it does not exist. */
export async function readTable(api: Ec2Api, id: string, signal: AbortSignal): Promise<Ec2RouteTable> {
  const [table] = await api.readRouteTables([id], signal);
  if (table !== undefined) return table;
  throw new CloudError("gone", `Cannot read route table ${id}: EC2's answer does not contain it`);
}

/** That a table is in another VPC than this VM. */
export function strayError({ RouteTableId, VpcId }: Ec2RouteTable, vpcId: string): CloudError {
  return new CloudError(
    "invalid",
    `Cannot keep route table ${RouteTableId} in step: it is in ${VpcId}, this VM in ${vpcId}`,
  );
}
