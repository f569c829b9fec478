/** An EC2 route table as the rest of the program sees it. */

import { comparePrefixes, type Family, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import type { CloudQuota, CloudRoute, CloudTable } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type Ec2Route, type Ec2RouteTable, isPropagated, targetOf } from "./ec2_answers.ts";
import type { PrefixListSize } from "./prefix_list_sizes.ts";
import { isOwnTable } from "./tags.ts";

/** The table without its routes. */
export function cloudTableOf(table: Ec2RouteTable, owner: string): CloudTable {
  return { id: table.RouteTableId, name: table.RouteTableId, ours: isOwnTable(table, owner) };
}

/**
 * The routes by prefix, in order. A destination that is a prefix list has no prefix of its own and is left out; of a static and
 * a propagated route for one prefix only the static one is used by EC2, so it stands for both.
 *
 * @throws {CloudError} of kind `invalid` if a route has no destination or one that is no prefix.
 */
export function cloudRoutesOf(table: Ec2RouteTable): CloudRoute[] {
  const chosen = new Map<string, { readonly route: CloudRoute; readonly propagated: boolean }>();
  for (const entry of table.Routes) {
    if (entry.DestinationPrefixListId !== undefined) continue;
    const route = cloudRouteOf(entry, table.RouteTableId);
    const known = chosen.get(route.prefix.text);
    if (known !== undefined && !known.propagated) continue;
    chosen.set(route.prefix.text, { route, propagated: isPropagated(entry) });
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

function cloudRouteOf(entry: Ec2Route, tableId: string): CloudRoute {
  return {
    prefix: destination(entry, tableId),
    nextHops: [targetOf(entry)],
    owner: null,
    ...(entry.State === "blackhole" ? { blackhole: true } : {}),
    // EC2 refuses to replace or delete it; a static route is created beside it and wins.
    ...(isPropagated(entry) ? { fixed: true } : {}),
  };
}

function destination(entry: Ec2Route, tableId: string): Prefix {
  const text = entry.DestinationCidrBlock ?? entry.DestinationIpv6CidrBlock;
  if (text === undefined) {
    throw new CloudError(
      "invalid",
      `Cannot read route table ${tableId}: its route to ${targetOf(entry)} has no destination`,
    );
  }
  try {
    return parsePrefix(text);
  } catch (cause) {
    throw new CloudError(
      "invalid",
      `Cannot read route table ${tableId}: destination "${text}" is no prefix`,
      {
        cause,
      },
    );
  }
}
