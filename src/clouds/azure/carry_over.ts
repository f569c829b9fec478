/**
 * What our table takes over from the table that the subnet uses, so that no VM loses its way out.
 *
 * A new table gets a copy of each route. One that was made before may hold older copies: operators change their table and
 * give it back to the subnet. Our table must then route what theirs does, not what theirs did:
 *
 * | route of our table                              | no subnet uses our table   | other subnets use it |
 * | ----------------------------------------------- | -------------------------- | -------------------- |
 * | a copy that nobody has changed since            | renewed, or taken away     | stays                |
 * | of this owner by its name, in the way           | gives way, as in a new one | refusal              |
 * | anything else, in the way with another next hop | refusal                    | refusal              |
 * | anything else                                   | stays                      | stays                |
 *
 * Azure's routes carry no tags, so a tag of the table has a digest of all copies at once.
 */

import { CloudError } from "../cloud_error.ts";
import { sameId } from "./arm_id.ts";
import type { ArmRoute, ArmRouteTable } from "./arm_schema.ts";
import { decodeRoute, nextHopAddresses } from "./route_codec.ts";

/** The table's one setting that routes packets. */
const bgpSetting = "disableBgpRoutePropagation";

const oneTableEach = "subnets whose routes differ need a table each: choose another -owner, " +
  "or hand over tables with -route-table";

/** The two tables and who they are for. */
export interface Meeting {
  /** Our table; the subnet does not use it now. */
  readonly own: ArmRouteTable;
  /** The table that the subnet uses now, or null. */
  readonly former: ArmRouteTable | null;
  readonly owner: string;
  /** Names of the other subnets that use our table. */
  readonly others: readonly string[];
  /** What our table's tag says of its copies. */
  readonly digest: string | undefined;
}

/** What a table is to have besides what it is. */
export interface CarriedOver {
  readonly routes: readonly ArmRoute[];
  readonly settings: Readonly<Record<string, unknown>>;
  /** Digest of the copies for the table's tag; undefined if the tag must stay as it is. */
  readonly digest: string | undefined;
}

/** What a new table gets. */
export async function carryOver(former: ArmRouteTable | null): Promise<CarriedOver> {
  const carried = { routes: routesOf(former).map(copyOf), settings: settingsOf(former) };
  return { ...carried, digest: await digestOf(carried) };
}

/**
 * What a table that was made before gets.
 *
 * @throws {CloudError} of kind `invalid` if the two tables cannot be reconciled: the subnet must then stay where it is.
 */
export async function carryOverAgain(meeting: Meeting): Promise<CarriedOver> {
  const { own, digest } = meeting;
  const untouched = digest === await digestOf({ routes: routesOf(own), settings: own.properties });
  const wanted = wantedOf(meeting);
  const kept = routesOf(own).filter((route) => stays(route, wanted, meeting, untouched));
  const missing = wanted.filter((route) => !kept.some((other) => sameRoute(route, other)));
  for (const route of missing) {
    const obstacle = kept.find((other) => isInTheWay(route, other));
    if (obstacle !== undefined) throw blocked(route, obstacle, meeting);
  }
  const routes = [...kept, ...missing.map(copyOf)];
  const settings = settingsAgain(meeting, untouched);
  return { routes, settings, digest: untouched ? await digestOf({ routes, settings }) : undefined };
}

/** Whether two routes send the same packets to the same place, whatever their names. */
export function sameRoute(route: ArmRoute, other: ArmRoute): boolean {
  return destination(route) === destination(other) && target(route) === target(other);
}

/** The former table's routes but those of this owner that ours has too: they are kept in step with the kernel anyway. */
function wantedOf({ own, former, owner }: Meeting): readonly ArmRoute[] {
  const ours = routesOf(own).filter((route) => isOf(owner, route));
  return routesOf(former).filter((route) =>
    !isOf(owner, route) || !ours.some((other) => isInTheWay(route, other))
  );
}

/** Whether a route of our table stays, by the table above. */
function stays(
  route: ArmRoute,
  wanted: readonly ArmRoute[],
  { owner, others }: Meeting,
  untouched: boolean,
): boolean {
  if (others.length > 0) return true;
  if (isOf(owner, route)) return !wanted.some((other) => isInTheWay(route, other));
  return isMarked(route) || !untouched;
}

function settingsAgain(
  { own, former, others }: Meeting,
  untouched: boolean,
): Readonly<Record<string, unknown>> {
  if (others.length === 0) return { ...(untouched ? { [bgpSetting]: false } : {}), ...settingsOf(former) };
  const before = own.properties[bgpSetting] ?? false;
  const wanted = former?.properties[bgpSetting] ?? false;
  if (before === wanted) return { [bgpSetting]: before };
  throw new CloudError(
    "invalid",
    `Cannot carry over ${bgpSetting} ${wanted} from ${
      former === null ? "a subnet without a route table" : `route table ${former.name}`
    }: ${own.name} has ${before} for ${others.join(", ")}; ${oneTableEach}`,
  );
}

/** Settings of a table besides its routes: all but what Azure itself fills in. */
function settingsOf(table: ArmRouteTable | null): Readonly<Record<string, unknown>> {
  return without(table?.properties ?? {}, ["routes", "subnets", "provisioningState", "resourceGuid"]);
}

function blocked(route: ArmRoute, obstacle: ArmRoute, { own, former, others }: Meeting): CloudError {
  const why = others.length > 0
    ? `for ${others.join(", ")}; ${oneTableEach}`
    : `and it is not known to be a copy that nobody has changed; delete the one that is wrong, ` +
      `or hand over tables with -route-table`;
  return new CloudError(
    "invalid",
    `Cannot carry over route ${described(route)} from route table ${former?.name}: ` +
      `${own.name} has route ${described(obstacle)} ${why}`,
  );
}

function isMarked(route: ArmRoute): boolean {
  return (decodeRoute(route)?.owner ?? null) !== null;
}

function isOf(owner: string, route: ArmRoute): boolean {
  return decodeRoute(route)?.owner === owner;
}

function isInTheWay(route: ArmRoute, other: ArmRoute): boolean {
  return sameId(route.name, other.name) || destination(route) === destination(other);
}

function routesOf(table: ArmRouteTable | null): readonly ArmRoute[] {
  return table?.properties.routes ?? [];
}

function destination(route: ArmRoute): string {
  return decodeRoute(route)?.prefix.text ?? route.properties.addressPrefix ?? "";
}

function target({ properties }: ArmRoute): string {
  return [properties.nextHopType, ...nextHopAddresses(properties)].join(" ");
}

function described(route: ArmRoute): string {
  const addresses = nextHopAddresses(route.properties);
  const where = addresses.length > 0 ? addresses.join(", ") : route.properties.nextHopType;
  return `${route.name} (${destination(route)} to ${where})`;
}

/** A route without what Azure itself fills in. */
function copyOf({ name, properties }: ArmRoute): ArmRoute {
  const { provisioningState: _, hasBgpOverride: __, ...own } = properties;
  return { name, properties: own };
}

/** Half a SHA-256 of what is in a table without an owner's mark, in no order. */
async function digestOf(table: Pick<CarriedOver, "routes" | "settings">): Promise<string> {
  const lines = table.routes.filter((route) => !isMarked(route)).map((route) =>
    [route.name.toLowerCase(), destination(route), target(route)].join("\t")
  );
  const text = [`${bgpSetting} ${table.settings[bgpSetting] ?? false}`, ...lines.sort()].join("\n");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex().slice(0, 32);
}

function without(
  source: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(source).filter(([key]) => !keys.includes(key)));
}
