/**
 * What of a route table is carried over to ours, as entries that compare.
 *
 * | part of the table                          | entry                                                             |
 * | ------------------------------------------ | ----------------------------------------------------------------- |
 * | a route                                    | its destination (prefix or service tag), type and next hops       |
 * | a route with the mark of this owner        | none in a former table: it is kept in step with the kernel anyway |
 * | a setting that is not as in a new table    | `disableBgpRoutePropagation`, `disablePeeringRoute`, later ones   |
 * | what Azure itself fills in                 | none                                                              |
 */

import type { Entries } from "../kit/living_copy.ts";
import { decodeRoute, nextHopAddresses } from "./routes.ts";
import type { ArmRoute, ArmRouteTable } from "./schemas.ts";

const settingPrefix = "setting ";
/** Properties that are no settings. */
const azuresOwn: ReadonlySet<string> = new Set(["routes", "subnets", "provisioningState", "resourceGuid"]);

/** The entries of a table; null: a subnet without a table. @param owner whose routes are left out; null: nobody's. */
export function entriesOf(table: ArmRouteTable | null, owner: string | null): Entries {
  const routes = (table?.properties.routes ?? []).filter((route) => owner === null || !isOf(owner, route));
  const settings = Object.entries(settingsOf(table)).filter(([, value]) => !isDefault(value));
  return new Map([
    ...settings.map(([name, value]) => [`${settingPrefix}${name}`, wordOf(value)] as const),
    ...routes.map((route) => [keyOf(route), targetOf(route)] as const),
  ]);
}

/** The key of a route's entry. */
export function keyOf(route: ArmRoute): string {
  return `route ${decodeRoute(route)?.prefix.text ?? route.properties.addressPrefix ?? ""}`;
}

/** What a route's entry points at. */
export function targetOf({ properties }: ArmRoute): string {
  return nextHopAddresses(properties).join(", ") || properties.nextHopType;
}

/** The setting that an entry is of; null if it is a route. */
export function settingOf(key: string): string | null {
  return key.startsWith(settingPrefix) ? key.slice(settingPrefix.length) : null;
}

/** Settings of a table: all its properties but routes and what Azure itself fills in. */
export function settingsOf(table: ArmRouteTable | null): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(table?.properties ?? {}).filter(([name]) => !azuresOwn.has(name)));
}

/** What a setting is in a new table, by what it is in another; undefined: it is not there. */
export function defaultOf(value: unknown): unknown {
  if (typeof value === "boolean") return false;
  return typeof value === "string" ? "None" : undefined;
}

/** Whether a route carries the mark of an owner. */
export function isOf(owner: string, route: ArmRoute): boolean {
  return decodeRoute(route)?.owner === owner;
}

function isDefault(value: unknown): boolean {
  return value === undefined || value === null || value === defaultOf(value);
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
