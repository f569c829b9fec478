/**
 * The two shapes of a route: Neutron's pairs of destination and next hop, and the program's routes. Pure.
 *
 * Neutron stores nearly every text that it is sent: `198.51.100.5/24` and `2001:DB8:0::/32` stand beside their canonical
 * forms as routes of their own. What is not canonical was not written by this program; such a route gets the pair's exact text
 * as its id and a next hop that no claim can name, so that it is foreign in every comparison.
 */

import { getLogger } from "@logtape/logtape";
import { parseInterfaceAddress, type Prefix } from "../../routes/prefix.ts";
import type { Change, CloudRoute, TableState } from "../cloud.ts";
import type { ExtraRoute } from "./schemas.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/** What a list of changes comes to in pairs. */
export interface PairChanges {
  readonly add: readonly ExtraRoute[];
  readonly remove: readonly ExtraRoute[];
}

const idSeparator = " via ";

/** The program's routes for a router's pairs, one a pair; what is no prefix at all is left out and logged. */
export function routesOfPairs(pairs: readonly ExtraRoute[]): CloudRoute[] {
  const routes: CloudRoute[] = [];
  for (const pair of pairs) {
    const prefix = parseDestination(pair.destination);
    if (prefix === null) {
      logger.warn("Ignoring a foreign route to {destination}: that is not a prefix", {
        destination: pair.destination,
      });
    } else routes.push(routeOf(prefix, pair));
  }
  return routes;
}

/** The pairs to add and to remove so that the changes come true; a pair that stays is in neither list. */
export function pairsOfChanges(changes: readonly Change[]): PairChanges {
  const add: ExtraRoute[] = [];
  const remove: ExtraRoute[] = [];
  for (const { prefix, from, to } of changes) {
    const before = from === null ? [] : pairsOfRoute(from);
    const after = (to ?? []).map((nexthop) => ({ destination: prefix.text, nexthop }));
    add.push(...without(after, before));
    remove.push(...without(before, after));
  }
  return { add, remove };
}

/** The pairs left of `pairs` when those of `others` are taken away; texts are compared as they stand. */
export function without(pairs: readonly ExtraRoute[], others: readonly ExtraRoute[]): ExtraRoute[] {
  const gone = new Set(others.map(textOf));
  return pairs.filter((pair) => !gone.has(textOf(pair)));
}

/** Whether the changes of one prefix take anything away. */
export function removesPairs(change: Change): boolean {
  return pairsOfChanges([change]).remove.length > 0;
}

/**
 * The pairs that have come to prefixes to which changes add, however they are written, since the state was read: somebody
 * else's, of whom the changes know nothing.
 *
 * @param pairs the router's pairs as they stand now.
 */
export function pairsSince(
  state: Pick<TableState, "routes">,
  pairs: readonly ExtraRoute[],
  changes: readonly Change[],
): ExtraRoute[] {
  const adding = changes.filter((change) => pairsOfChanges([change]).add.length > 0);
  const prefixes = new Set(adding.map(({ prefix }) => prefix.text));
  return without(pairs, state.routes.flatMap(pairsOfRoute)).filter(({ destination }) =>
    prefixes.has(parseDestination(destination)?.text ?? "")
  );
}

function routeOf(prefix: Prefix, pair: ExtraRoute): CloudRoute {
  if (prefix.text === pair.destination) return { prefix, nextHops: [pair.nexthop], owner: null };
  const nextHops = [`${pair.nexthop} (written as ${pair.destination})`];
  return { prefix, nextHops, owner: null, id: textOf(pair) };
}

function pairsOfRoute(route: CloudRoute): ExtraRoute[] {
  if (route.id === undefined) {
    return route.nextHops.map((nexthop) => ({ destination: route.prefix.text, nexthop }));
  }
  const [destination = "", nexthop = ""] = route.id.split(idSeparator);
  return [{ destination, nexthop }];
}

/** A pair as people and errors write it: `198.51.100.0/24 via 10.0.0.2`. */
export function textOf(pair: ExtraRoute): string {
  return `${pair.destination}${idSeparator}${pair.nexthop}`;
}

function parseDestination(text: string): Prefix | null {
  try {
    return parseInterfaceAddress(text).subnet;
  } catch {
    return null;
  }
}
