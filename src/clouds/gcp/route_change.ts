/** What a change comes down to: which of Google's routes to make and which to delete. Pure. */

import type { Prefix } from "../../routes/prefix.ts";
import type { Change, CloudRoute } from "../cloud.ts";
import { isElsewhere, type NextHopField, nextHopField } from "./next_hop.ts";
import { describeRoute } from "./route_mark.ts";
import { routeName, type RouteSpec } from "./route_name.ts";
import type { RouteSettings } from "./routes.ts";
import { type SharedDraft, type SharedRoutes, sharedSteps } from "./shared_routes.ts";

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
 * The steps of a change. Our routes of the prefix that stand already and are wanted are left alone; the others of those that the change
 * is from go, also a foreign one that is adopted. What another router of this owner wrote stays unless the change is from it, and a
 * route of another owner is never touched: ours is made beside it.
 *
 * @param standing all routes of the network as last read.
 * @param shared what is known of those that routers behind a load balancer share.
 * @throws {CloudError} of kind `invalid` for a next hop that no route can point at.
 */
export function stepsOf(
  change: Change,
  standing: readonly CloudRoute[],
  settings: RouteSettings,
  shared: SharedRoutes = new Map(),
): RouteSteps {
  const { prefix } = change;
  const leaving = leavingIds(change, settings.owner);
  const ofGroup = sharedSteps(change, leaving, standing, shared, settings);
  const missing = new Set(change.to ?? []);
  if (settings.self.isShared && settings.sign !== null) missing.delete(settings.self.id);
  const deletes: string[] = [...ofGroup.deletes];
  for (const route of standing.filter((each) => each.prefix.text === prefix.text)) {
    const { id = "", nextHops: [hop = ""] } = route;
    if (shared.has(id)) continue;
    const goes = leaving.includes(id);
    // `delete` is false for what is not (or no longer) missing: a route that is not wanted, or there twice.
    const isWanted = isMine(route, settings) && missing.delete(hop);
    if (goes && !isWanted) deletes.push(id);
  }
  const taken = new Set(standing.map(({ id }) => id));
  return {
    inserts: [
      ...ofGroup.inserts.map((draft) => newSharedRoute(prefix, draft, settings, taken)),
      ...[...missing].map((hop) => newRoute(prefix, hop, settings, taken)),
    ],
    deletes,
  };
}

/** Ids of the routes that a change is from; another owner's never go. */
function leavingIds({ from }: Change, owner: string): readonly string[] {
  if (from === null || (from.owner !== null && from.owner !== owner)) return [];
  return from.ids ?? (from.id === undefined ? [] : [from.id]);
}

/** Whether this router wrote a route, as far as its mark says. */
function isMine({ owner, writer }: CloudRoute, settings: RouteSettings): boolean {
  return owner === settings.owner &&
    (writer === undefined || settings.sign === null || writer.id === settings.sign.id);
}

function newRoute(
  prefix: Prefix,
  nextHop: string,
  settings: RouteSettings,
  taken: ReadonlySet<string | undefined>,
): NewRoute {
  const { owner, network, priority, tags, self, sign } = settings;
  const spec = { owner, network, prefix, nextHop, priority, tags, sign };
  const neighbour = isElsewhere(nextHop, self) ? nextHop : null;
  return named(spec, nextHopField(nextHop, prefix.family, self), settings.instance, neighbour, taken);
}

function newSharedRoute(
  prefix: Prefix,
  { hop: nextHop, field, priority, tags, wanters }: SharedDraft,
  { owner, network, instance }: RouteSettings,
  taken: ReadonlySet<string | undefined>,
): NewRoute {
  const spec = { owner, network, prefix, nextHop, priority, tags, sign: null, wanters };
  return named(spec, field, instance, null, taken);
}

function named(
  spec: RouteSpec,
  field: NextHopField,
  instance: string,
  neighbour: string | null,
  taken: ReadonlySet<string | undefined>,
): NewRoute {
  let attempt = 0;
  // Taken though not wanted: somebody has made another route of this name. Ours needs another one to stand beside it.
  while (taken.has(routeName(spec, attempt))) attempt++;
  return {
    name: routeName(spec, attempt),
    description: describeRoute(spec, instance, neighbour),
    network: spec.network,
    destRange: spec.prefix.text,
    priority: spec.priority,
    tags: [...spec.tags],
    ...field,
  };
}
