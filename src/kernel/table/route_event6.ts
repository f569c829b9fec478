/**
 * What an IPv6 route event does to the routes of its prefix, as fib6_add_rt2node and fib6_del_route (net/ipv6/ip6_fib.c) do it.
 *
 * Routes by a gateway, without a next-hop object, that share a metric are the legs of one set, which keeps the protocol of its first
 * leg; every other route (by a device, by an object, unreachable, …) stands for itself.
 *
 * ```
 * event (key: metric)            what is done                                        certain
 * new, EXCL                      drops all of the key, inserts                       yes: the kernel found none
 * new, REPLACE                   replaces the first of its kind, the set as a whole  no if there is none, unless it has several legs
 *                                (where there is none of its kind: the first)        or if that is a set in which one may be hidden
 *   the same object is there     takes the state of its legs over                    no if there are others
 * new leg of a set               gives the set the legs of the event                 no if it lacks one of the set's
 * new, otherwise                 inserts after the last of the key                   yes
 * deleted                        removes that very route, or leg of the set          no if it is not there, but others are
 * ```
 *
 * Nothing is certain where {@linkcode RouteEvent.partial} says so, nor of routes from router advertisements, which are legs if
 * `ip route` has made them and are none if the kernel has.
 */

import { NLM_F_EXCL, NLM_F_REPLACE } from "../wire/netlink_message.ts";
import type { RouteBodies } from "./route_bodies.ts";
import type { RouteEvent, RouteEventResult } from "./route_event.ts";
import { hasLegsOf, hasLegWords, isSet, sameHeader, sameRoute6, withLegsOf } from "./route_identity.ts";
import { insertBefore, removed, replaced } from "./route_list.ts";

/** Router advertisements (linux/rtnetlink.h). */
const RTPROT_RA = 9;

/** A prefix's routes before an event, and those of the event's metric among them. */
interface Before {
  readonly bodies: RouteBodies;
  readonly routes: readonly number[];
  readonly equal: readonly number[];
}

/** Applies an event. */
export function applyRouteEvent6(
  bodies: RouteBodies,
  routes: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  const { flags, body, partial } = event;
  const equal = routes.filter((route) => bodies.metric(route) === bodies.metric(body));
  const before = { bodies, routes, equal };
  if (!event.deleted && (flags & NLM_F_EXCL) !== 0) {
    const others = routes.filter((route) => !equal.includes(route));
    return { routes: insert(bodies, others, body), certain: true, partial: false };
  }
  const result = event.deleted
    ? deleteRoute(before, body)
    : (flags & NLM_F_REPLACE) !== 0
    ? replaceRoute(before, body)
    : addRoute(before, event);
  const advertised = [...equal, body].some((route) => bodies.protocol(route) === RTPROT_RA);
  const certain = result.certain && !partial && (equal.length === 0 || !advertised);
  return { ...result, certain, partial: partial || result.partial };
}

/** A new leg of the set, or a route of its own. */
function addRoute({ bodies, routes, equal }: Before, event: RouteEvent): RouteEventResult {
  const { body } = event;
  const set = equal.find((route) => isSet(bodies, route));
  if (set !== undefined && isSet(bodies, body)) return addLegs({ bodies, routes, equal }, set, event);
  const present = equal.find((route) => sameRoute6(bodies, route, body));
  if (present !== undefined) {
    return { routes: replaced(routes, present, body), certain: true, partial: false };
  }
  // A further leg goes behind this route, which then stands between the first leg and the last.
  const partial = set !== undefined || (equal.length > 0 && isSet(bodies, body));
  return { routes: insert(bodies, routes, body), certain: true, partial };
}

function addLegs({ bodies, routes, equal }: Before, set: number, event: RouteEvent): RouteEventResult {
  const { body } = event;
  const partial = equal.length > 1 || !isUniform(bodies, set, event);
  if (!hasLegsOf(bodies, body, set)) {
    const known = hasLegsOf(bodies, set, body);
    return { routes: known ? routes : insert(bodies, routes, body), certain: false, partial };
  }
  const whole = bodies.add(withLegsOf(bodies, set, body, null));
  return { routes: replaced(routes, set, whole), certain: equal.length === 1, partial };
}

/**
 * Whether all legs are of one protocol and kind, as far as an event tells. It has the header of its first leg, which is the new one; where
 * several were appended by one command it is the set's own first leg, and the kernel says nothing of the new ones (ip6_route_mpath_notify in
 * net/ipv6/route.c), however many of them the kernel has kept.
 */
function isUniform(bodies: RouteBodies, set: number, { body, firstLeg = null }: RouteEvent): boolean {
  if (!sameHeader(bodies, set, body)) return false;
  const added = bodies.legCount(body) - bodies.legCount(set);
  return added <= 0 || (added === 1 && (firstLeg === null || !hasLegWords(bodies, set, firstLeg)));
}

function replaceRoute({ bodies, routes, equal }: Before, body: number): RouteEventResult {
  const several = bodies.legCount(body) > 1 && isSet(bodies, body);
  const old = equal.find((route) => isSet(bodies, route) === isSet(bodies, body)) ?? equal[0];
  // Of a set the kernel says REPLACE even if there was nothing to replace.
  if (old === undefined) return { routes: insert(bodies, routes, body), certain: several, partial: false };
  // A change of an object is reported as a replacement of each route by it.
  const isObject = bodies.nextHopId(body) !== 0;
  const present = isObject ? equal.find((route) => sameRoute6(bodies, route, body)) : undefined;
  // Another kind may have stood between the legs of a set since before the first dump, hidden.
  const mayBeHidden = !isSet(bodies, body) && isSet(bodies, old) && bodies.legCount(old) > 1;
  const alone = equal.length === 1 && !mayBeHidden;
  return {
    routes: replaced(routes, present ?? old, body),
    certain: alone || (!several && present === undefined && !mayBeHidden),
    partial: several && !alone,
  };
}

function deleteRoute({ bodies, routes, equal }: Before, body: number): RouteEventResult {
  const same = equal.filter((route) => sameRoute6(bodies, route, body));
  const gone = same[0];
  if (gone !== undefined) {
    return { routes: removed(routes, gone), certain: same.length === 1, partial: false };
  }
  const set = equal.find((route) => isSet(bodies, route) && hasLegsOf(bodies, route, body));
  if (set === undefined || !isSet(bodies, body)) {
    return { routes, certain: equal.length === 0, partial: false };
  }
  const rest = bodies.add(withLegsOf(bodies, set, set, body));
  return { routes: replaced(routes, set, rest), certain: bodies.legCount(body) === 1, partial: false };
}

/** Behind the last route of the same metric. */
function insert(bodies: RouteBodies, routes: readonly number[], body: number): number[] {
  return insertBefore(routes, body, (route) => bodies.metric(route) > bodies.metric(body));
}
