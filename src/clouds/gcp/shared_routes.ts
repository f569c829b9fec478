/**
 * The one route that the routers of an owner behind a load balancer share, and which of them want it. Pure.
 *
 * Without tags Google takes one route alone of a destination, priority and load balancer
 * (https://cloud.google.com/load-balancing/docs/internal/ilb-next-hop-overview, "Additional considerations"). So the routers share it, and its
 * mark names each that wants it (`route_mark.ts`): it stands as long as one of them does. Since a route cannot be changed, a router that comes
 * or goes makes it anew at a free priority near the one that is set, and only then takes the former one away. Two that do so at once
 * want the same priority, of which Google takes one: the other one looks again.
 *
 * What the mark says becomes a route for each router, as if each had one of its own:
 *
 * | the mark names        | is read as                                                                  |
 * | --------------------- | --------------------------------------------------------------------------- |
 * | this router           | a route of its own to the load balancer                                     |
 * | another one           | a route of that router's to its instance                                    |
 * | none (version 1.0's)  | a route of this router's, to be made anew with its name in the mark         |
 */

import type { Change, CloudRoute, Sign } from "../cloud.ts";
import { type NextHopField, nextHopField } from "./next_hop.ts";
import type { RouteSettings } from "./routes.ts";

/** A route of ours to a load balancer, as Google has it. */
export interface SharedRoute {
  /** Id of the load balancer, see `next_hop.ts`. */
  readonly hop: string;
  readonly priority: number;
  readonly tags: readonly string[];
  /** The routers that want it; none: version 1.0's. */
  readonly wanters: readonly Sign[];
}

/** Shared routes by name. A name says all of a route, so that what is known of it does not age. */
export type SharedRoutes = ReadonlyMap<string, SharedRoute>;

/** A shared route to make. */
export interface SharedDraft {
  readonly hop: string;
  readonly field: NextHopField;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly wanters: readonly Sign[];
}

/** What a change comes down to. */
export interface SharedSteps {
  readonly inserts: readonly SharedDraft[];
  /** Names. */
  readonly deletes: readonly string[];
}

/** So many priorities serve one prefix: that which is set, and those after it while a route is made anew. */
const prioritiesPerPrefix = 16;
const lowestPriority = 65_535;

/** The priorities that a shared route may have where `priority` is set, the first to be taken first. */
export function sharedPriorities(priority: number): readonly number[] {
  const step = priority + prioritiesPerPrefix - 1 > lowestPriority ? -1 : 1;
  return Array.from({ length: prioritiesPerPrefix }, (_, index) => priority + step * index);
}

/** A shared route as routes of the routers that want it; see the head of this file. @param route what Google has, whole. */
export function partsOf(route: CloudRoute, { wanters }: SharedRoute, self: Sign): readonly CloudRoute[] {
  if (wanters.length === 0) return [{ ...route, unsigned: true }];
  return wanters.map((wanter) =>
    wanter.id === self.id ? { ...route, writer: self } : { ...route, nextHops: [wanter.id], writer: wanter }
  );
}

/** Routes that are one to Google but for their priority, and who wants them. */
interface SharedGroup {
  readonly hop: string;
  readonly tags: readonly string[];
  /** The priority to begin with. */
  readonly priority: number;
  readonly routes: Map<string, SharedRoute>;
  readonly leaving: Set<string>;
  /** Whether the change is about it. */
  isTouched: boolean;
}

/**
 * The steps of a change. This router comes to want the route if the change is to the load balancer; those whose parts the change is from
 * want it no more.
 *
 * @param leaving ids of the routes that the change is from.
 * @param standing the routes of the network as last read.
 * @param shared what is known of those of them that are shared.
 * @throws {CloudError} of kind `invalid` where the load balancer takes no route of the family.
 */
export function sharedSteps(
  { prefix, from, to }: Change,
  leaving: readonly string[],
  standing: readonly CloudRoute[],
  shared: SharedRoutes,
  settings: RouteSettings,
): SharedSteps {
  const groups = new Map<string, SharedGroup>();
  for (const route of standing.filter((each) => each.prefix.text === prefix.text)) {
    const { id = "", nextHops: [hop = ""], writer } = route;
    const known = shared.get(id);
    if (known === undefined) continue;
    const group = groupOf(groups, known, settings);
    group.routes.set(id, known);
    if (!leaving.includes(id) || from?.nextHops.includes(hop) !== true) continue;
    group.isTouched = true;
    if (writer !== undefined) group.leaving.add(writer.id);
  }
  const { self, sign, priority, tags } = settings;
  const wantsIt = sign !== null && self.isShared && (to ?? []).includes(self.id);
  const mine = wantsIt ? groupOf(groups, { hop: self.id, priority, tags }, settings) : null;
  const steps = [...groups.values()].map((group) => {
    if (group !== mine) return group.isTouched ? stepsOfGroup(group, null, prefix.family, settings) : nothing;
    return stepsOfGroup(group, sign, prefix.family, settings);
  });
  return {
    inserts: steps.flatMap(({ inserts }) => inserts),
    deletes: steps.flatMap(({ deletes }) => deletes),
  };
}

const nothing: SharedSteps = { inserts: [], deletes: [] };

/** The group of a route, made when it is first asked for. Those at other priorities than are set here are another group. */
function groupOf(
  groups: Map<string, SharedGroup>,
  { hop, priority, tags }: Omit<SharedRoute, "wanters">,
  settings: RouteSettings,
): SharedGroup {
  const base = sharedPriorities(settings.priority).includes(priority) ? settings.priority : priority;
  const key = `${hop} ${base} ${[...tags].sort().join(",")}`;
  const group = groups.get(key) ?? {
    hop,
    tags,
    priority: base,
    routes: new Map<string, SharedRoute>(),
    leaving: new Set<string>(),
    isTouched: false,
  };
  groups.set(key, group);
  return group;
}

/** @param joining the router that comes to want it; null: none does. */
function stepsOfGroup(
  { hop, tags, priority, routes, leaving }: SharedGroup,
  joining: Sign | null,
  family: 4 | 6,
  settings: RouteSettings,
): SharedSteps {
  const wanters = new Map<string, Sign>();
  for (const wanter of [...routes.values()].flatMap((route) => route.wanters)) {
    if (!leaving.has(wanter.id)) wanters.set(wanter.id, wanter);
  }
  if (joining !== null) wanters.set(joining.id, joining);
  const right = [...routes].find(([, route]) => isWantedBy(route, wanters))?.[0];
  const deletes = [...routes.keys()].filter((name) => name !== right);
  if (wanters.size === 0 || right !== undefined) return { inserts: [], deletes };
  const taken = new Set([...routes.values()].map((route) => route.priority));
  const free = sharedPriorities(priority).find((each) => !taken.has(each)) ?? priority;
  const field = hop === settings.self.id
    ? nextHopField(hop, family, settings.self)
    : { nextHopIlb: hop.replace(/^ilb:/, "") };
  return { inserts: [{ hop, field, priority: free, tags, wanters: [...wanters.values()] }], deletes };
}

function isWantedBy(route: SharedRoute, wanters: ReadonlyMap<string, Sign>): boolean {
  return route.wanters.length === wanters.size && wanters.size > 0 &&
    route.wanters.every(({ id }) => wanters.has(id));
}
