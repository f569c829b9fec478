/** An EC2 route table as the rest of the program sees it. */

import { getLogger } from "@logtape/logtape";
import { comparePrefixes, type Family, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import type { CloudQuota, CloudRoute, CloudTable } from "../cloud.ts";
import { type Ec2Route, type Ec2RouteTable, isPropagated, targetOf } from "./schemas.ts";
import type { PrefixListSize } from "./prefix_list_sizes.ts";
import { isOwnTable } from "./tags.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** The table without its routes. */
export function cloudTableOf(table: Ec2RouteTable, owner: string): CloudTable {
  return { id: table.RouteTableId, name: table.RouteTableId, ours: isOwnTable(table, owner) };
}

/**
 * The routes by prefix, in order. A destination that is a prefix list has no prefix of its own and is left out, as is one that is
 * of no known kind; of a static and a propagated route for one prefix only the static one is used by EC2, so it stands for both.
 */
export function cloudRoutesOf(
  table: Ec2RouteTable,
  isAbandoned: (route: Ec2Route) => boolean = () => false,
): CloudRoute[] {
  const chosen = new Map<string, { readonly route: CloudRoute; readonly propagated: boolean }>();
  for (const entry of table.Routes) {
    if (entry.DestinationPrefixListId !== undefined) continue;
    const prefix = destination(entry, table.RouteTableId);
    if (prefix === null) continue;
    const known = chosen.get(prefix.text);
    if (known !== undefined && !known.propagated) continue;
    chosen.set(prefix.text, {
      route: cloudRouteOf(entry, prefix, isAbandoned(entry)),
      propagated: isPropagated(entry),
    });
  }
  return [...chosen.values()].map(({ route }) => route)
    .sort((left, right) => comparePrefixes(left.prefix, right.prefix));
}

/** The ids of the prefix lists that a table routes. */
export function prefixListsOf(table: Ec2RouteTable): string[] {
  return table.Routes.flatMap((route) => route.DestinationPrefixListId ?? []);
}

/**
 * How full a table is: IPv4 and IPv6 apart, propagated routes not counted (they have a limit of their own), prefix lists
 * by their size.
 */
export function quotasOf(
  table: Ec2RouteTable,
  lists: readonly PrefixListSize[],
  limit: (family: Family) => number | null,
): CloudQuota[] {
  return ([4, 6] as const).map((family) => ({
    families: [family],
    used: usedBy(table, lists, family),
    limit: limit(family),
  }));
}

/** Routes of a family that count against the table's limit. */
export function usedBy(table: Ec2RouteTable, lists: readonly PrefixListSize[], family: Family): number {
  const field = family === 4 ? "DestinationCidrBlock" : "DestinationIpv6CidrBlock";
  const routes = table.Routes.filter((route) => route[field] !== undefined && !isPropagated(route)).length;
  return lists.filter((list) => list.family === family).reduce((sum, list) => sum + list.entries, routes);
}

function cloudRouteOf(entry: Ec2Route, prefix: Prefix, deadEnd: boolean): CloudRoute {
  return {
    ...(deadEnd ? { abandoned: true } : {}),
    prefix,
    nextHops: [targetOf(entry)],
    owner: null,
    ...(entry.State === "blackhole" ? { blackhole: true } : {}),
    // EC2 refuses to replace or delete a propagated one; a static route is created beside it and wins.
    ...(isPropagated(entry) || entry.GatewayId === "local" ? { fixed: true } : {}),
    // The VPC's own, whatever somebody made it point at: every table is born with it, and none can be created.
    ...(isOfVpc(entry) ? { protected: true } : {}),
  };
}

/** Whether it is the table's route to the VPC itself. */
export function isOfVpc(entry: Ec2Route): boolean {
  return entry.GatewayId === "local" || entry.Origin === "CreateRouteTable";
}

/** The prefix that a route is for; null, and a log line, where it has another kind of destination. */
function destination(entry: Ec2Route, tableId: string): Prefix | null {
  const text = entry.DestinationCidrBlock ?? entry.DestinationIpv6CidrBlock;
  try {
    if (text !== undefined) return parsePrefix(text);
  } catch {
    // Said below, as for a route without any.
  }
  log.warn(
    "Ignoring a foreign route of {table} to {target}: its destination {destination} is not a prefix",
    {
      event: "route-passed-over",
      table: tableId,
      target: targetOf(entry),
      destination: text ?? "(none)",
    },
  );
  return null;
}
