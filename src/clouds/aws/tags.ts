/** The signs that this program leaves on its own route table. */

import { CloudError } from "../cloud_error.ts";
import { type Ec2RouteTable, tagOf } from "./ec2_answers.ts";
import type { Filter } from "./ec2_api.ts";

/** What the original called its table, in its own lower-case tag. */
export const tableName = "cloudroutesync";
/** Key of the tag that names the owner. */
export const ownerTag = "cloudroutesync:owner";
/** Value of the former-table tag for a subnet that had no association of its own. */
export const formerMain = "main";

const formerTagPrefix = "cloudroutesync:former:";

/** Key of the tag that says which table a subnet used before: `rtb-…`, or `main` for the VPC's main table. */
export function formerTag(subnetId: string): string {
  return `${formerTagPrefix}${subnetId}`;
}

/** What the former-table tags say, of all subnets that the table was ever given to. */
export function formerNames(table: Ec2RouteTable): ReadonlySet<string> {
  const tags = table.Tags.filter((tag) => tag.Key.startsWith(formerTagPrefix));
  return new Set(tags.length === 0 ? [formerMain] : tags.map((tag) => tag.Value));
}

/** The tags that a table of this owner is born with. */
export function birthTags(
  owner: string,
  subnetId: string,
  former: string,
): { readonly Key: string; readonly Value: string }[] {
  return [
    { Key: "name", Value: tableName },
    { Key: "Name", Value: tableName },
    { Key: ownerTag, Value: owner },
    { Key: formerTag(subnetId), Value: former },
  ];
}

/** Filters that find the table of an owner in a VPC. */
export function ownTableFilters(owner: string, vpcId: string): Filter[] {
  return [
    { Name: "vpc-id", Values: [vpcId] },
    { Name: "tag:name", Values: [tableName] },
    { Name: `tag:${ownerTag}`, Values: [owner] },
  ];
}

/** Whether the table's own tags prove that this program made it for this owner. */
export function isOwnTable(table: Ec2RouteTable, owner: string): boolean {
  return tagOf(table, "name") === tableName && tagOf(table, ownerTag) === owner;
}

/** The one table found, or null. @throws {CloudError} `invalid` that names them all if there are several. */
export function onlyTable(
  tables: readonly Ec2RouteTable[],
  owner: string,
  vpcId: string,
): Ec2RouteTable | null {
  const own = tables.filter((table) => table.VpcId === vpcId && isOwnTable(table, owner));
  if (own.length < 2) return own[0] ?? null;
  const names = own.map((table) => table.RouteTableId).sort().join(", ");
  throw new CloudError(
    "invalid",
    `Cannot tell which route table is owner ${owner}'s: ${names} in ${vpcId} all carry its tags; delete or untag all but one`,
  );
}
