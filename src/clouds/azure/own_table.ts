/** The route table that this program makes for itself: how it is named, found, and known from others. */

import type { CloudTable } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./api.ts";
import { groupId, nameInId, routeTableId, sameId } from "./resource_id.ts";
import { listResources, readResource, readResourceIfAny } from "./resources.ts";
import {
  type ArmRoute,
  type ArmRouteTable,
  type ArmSubnet,
  networkSchema,
  routeTableSchema,
} from "./schemas.ts";
import { sameRoute } from "./carry_over.ts";
import { ownerOfTable, serves } from "./tags.ts";
import { subnetName, type Vm } from "./vm.ts";
import { decodeRoute } from "./routes.ts";
import { defaultOwner } from "./route_name.ts";

/** Whose table is meant. */
export interface OwnTableContext {
  readonly arm: ArmClient;
  readonly vm: Vm;
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
  if (associated !== null && serves(associated, context.vm, context.owner)) return associated;
  const named = await readRouteTable(context.arm, ownTableId(context, false), signal);
  if (named === null || serves(named, context.vm, context.owner)) return named;
  if (ownerOfTable(named) === context.owner) return await findTableOfNetwork(context, signal);
  throw notOurs(named, context.owner);
}

/** A second virtual network in the resource group has a table with the network's name in its own. */
async function findTableOfNetwork(
  context: OwnTableContext,
  signal: AbortSignal,
): Promise<ArmRouteTable | null> {
  const named = await readRouteTable(context.arm, ownTableId(context, true), signal);
  if (named === null || serves(named, context.vm, context.owner)) return named;
  throw notOurs(named, context.owner);
}

/** Routes of others in our table that the former table does not have as well: they would be lost with it. */
export function foreignRoutesOf(own: ArmRouteTable, former: ArmRouteTable | null, owner: string): ArmRoute[] {
  return own.properties.routes.filter((route) =>
    decodeRoute(route)?.owner !== owner &&
    !(former?.properties.routes ?? []).some((other) => sameRoute(route, other))
  );
}

/** Routes of other routers of this owner: neither written by this one nor pointing at it. */
export function routesOfPeers(
  own: ArmRouteTable,
  { owner, vm: { identity: { sign, addresses } } }: Pick<OwnTableContext, "owner" | "vm">,
): ArmRoute[] {
  if (sign === undefined) return [];
  return own.properties.routes.filter((route) => {
    const decoded = decodeRoute(route);
    const pointsHere = decoded?.nextHops.every((hop) => addresses.some(({ text }) => text === hop));
    return decoded?.owner === owner && pointsHere !== true && decoded.writer?.id !== sign.id;
  });
}

function ownTableId({ vm, owner }: OwnTableContext, withNetwork: boolean): string {
  const suffixes = [owner === defaultOwner ? "" : `-${owner}`];
  if (withNetwork) suffixes.push(`-${nameInId(vm.networkId, "virtualNetworks")}`);
  const name = `cloudroutesync-route-table${suffixes.join("")}`.slice(0, 80).replace(/[^A-Za-z0-9_]+$/, "");
  return routeTableId(vm.subscription, vm.resourceGroup, name);
}

/**
 * The id for a table that is yet to be made.
 *
 * @throws {CloudError} of kind `conflict` if there is any trace of a table with that id. A 404 can be false while a replica
 * lags behind, and nothing says that Azure obeys `If-None-Match` of a route table, so the PUT would overwrite the table.
 */
export async function freeTableId(context: OwnTableContext, signal: AbortSignal): Promise<string> {
  const named = await readRouteTable(context.arm, ownTableId(context, false), signal);
  const id = ownTableId(context, named !== null && !serves(named, context.vm, context.owner));
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
async function tablesHeardOf({ arm, vm }: OwnTableContext, signal: AbortSignal): Promise<string[]> {
  const { networkId, subscription, resourceGroup } = vm;
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

function notOurs(table: ArmRouteTable, owner: string): CloudError {
  const whose = ownerOfTable(table);
  const tagged = whose === null ? "has no tag cloudroutesync-owner" : `belongs to owner ${whose}`;
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
  return await readResource(arm, associatedRequest(id, subnet.id), routeTableSchema, signal);
}

/**
 * A table that a subnet used a while ago, if the table itself says that the subnet uses it still: then nobody need ask the subnet.
 *
 * @returns null if it does not say so, or is not found.
 */
export async function tableStillUsed(
  arm: ArmClient,
  id: string,
  subnetId: string,
  signal: AbortSignal,
): Promise<ArmRouteTable | null> {
  const table = await readResourceIfAny(arm, associatedRequest(id, subnetId), routeTableSchema, signal);
  return table !== null && isUsedBy(table, subnetId) ? table : null;
}

/** Whether a table says that a subnet uses it. */
export function isUsedBy({ properties }: ArmRouteTable, subnetId: string): boolean {
  return (properties.subnets ?? []).some(({ id }) => sameId(id, subnetId));
}

function associatedRequest(id: string, subnetId: string): { readonly action: string; readonly id: string } {
  return { action: `read route table ${id}, which subnet ${subnetName(subnetId)} uses`, id };
}
