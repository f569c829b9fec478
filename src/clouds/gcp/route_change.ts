/** What a change comes down to: which of Google's routes to make and which to delete. Pure. */

import type { Prefix } from "../../routes/prefix.ts";
import type { Change, CloudRoute } from "../cloud.ts";
import { isElsewhere, type NextHopField, nextHopField } from "./next_hop.ts";
import { describeRoute } from "./route_mark.ts";
import { routeName } from "./route_name.ts";
import type { RouteSettings } from "./route_table.ts";

/** A route to make, as `routes.insert` takes it. */
export type NewRoute = NextHopField & {
  readonly name: string;
  readonly description: string;
  readonly network: string;
  readonly destRange: string;
  readonly priority: number;
  readonly tags: readonly string[];
};

/** The steps of a change. All inserts must have ended well before the first delete: the prefix is never without a route. */
export interface RouteSteps {
  readonly inserts: readonly NewRoute[];
  /** Names. */
  readonly deletes: readonly string[];
}

/**
 * The steps of a change. Our routes of the prefix that stand already and are wanted are left alone, all
 * others of ours go; so does the foreign route that is adopted, if `change.from` is one. A route of another
 * owner is never touched: ours is made beside it.
 *
 * @param standing all routes of the network as last read.
 * @throws {CloudError} of kind `invalid` for a next hop that no route can point at.
 */
export function stepsOf(
  change: Change,
  standing: readonly CloudRoute[],
  settings: RouteSettings,
): RouteSteps {
  const { prefix } = change;
  const own = standing.filter((route) => route.owner === settings.owner && route.prefix.text === prefix.text);
  const missing = new Set(change.to ?? []);
  const deletes: string[] = [];
  for (const route of own) {
    // `delete` is false for what is not (or no longer) missing: a route that is not wanted, or there twice.
    const isWanted = missing.delete(route.nextHops[0] ?? "");
    if (!isWanted && route.id !== undefined) deletes.push(route.id);
  }
  const { from } = change;
  if (from !== null && from.owner === null && from.id !== undefined) deletes.push(from.id);
  const taken = new Set(standing.map(({ id }) => id));
  return { inserts: [...missing].map((hop) => newRoute(prefix, hop, settings, taken)), deletes };
}

function newRoute(
  prefix: Prefix,
  nextHop: string,
  settings: RouteSettings,
  taken: ReadonlySet<string | undefined>,
): NewRoute {
  const { owner, instance, network, priority, tags, self } = settings;
  const spec = { owner, network, prefix, nextHop, priority, tags };
  let attempt = 0;
  // Taken though not wanted: somebody has made another route of this name. Ours needs another one to stand beside it.
  while (taken.has(routeName(spec, attempt))) attempt++;
  return {
    name: routeName(spec, attempt),
    description: describeRoute(spec, instance, isElsewhere(nextHop, self) ? nextHop : null),
    network,
    destRange: prefix.text,
    priority,
    tags: [...tags],
    ...nextHopField(nextHop, prefix.family, self),
  };
}
