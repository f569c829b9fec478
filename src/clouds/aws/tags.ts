/** The signs that this program leaves on its own route table. */

import { type Ec2RouteTable, tagOf } from "./schemas.ts";
import type { Filter } from "./api.ts";

/** What the original called its table, in its own lower-case tag. */
export const tableName = "cloudroutesync";
/** Key of the tag that names the owner. */
export const ownerTag = "cloudroutesync:owner";
/** Key of the tag that says when a table was made, as ISO 8601 writes it. */
export const createdTag = "cloudroutesync:created";
/** Value of the former-table tag for a subnet that had no association of its own. */
export const formerMain = "main";

const formerTagPrefix = "cloudroutesync:former:";
const copyTagPrefix = "cloudroutesync:copies:";

/** Key of the tag that says which table a subnet used before: `rtb-…`, or `main` for the VPC's main table. */
export function formerTag(subnetId: string): string {
  return `${formerTagPrefix}${subnetId}`;
}

/** What the former-table tags say, of all subnets that the table was ever given to. */
export function formerNames(table: Ec2RouteTable): ReadonlySet<string> {
  const tags = table.Tags.filter((tag) => tag.Key.startsWith(formerTagPrefix));
  return new Set(tags.length === 0 ? [formerMain] : tags.map((tag) => tag.Value));
}

/**
 * The tags that a table of this owner is made with: the same for each router of the owner, since EC2 refuses a repeated creation whose
 * parameters differ.
 */
export function creationTags(owner: string): { readonly Key: string; readonly Value: string }[] {
  return [
    { Key: "name", Value: tableName },
    { Key: "Name", Value: tableName },
    { Key: ownerTag, Value: owner },
  ];
}

/** The values of the tags that say which entries are copies. */
export function copyRecordOf(table: Ec2RouteTable): string[] {
  return table.Tags.filter(({ Key }) => Key.startsWith(copyTagPrefix)).map(({ Value }) => Value);
}

/** The tags for these values. A tag that is not needed any more is emptied: taking it away would need one more permission. */
export function copyRecordTags(
  table: Ec2RouteTable,
  values: readonly string[],
): Readonly<Record<string, string>> {
  const before = table.Tags.filter(({ Key }) => Key.startsWith(copyTagPrefix)).map(({ Key }) => [Key, ""]);
  return Object.fromEntries([
    ...before,
    ...values.map((value, index) => [`${copyTagPrefix}${index}`, value]),
  ]);
}

/** Those of some tags that the table does not have yet. */
export function changedTags(
  table: Ec2RouteTable,
  tags: Readonly<Record<string, string>>,
): { readonly Key: string; readonly Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    .filter(({ Key, Value }) => tagOf(table, Key) !== Value);
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

/** The tables among those found that carry the owner's tags, the oldest first; one without a time is version 1.0's, and older. */
export function ownTablesOf(
  tables: readonly Ec2RouteTable[],
  owner: string,
  vpcId: string,
): readonly Ec2RouteTable[] {
  const ageOf = (table: Ec2RouteTable): string => `${tagOf(table, createdTag) ?? ""} ${table.RouteTableId}`;
  return tables.filter((table) => table.VpcId === vpcId && isOwnTable(table, owner))
    .sort((left, right) => ageOf(left) < ageOf(right) ? -1 : 1);
}
