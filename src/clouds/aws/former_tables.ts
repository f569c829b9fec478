/** The tables that the subnets of our table used before, by what its tags say. */

import { type Ec2RouteTable, tagOf } from "./schemas.ts";
import type { Ec2Api } from "./api.ts";
import { mainTable, subnetsOf, type UsedTable } from "./association.ts";
import { formerMain, formerNames, formerTag } from "./tags.ts";

/** What is known of them. */
export interface FormerTables {
  /** Those that exist, each once. */
  readonly tables: readonly Ec2RouteTable[];
  /** Ids of those that do not exist any more. */
  readonly gone: readonly string[];
}

/**
 * The former tables of the subnets that use our table now. A subnet that somebody else gave to it has no tag, and so none.
 *
 * @param but a subnet to leave out.
 */
export async function formersInUse(
  api: Ec2Api,
  own: Ec2RouteTable,
  but: string | null,
  signal: AbortSignal,
): Promise<FormerTables> {
  const subnets = subnetsOf(own).filter((subnet) => subnet !== but);
  return await readFormers(
    api,
    own,
    subnets.flatMap((subnet) => tagOf(own, formerTag(subnet)) ?? []),
    signal,
  );
}

/** The former tables of all subnets that ever used our table; the VPC's main one stands for one that is gone. */
export async function allFormers(
  api: Ec2Api,
  own: Ec2RouteTable,
  signal: AbortSignal,
): Promise<readonly Ec2RouteTable[]> {
  const { tables, gone } = await readFormers(api, own, [...formerNames(own)], signal);
  return gone.length === 0 ? tables : [...tables, await mainOf(api, own, signal)];
}

/**
 * What a subnet used before a second table of the same owner, which it uses now: that is what ours takes over from, not the second one
 * with its routes of the kernel. What the second one says of no table, or of one that is gone, is the VPC's main one.
 */
export async function usedBefore(
  api: Ec2Api,
  { table, association }: UsedTable,
  subnetId: string,
  signal: AbortSignal,
): Promise<UsedTable> {
  const name = tagOf(table, formerTag(subnetId)) ?? formerMain;
  const { tables: [former] } = await readFormers(api, table, [name], signal);
  if (former !== undefined) return { table: former, association, name };
  return { table: await mainOf(api, table, signal), association, name: formerMain };
}

async function readFormers(
  api: Ec2Api,
  own: Ec2RouteTable,
  names: readonly string[],
  signal: AbortSignal,
): Promise<FormerTables> {
  const ids = [...new Set(names)].filter((name) => name !== formerMain && name !== own.RouteTableId);
  const byId = [{ Name: "route-table-id", Values: ids }];
  const [found, main] = await Promise.all([
    ids.length === 0 ? [] : api.findRouteTables(byId, signal),
    names.includes(formerMain) ? mainOf(api, own, signal) : null,
  ]);
  const tables = [...found, ...main === null ? [] : [main]];
  return {
    tables: [...new Map(tables.map((table) => [table.RouteTableId, table])).values()]
      .filter(({ RouteTableId }) => RouteTableId !== own.RouteTableId),
    gone: ids.filter((id) => !found.some(({ RouteTableId }) => RouteTableId === id)),
  };
}

function mainOf(api: Ec2Api, own: Ec2RouteTable, signal: AbortSignal): Promise<Ec2RouteTable> {
  return mainTable(api, { vpcId: own.VpcId, subnetId: subnetsOf(own)[0] ?? "(none)" }, signal);
}
