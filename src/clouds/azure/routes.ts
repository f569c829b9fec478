/** Routes as Azure writes them, and as the rest of the program sees them. */

import {
  addressOrNull,
  type Family,
  parseAddress,
  parseInterfaceAddress,
  type Prefix,
} from "../../routes/prefix.ts";
import type { CloudQuota, CloudRoute, CloudTable, Sign, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type ArmRoute, type ArmRouteTable, hasFailed } from "./schemas.ts";
import { markOf, routeName } from "./route_name.ts";

/** Most next hops of a route with `VirtualApplianceEcmp` (REST reference of Routes, `nextHopIpAddresses`: 2 to 64). */
export const mostNextHops = 64;

/** A route to write. */
export interface NewRoute {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * Makes the route of an owner to a prefix.
 *
 * @param nextHops IP addresses; several make it an ECMP route.
 * @param writer the router that its name says wrote it; null: none.
 * @param ofPeers those of the next hops that are other routers'.
 */
export function encodeRoute(
  owner: string,
  prefix: Prefix,
  nextHops: readonly string[],
  writer: Sign | null = null,
  ofPeers: readonly string[] = [],
): NewRoute {
  const sorted = [...nextHops].sort();
  const name = routeName(
    owner,
    prefix,
    writer,
    sorted.flatMap((hop, at) => ofPeers.includes(hop) ? [at] : []),
  );
  const [only, ...others] = nextHops;
  const properties = others.length === 0
    ? { addressPrefix: prefix.text, nextHopType: "VirtualAppliance", nextHopIpAddress: only }
    : {
      addressPrefix: prefix.text,
      nextHopType: "VirtualApplianceEcmp",
      nextHop: { nextHopIpAddresses: nextHops.slice(0, mostNextHops) },
    };
  return { name, properties };
}

/**
 * Reads a route. Null for one whose destination is no prefix but a service tag (`AzureCloud`): such a route cannot stand
 * where a wanted prefix should be, and is carried along unseen.
 */
export function decodeRoute({ name, properties }: ArmRoute): CloudRoute | null {
  const prefix = prefixOfRoute(properties.addressPrefix ?? "");
  if (prefix === null) return null;
  const addresses = nextHopAddresses(properties);
  const mark = addresses.length > 0 ? markOf(name, prefix) : null;
  const sharedWith = (mark?.ofPeers ?? []).flatMap((at) => addressOrNull(addresses[at] ?? "") ?? []);
  return {
    prefix,
    nextHops: addresses.length > 0 ? addresses : [properties.nextHopType],
    owner: mark?.owner ?? null,
    ...(mark?.writer === undefined ? {} : { writer: mark.writer }),
    ...(sharedWith.length === 0 ? {} : { sharedWith }),
    id: name,
    ...(properties.nextHopType === "None" ? { blackhole: true } : {}),
    ...(properties.provisioningState === "Failed" ? { failed: true } : {}),
  };
}

/**
 * Reads a whole table.
 *
 * @param limit routes that the table takes.
 */
export function decodeTable(table: CloudTable, raw: ArmRouteTable, limit: number): TableState {
  const families: readonly Family[] = [4, 6];
  const quota: CloudQuota = { families, used: raw.properties.routes.length, limit };
  const failed = hasFailed(raw) ? { failed: true } : {};
  const routes = raw.properties.routes.flatMap((route) => {
    const decoded = decodeRoute(route);
    return decoded === null ? [] : [{ ...decoded, ...failed }];
  });
  return { table, routes, quotas: [quota], version: raw.etag };
}

/**
 * Refuses to write routes whose next hops the API version does not show: they would lose them.
 *
 * @param action what is tried, fitting after "Cannot".
 * @throws {CloudError} of kind `malformed` that names the first.
 */
export function checkNextHopsShown(routes: readonly ArmRoute[], action: string): void {
  const cut = routes.find(({ properties }) =>
    properties.nextHopType === "VirtualApplianceEcmp" && nextHopAddresses(properties).length === 0
  );
  if (cut === undefined) return;
  throw new CloudError(
    "malformed",
    `Cannot ${action}: Azure does not show the next hops of route ${cut.name}, which would lose them`,
  );
}

/** A route's next hops, lowest address first, as the contract wants them sorted by their text; none if it has no address. */
export function nextHopAddresses(properties: ArmRoute["properties"]): string[] {
  const texts = properties.nextHopType === "VirtualApplianceEcmp"
    ? properties.nextHop?.nextHopIpAddresses ?? []
    : properties.nextHopType === "VirtualAppliance"
    ? [properties.nextHopIpAddress ?? ""]
    : [];
  return texts.filter((text) => text !== "").map(canonicalAddress).sort();
}

/** Whether two tables have the same routes by name, destination and next hops, in whatever order. */
export function sameRoutes(left: readonly ArmRoute[], right: readonly ArmRoute[]): boolean {
  const listed = (routes: readonly ArmRoute[]): string =>
    JSON.stringify(
      routes.map(({ name, properties }) => [
        name.toLowerCase(),
        properties.addressPrefix,
        properties.nextHopType,
        ...nextHopAddresses(properties),
      ]).sort(),
    );
  return listed(left) === listed(right);
}

function canonicalAddress(text: string): string {
  try {
    return parseAddress(text).text;
  } catch {
    return text;
  }
}

/** Azure keeps a prefix as it was sent, also with host bits and in any spelling of IPv6. */
function prefixOfRoute(text: string): Prefix | null {
  try {
    return parseInterfaceAddress(text).subnet;
  } catch {
    return null;
  }
}
