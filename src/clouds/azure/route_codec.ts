/** Routes as Azure writes them, and as the rest of the program sees them. */

import { type Family, parseAddress, parseInterfaceAddress, type Prefix } from "../../routes/prefix.ts";
import type { CloudQuota, CloudRoute, CloudTable, TableState } from "../cloud.ts";
import type { ArmRoute, ArmRouteTable } from "./arm_schema.ts";
import { ownerOfName, routeName } from "./route_name.ts";

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
 */
export function encodeRoute(owner: string, prefix: Prefix, nextHops: readonly string[]): NewRoute {
  const name = routeName(owner, prefix);
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
  return {
    prefix,
    nextHops: addresses.length > 0 ? addresses : [properties.nextHopType],
    owner: addresses.length > 0 ? ownerOfName(name, prefix) : null,
    id: name,
    ...(properties.nextHopType === "None" ? { blackhole: true } : {}),
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
  const routes = raw.properties.routes.flatMap((route) => decodeRoute(route) ?? []);
  return { table, routes, quotas: [quota], version: raw.etag };
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
