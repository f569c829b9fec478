/**
 * The tags that this program leaves on its own route table.
 *
 * | tag                             | says                                                                  |
 * | ------------------------------- | --------------------------------------------------------------------- |
 * | `cloudroutesync-owner`          | the owner for whom it was made                                        |
 * | `cloudroutesync-network`        | `GROUP/NAME` of the virtual network that it serves                    |
 * | `cloudroutesync-former-SUBNET`  | `GROUP/NAME` of the table that the subnet had before, `none` for none |
 * | `cloudroutesync-copies-N`       | which routes and settings are copies of such tables'                  |
 * | `cloudroutesync-copies`         | the same in version 1.0: a digest of all copies at once               |
 */

import { nameInId, parseArmId, routeTableId, sameId } from "./resource_id.ts";
import type { ArmRouteTable } from "./schemas.ts";
import type { Vm } from "./vm.ts";

const ownerTag = "cloudroutesync-owner";
const networkTag = "cloudroutesync-network";
const formerTagPrefix = "cloudroutesync-former-";
const digestTag = "cloudroutesync-copies";
const copyTagPrefix = "cloudroutesync-copies-";

/** What stands for a subnet's former table where it had none. */
export const noFormerTable = "none";

type Tags = Readonly<Record<string, string>>;

/** The owner that a table's tags prove, or null. */
export function ownerOfTable(table: Pick<ArmRouteTable, "tags">): string | null {
  return table.tags?.[ownerTag] ?? null;
}

/** Whether a table's tags say that it was made for this owner and for the VM's network. */
export function serves(table: ArmRouteTable, { networkId }: Vm, owner: string): boolean {
  const network = table.tags?.[networkTag];
  return ownerOfTable(table) === owner && network !== undefined && sameId(network, shortId(networkId));
}

/** The tags of a table that is made for an owner. */
export function creationTags({ networkId }: Vm, owner: string): Tags {
  return { [ownerTag]: owner, [networkTag]: shortId(networkId) };
}

/** The tag that remembers the table that a subnet uses before ours; null: none. */
export function formerTags(subnetId: string, former: ArmRouteTable | null): Tags {
  return { [formerTag(subnetId)]: former === null ? noFormerTable : shortId(former.id) };
}

/** What our table's tags say of the table that a subnet used before: its id, null for none, undefined where they say nothing. */
export function formerIdOf(
  own: ArmRouteTable,
  subnetId: string,
  { subscription }: Vm,
): string | null | undefined {
  const former = own.tags?.[formerTag(subnetId)];
  if (former === undefined) return undefined;
  const [resourceGroup, name] = former.split("/");
  if (resourceGroup === undefined || name === undefined) return null;
  return routeTableId(subscription, resourceGroup, name);
}

/** The values of the tags that say which entries are copies. */
export function copyRecordOf({ tags }: Pick<ArmRouteTable, "tags">): string[] {
  return Object.entries(tags ?? {}).filter(([key]) => key.startsWith(copyTagPrefix)).map(([, value]) =>
    value
  );
}

/** The digest of all copies that version 1.0 left, or null. */
export function copyDigestOf({ tags }: Pick<ArmRouteTable, "tags">): string | null {
  return tags?.[digestTag] ?? null;
}

/** A table's tags with others in them, and this record of copies in place of the former one. */
export function withTags({ tags }: Pick<ArmRouteTable, "tags">, more: Tags, copies: readonly string[]): Tags {
  const kept = Object.entries(tags ?? {}).filter(([key]) =>
    key !== digestTag && !key.startsWith(copyTagPrefix)
  );
  const record = copies.map((value, index) => [`${copyTagPrefix}${index}`, value] as const);
  return Object.fromEntries([...kept, ...Object.entries(more), ...record]);
}

function formerTag(subnetId: string): string {
  return `${formerTagPrefix}${nameInId(subnetId, "subnets")}`;
}

/** `GROUP/NAME`: a tag's value takes 256 characters, fewer than an id may have. */
function shortId(id: string): string {
  return `${parseArmId(id).resourceGroup}/${id.slice(id.lastIndexOf("/") + 1)}`;
}
