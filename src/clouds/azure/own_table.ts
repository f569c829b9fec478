/**
 * The route table that this program makes for itself: its name, the tags that prove whose it is, what it takes over.
 *
 * | tag                             | says                                                                  |
 * | ------------------------------- | --------------------------------------------------------------------- |
 * | `cloudroutesync-owner`          | the owner for whom it was made                                        |
 * | `cloudroutesync-network`        | `GROUP/NAME` of the virtual network that it serves                    |
 * | `cloudroutesync-former-SUBNET`  | `GROUP/NAME` of the table that the subnet had before, `none` for none |
 * | `cloudroutesync-copies`         | digest of what was taken over from such tables                        |
 */

import { getLogger } from "@logtape/logtape";
import type { CloudTable } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./arm_client.ts";
import { groupId, nameInId, parseArmId, routeTableId, sameId } from "./arm_id.ts";
import { listResources, readResource, readResourceIfAny, writeResource } from "./arm_resources.ts";
import {
  type ArmRoute,
  type ArmRouteTable,
  type ArmSubnet,
  networkSchema,
  routeTableSchema,
} from "./arm_schema.ts";
import { carryOver, carryOverAgain, sameRoute } from "./carry_over.ts";
import { type Machine, subnetName } from "./machine.ts";
import { decodeRoute } from "./route_codec.ts";
import { defaultOwner } from "./route_name.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

const ownerTag = "cloudroutesync-owner";
const networkTag = "cloudroutesync-network";
const formerTagPrefix = "cloudroutesync-former-";
const copiesTag = "cloudroutesync-copies";
const noFormerTable = "none";

/** Whose table is meant. */
export interface OwnTableContext {
  readonly arm: ArmClient;
  readonly machine: Machine;
  readonly owner: string;
}

/** Reads a route table, or null if it does not exist. */
export function readRouteTable(
  arm: ArmClient,
  id: string,
  signal: AbortSignal,
): Promise<ArmRouteTable | null> {
  return readResourceIfAny(arm, { action: `read route table ${id}`, id }, routeTableSchema, signal);
}

/** The owner that a table's tags prove, or null. */
export function ownerOfTable(table: ArmRouteTable): string | null {
  return table.tags?.[ownerTag] ?? null;
}

/** A table as the rest of the program sees it. */
export function asCloudTable(raw: ArmRouteTable, owner: string): CloudTable {
  return { id: raw.id, name: raw.name, ours: ownerOfTable(raw) === owner };
}

/**
 * Finds the owner's table: the one that the subnet uses if its tags say so, else the one of its name in the resource group.
 *
 * @param associated the table that the subnet uses, or null.
 * @returns null if there is none yet.
 * @throws {CloudError} of kind `invalid` if a table of that name is there and is not proven to be ours.
 */
export async function findOwnTable(
  context: OwnTableContext,
  associated: ArmRouteTable | null,
  signal: AbortSignal,
): Promise<ArmRouteTable | null> {
  if (associated !== null && serves(associated, context)) return associated;
  const named = await readRouteTable(context.arm, ownTableId(context, false), signal);
  if (named === null || serves(named, context)) return named;
  if (ownerOfTable(named) === context.owner) return await findTableOfNetwork(context, signal);
  throw notOurs(named, context.owner);
}

/** A second virtual network in the resource group has a table with the network's name in its own. */
async function findTableOfNetwork(
  context: OwnTableContext,
  signal: AbortSignal,
): Promise<ArmRouteTable | null> {
  const named = await readRouteTable(context.arm, ownTableId(context, true), signal);
  if (named === null || serves(named, context)) return named;
  throw notOurs(named, context.owner);
}

/**
 * Makes the owner's table, or completes one that was left half-made or that the subnet used before: everything that the
 * subnet's present table routes is in it, and its tags say what that table is.
 *
 * @param own the table as found, or null to make it.
 * @param former the table that the subnet uses now, or null.
 * @throws {CloudError} of kind `invalid` if what is in our table cannot be reconciled with that one.
 */
export async function makeOwnTable(
  context: OwnTableContext,
  own: ArmRouteTable | null,
  former: ArmRouteTable | null,
  signal: AbortSignal,
): Promise<ArmRouteTable> {
  const id = own?.id ?? await freeTableId(context, signal);
  const name = nameInId(id, "routeTables");
  const action = `${own === null ? "create" : "complete"} route table ${name}`;
  const body = own === null ? await newTable(context, former) : await completedTable(context, own, former);
  await writeResource(context.arm, { action, id, body, ifMatch: own?.etag }, signal);
  logger.info("Route table {name} is made, with {count} routes of the subnet's former table {former}", {
    name,
    count: former?.properties.routes.length ?? 0,
    former: former?.name ?? noFormerTable,
  });
  const made = await readRouteTable(context.arm, id, signal);
  if (made !== null) return made;
  throw new CloudError("gone", `Cannot ${action}: it is gone again`);
}

/**
 * The table that a subnet used before ours, by what our table's tag says.
 *
 * @returns its id, or null if there was none.
 */
export function formerTableId(own: ArmRouteTable, machine: Machine): string | null {
  const former = own.tags?.[formerTag(machine)] ?? noFormerTable;
  const [resourceGroup, name] = former.split("/");
  if (resourceGroup === undefined || name === undefined) return null;
  return routeTableId(machine.subscription, resourceGroup, name);
}

/** Ids of the subnets besides the VM's own that use our table. */
export function otherSubnetsOf(own: ArmRouteTable, machine: Machine): readonly string[] {
  return (own.properties.subnets ?? []).map(({ id }) => id).filter((id) => !sameId(id, machine.subnetId));
}

/** Routes of others in our table that the former table does not have as well: they would be lost with it. */
export function foreignRoutesOf(own: ArmRouteTable, former: ArmRouteTable | null, owner: string): ArmRoute[] {
  return own.properties.routes.filter((route) =>
    decodeRoute(route)?.owner !== owner &&
    !(former?.properties.routes ?? []).some((other) => sameRoute(route, other))
  );
}

function ownTableId({ machine, owner }: OwnTableContext, withNetwork: boolean): string {
  const suffixes = [owner === defaultOwner ? "" : `-${owner}`];
  if (withNetwork) suffixes.push(`-${nameInId(machine.networkId, "virtualNetworks")}`);
  const name = `cloudroutesync-route-table${suffixes.join("")}`.slice(0, 80).replace(/[^A-Za-z0-9_]+$/, "");
  return routeTableId(machine.subscription, machine.resourceGroup, name);
}

/**
 * The id for a table that is yet to be made.
 *
 * @throws {CloudError} of kind `conflict` if there is any trace of a table with that id. A 404 can be false while a replica
 * lags behind, and nothing says that Azure heeds `If-None-Match` of a route table, so the PUT would overwrite the table.
 */
async function freeTableId(context: OwnTableContext, signal: AbortSignal): Promise<string> {
  const named = await readRouteTable(context.arm, ownTableId(context, false), signal);
  const id = ownTableId(context, named !== null && !serves(named, context));
  const known = [...named === null ? [] : [named.id], ...await tablesHeardOf(context, signal)];
  if (!known.some((other) => sameId(other, id))) return id;
  throw new CloudError(
    "conflict",
    `Cannot create route table ${
      nameInId(id, "routeTables")
    }: Azure did not find ${id} at first, yet it is listed or in use`,
  );
}

/** Ids of the tables that the resource group lists, and of those that the virtual network's subnets use. */
async function tablesHeardOf({ arm, machine }: OwnTableContext, signal: AbortSignal): Promise<string[]> {
  const { networkId, subscription, resourceGroup } = machine;
  const [tables, network] = await Promise.all([
    listResources(
      arm,
      {
        action: `list the route tables of ${resourceGroup}`,
        path: `${groupId(subscription, resourceGroup)}/providers/Microsoft.Network/routeTables`,
      },
      routeTableSchema,
      signal,
    ),
    readResource(arm, { action: `read virtual network ${networkId}`, id: networkId }, networkSchema, signal),
  ]);
  const used = (network.properties.subnets ?? []).flatMap(({ properties }) =>
    properties.routeTable?.id ?? []
  );
  return [...tables.map(({ id }) => id), ...used];
}

function serves(table: ArmRouteTable, { machine, owner }: OwnTableContext): boolean {
  const network = table.tags?.[networkTag];
  return ownerOfTable(table) === owner && network !== undefined &&
    sameId(network, shortId(machine.networkId));
}

async function newTable(
  { machine, owner }: OwnTableContext,
  former: ArmRouteTable | null,
): Promise<unknown> {
  const { routes, settings, digest } = await carryOver(former);
  return {
    location: machine.location,
    tags: {
      [ownerTag]: owner,
      [networkTag]: shortId(machine.networkId),
      ...formerTags(machine, former),
      [copiesTag]: digest,
    },
    properties: { ...settings, routes },
  };
}

async function completedTable(
  { machine, owner }: OwnTableContext,
  own: ArmRouteTable,
  former: ArmRouteTable | null,
): Promise<unknown> {
  const { routes, settings, digest } = await carryOverAgain({
    own,
    former,
    owner,
    others: otherSubnetsOf(own, machine).map(subnetName),
    digest: own.tags?.[copiesTag],
  });
  return {
    ...own,
    tags: {
      ...own.tags,
      ...formerTags(machine, former),
      ...(digest === undefined ? {} : { [copiesTag]: digest }),
    },
    properties: { ...own.properties, ...settings, routes },
  };
}

function formerTags(machine: Machine, former: ArmRouteTable | null): Record<string, string> {
  return { [formerTag(machine)]: former === null ? noFormerTable : shortId(former.id) };
}

function formerTag(machine: Machine): string {
  return `${formerTagPrefix}${nameInId(machine.subnetId, "subnets")}`;
}

/** `GROUP/NAME`: a tag's value takes 256 characters, fewer than an id may have. */
function shortId(id: string): string {
  return `${parseArmId(id).resourceGroup}/${id.slice(id.lastIndexOf("/") + 1)}`;
}

function notOurs(table: ArmRouteTable, owner: string): CloudError {
  const whose = ownerOfTable(table);
  const tagged = whose === null ? `has no tag ${ownerTag}` : `belongs to owner ${whose}`;
  return new CloudError(
    "invalid",
    `Cannot use route table ${table.name} for owner ${owner}: it ${tagged}; hand it over with -route-table ${table.id}, ` +
      `or give it another name`,
  );
}

/**
 * The table that a subnet uses, read whole; null if it uses none.
 *
 * @throws {CloudError} also of kind `gone`: a table in use cannot be deleted, so that a 404 is a lagging replica's
 * (hashicorp/terraform-provider-azurerm#18268), and says nothing but that it must be read again.
 */
export async function associatedTable(
  arm: ArmClient,
  subnet: ArmSubnet,
  signal: AbortSignal,
): Promise<ArmRouteTable | null> {
  const id = subnet.properties.routeTable?.id;
  if (id === undefined) return null;
  const action = `read route table ${id}, which subnet ${subnetName(subnet.id)} uses`;
  return await readResource(arm, { action, id }, routeTableSchema, signal);
}
