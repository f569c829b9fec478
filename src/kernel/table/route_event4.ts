/**
 * What an IPv4 route event does to the routes of its prefix, as fib_table_insert and fib_table_delete (net/ipv4/fib_trie.c) do it.
 *
 * ```
 * event (key: TOS and metric)   what is done                          certain
 * new, EXCL                     drops all of the key, inserts         yes: the kernel found none
 * new, REPLACE                  replaces the first of the key         no if there is none
 *   the very route is there     takes the state of its legs over      no if there are others: an object's change looks the same
 * new, APPEND                   inserts after the last of the key     no if there is none, or the very route is there
 * new, otherwise (prepend)      inserts before the first of the key   likewise
 * deleted                       removes that very route               no if it is not there, but others are, or there twice
 * ```
 *
 * The kernel can hold two routes whose messages are the same: it tells routes apart by the scope of the gateway and by flags of
 * the request too (nh_comp and fib_find_info in fib_semantics.c), which no message carries. And of a route that rejects packets the realm
 * is not kept, which tells two of them apart as well.
 */

import { NLM_F_APPEND, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/netlink_message.ts";
import type { RouteBodies } from "./route_bodies.ts";
import type { RouteEvent, RouteEventResult } from "./route_event.ts";
import { sameRoute4 } from "./route_identity.ts";
import { insertBefore, removed, replaced } from "./route_list.ts";

/** Applies an event. */
export function applyRouteEvent4(
  bodies: RouteBodies,
  routes: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  const { flags, body } = event;
  const equal = routes.filter((route) => order(bodies, route, body) === 0);
  if (event.deleted) return deleteRoute(bodies, routes, equal, body);
  if ((flags & NLM_F_EXCL) !== 0) {
    return result(insert(bodies, routes.filter((route) => !equal.includes(route)), body, true), true);
  }
  const present = equal.find((route) => sameRoute4(bodies, route, body));
  if ((flags & NLM_F_REPLACE) !== 0 && equal[0] !== undefined) {
    return result(replaced(routes, present ?? equal[0], body), present === undefined || equal.length === 1);
  }
  if (present !== undefined) return result(replaced(routes, present, body), false);
  return result(insert(bodies, routes, body, (flags & NLM_F_APPEND) !== 0), equal.length > 0);
}

function result(routes: readonly number[], certain: boolean): RouteEventResult {
  return { routes, certain, partial: false };
}

function deleteRoute(
  bodies: RouteBodies,
  routes: readonly number[],
  equal: readonly number[],
  body: number,
): RouteEventResult {
  const same = equal.filter((route) => sameRoute4(bodies, route, body));
  const gone = same[0];
  if (gone === undefined) return result(routes, equal.length === 0);
  return result(removed(routes, gone), same.length === 1);
}

/** Negative for a route before those of `body`'s key: by descending TOS, then ascending metric. */
function order(bodies: RouteBodies, route: number, body: number): number {
  return bodies.tos(body) - bodies.tos(route) || bodies.metric(route) - bodies.metric(body);
}

/** Inserts after the routes of the same key or before them. */
function insert(bodies: RouteBodies, routes: readonly number[], body: number, afterEqual: boolean): number[] {
  const least = afterEqual ? 1 : 0;
  return insertBefore(routes, body, (route) => Math.sign(order(bodies, route, body)) >= least);
}
