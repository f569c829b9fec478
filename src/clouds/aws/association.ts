/** Which route table a subnet uses: by an association of its own, else the VPC's main table. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { type Ec2Association, type Ec2RouteTable, tagOf } from "./schemas.ts";
import type { Ec2Api } from "./api.ts";
import { formerMain, formerTag } from "./tags.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** A subnet, and the VPC that it is in. */
export interface SubnetRef {
  readonly vpcId: string;
  readonly subnetId: string;
}

/** The table that a subnet uses, and by which association; an implicit one (the VPC's main table) has none. */
export interface UsedTable {
  readonly table: Ec2RouteTable;
  readonly association: Ec2Association | null;
  /** What the former-table tag is to say, where it is not what the association tells. */
  readonly name?: string;
}

/** The table that a subnet uses now. @throws {CloudError} */
export async function usedTable(api: Ec2Api, subnet: SubnetRef, signal: AbortSignal): Promise<UsedTable> {
  const bySubnet = [{ Name: "association.subnet-id", Values: [subnet.subnetId] }];
  const [explicit] = await api.findRouteTables(bySubnet, signal);
  if (explicit !== undefined) {
    return { table: explicit, association: associationOf(explicit, subnet.subnetId) };
  }
  return { table: await mainTable(api, subnet, signal), association: null };
}

/** The VPC's main table. @throws {CloudError} also of kind `gone`. */
export async function mainTable(api: Ec2Api, subnet: SubnetRef, signal: AbortSignal): Promise<Ec2RouteTable> {
  const [main] = await api.findRouteTables([
    { Name: "vpc-id", Values: [subnet.vpcId] },
    { Name: "association.main", Values: ["true"] },
  ], signal);
  if (main !== undefined) return main;
  throw new CloudError(
    "gone",
    `Cannot find the route table of subnet ${subnet.subnetId}: ${subnet.vpcId} has no main table`,
  );
}

/** What the former-table tag says for a table that a subnet used. */
export function formerName({ table, association, name }: UsedTable): string {
  if (name !== undefined) return name;
  return association === null ? formerMain : table.RouteTableId;
}

/** The association of a subnet with a table; null if it has none, or one that is being taken away. */
export function associationOf(table: Ec2RouteTable, subnetId: string): Ec2Association | null {
  return table.Associations.find((each) => each.SubnetId === subnetId && stands(each)) ?? null;
}

/** The subnets that use a table by an association of their own. */
export function subnetsOf(table: Ec2RouteTable): string[] {
  return table.Associations.filter(stands).flatMap(({ SubnetId }) => SubnetId ?? []);
}

/** Makes a subnet use a table. @param former what it uses now. */
export async function associate(
  api: Ec2Api,
  table: Ec2RouteTable,
  { subnetId }: SubnetRef,
  former: UsedTable,
  signal: AbortSignal,
): Promise<void> {
  const { association } = former;
  if (association === null) await api.associate(table.RouteTableId, subnetId, false, signal);
  else await api.replaceAssociation(association.RouteTableAssociationId, table.RouteTableId, false, signal);
  log.info("Associated subnet {subnet} with route table {table} in place of {former}", {
    event: "associated",
    subnet: subnetId,
    table: table.RouteTableId,
    former: former.table.RouteTableId,
  });
}

/** Makes a subnet that uses our table use its former one again. */
export async function restoreAssociation(
  api: Ec2Api,
  own: Ec2RouteTable,
  { subnetId: subnet }: SubnetRef,
  signal: AbortSignal,
): Promise<void> {
  const association = associationOf(own, subnet);
  if (association === null) return;
  const former = tagOf(own, formerTag(subnet)) ?? formerMain;
  const id = association.RouteTableAssociationId;
  if (former !== formerMain) {
    try {
      await api.replaceAssociation(id, former, false, signal);
      log.info("Associated subnet {subnet} with its former route table {former}", {
        event: "association-restored",
        subnet,
        former,
      });
      return;
    } catch (error) {
      if (!(error instanceof CloudError) || error.kind !== "gone") throw error;
      log.warn("Subnet {subnet} falls back to the VPC's main table: its former table {former} is gone", {
        event: "association-removed",
        subnet,
        former,
      });
    }
  }
  await api.disassociate(id, false, signal);
}

function stands({ AssociationState }: Ec2Association): boolean {
  return !["disassociating", "disassociated", "failed"].includes(AssociationState?.State ?? "associated");
}
