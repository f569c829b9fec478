/**
 * What a route event does to the routes that a prefix has in one table. Pure.
 *
 * An event does not say which route it replaces, and several routes can share a key. What follows from it:
 *
 * ```
 * event, IPv4 (key: TOS and metric)    what is done                          certain
 * new, EXCL                            drops all of the key, inserts         yes: the kernel found none
 * new, REPLACE                         replaces the first of the key         yes; no if there is none
 * new, APPEND                          inserts after the last of the key     yes
 * new, otherwise (prepend)             inserts before the first of the key   yes
 * new, already there                   the flags of its legs are taken over  yes, REPLACE aside
 * deleted                              removes that very route               no if there is another only
 *
 * event, IPv6 (key: metric)            what is done                          certain
 * new, EXCL                            drops all of the key, inserts         yes
 * new, REPLACE or APPEND               replaces the only one of the key      no if there are several
 * new, otherwise                       inserts                               no if there is one
 * deleted                              removes that very route, or its legs  no if there is another only
 * ```
 *
 * Where it is not certain the caller asks the kernel again.
 */

import type { Family } from "../routes/prefix.ts";
import { NLM_F_APPEND, NLM_F_EXCL, NLM_F_REPLACE } from "./netlink_message.ts";
import {
  bodyHeaderWords,
  legFlagMask,
  legWords,
  type RouteBodies,
  sameLeg,
  sameRoute,
} from "./route_body.ts";

/** The routes of a prefix after an event. */
export interface RouteEventResult {
  /** Numbers of bodies, in the kernel's order. */
  readonly routes: readonly number[];
  /** Whether the event leaves no doubt about them. */
  readonly certain: boolean;
}

/** A route event. */
export interface RouteEvent {
  readonly family: Family;
  /** RTM_DELROUTE instead of RTM_NEWROUTE. */
  readonly deleted: boolean;
  /** `nlmsg_flags`. */
  readonly flags: number;
  /** The route's body. */
  readonly body: number;
}

/** Applies an event; see the table above. */
export function applyRouteEvent(
  bodies: RouteBodies,
  routes: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  if (event.deleted) return deleteRoute(bodies, routes, event);
  const equal = routes.filter((route) => sameKey(bodies, event, route));
  if (equal.length === 0) {
    return { routes: insert(bodies, routes, event, true), certain: (event.flags & NLM_F_REPLACE) === 0 };
  }
  if ((event.flags & NLM_F_EXCL) !== 0) {
    const others = routes.filter((route) => !equal.includes(route));
    return { routes: insert(bodies, others, event, true), certain: true };
  }
  return event.family === 4
    ? newRoute4(bodies, routes, equal, event)
    : newRoute6(bodies, routes, equal, event);
}

function newRoute4(
  bodies: RouteBodies,
  routes: readonly number[],
  equal: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  const replaces = (event.flags & NLM_F_REPLACE) !== 0;
  const present = equal.find((route) => sameRoute(bodies, route, event.body));
  if (present !== undefined) {
    // The kernel holds no route twice, so this one is known already; a REPLACE took away another then.
    return { routes: replaced(routes, present, event.body), certain: !replaces || equal.length === 1 };
  }
  const first = equal[0];
  if (replaces && first !== undefined) {
    return { routes: replaced(routes, first, event.body), certain: true };
  }
  return { routes: insert(bodies, routes, event, (event.flags & NLM_F_APPEND) !== 0), certain: true };
}

function newRoute6(
  bodies: RouteBodies,
  routes: readonly number[],
  equal: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  const only = equal[0];
  if (equal.length === 1 && only !== undefined) {
    const whole = (event.flags & (NLM_F_REPLACE | NLM_F_APPEND)) !== 0 || sameRoute(bodies, only, event.body);
    if (whole) return { routes: replaced(routes, only, event.body), certain: true };
  }
  return { routes: insert(bodies, routes, event, true), certain: false };
}

function deleteRoute(
  bodies: RouteBodies,
  routes: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  const equal = routes.filter((route) => sameKey(bodies, event, route));
  const same = equal.filter((route) => sameRoute(bodies, route, event.body));
  const gone = same[0];
  if (gone !== undefined) return { routes: without(routes, gone), certain: same.length === 1 };
  const only = equal[0];
  if (event.family === 6 && equal.length === 1 && only !== undefined) {
    const rest = withoutLegs(bodies, only, event.body);
    if (rest !== null) return { routes: replaced(routes, only, rest), certain: true };
  }
  return { routes, certain: equal.length === 0 };
}

/** Routes of one prefix compete by TOS and metric (fib_trie.c), in IPv6 by metric alone (ip6_fib.c). */
function sameKey(bodies: RouteBodies, { family, body }: RouteEvent, route: number): boolean {
  return bodies.metric(route) === bodies.metric(body) &&
    (family === 6 || bodies.tos(route) === bodies.tos(body));
}

/** Inserts by descending TOS, then ascending metric; after those of the same key or before them. */
function insert(
  bodies: RouteBodies,
  routes: readonly number[],
  { family, body }: RouteEvent,
  afterEqual: boolean,
): number[] {
  const order = (route: number): number =>
    (family === 4 ? bodies.tos(body) - bodies.tos(route) : 0) || bodies.metric(route) - bodies.metric(body);
  const at = routes.findIndex((route) => afterEqual ? order(route) > 0 : order(route) >= 0);
  return at < 0 ? [...routes, body] : routes.toSpliced(at, 0, body);
}

function replaced(routes: readonly number[], old: number, body: number): number[] {
  return routes.with(routes.indexOf(old), body);
}

function without(routes: readonly number[], gone: number): number[] {
  return routes.toSpliced(routes.indexOf(gone), 1);
}

/** IPv6 deletes single legs: the body with the rest of `route`'s legs, or null if `gone` is not a part of them. */
function withoutLegs(bodies: RouteBodies, route: number, gone: number): number | null {
  const legs = Array.from({ length: bodies.legCount(route) }, (_, leg) => leg);
  const goneLegs = Array.from({ length: bodies.legCount(gone) }, (_, leg) => leg);
  // The lone leg that an event names carries no weight; gateway and device tell legs apart.
  const ignored = ~(legFlagMask | 0xffff0000);
  const rest = legs.filter((leg) =>
    !goneLegs.some((goneLeg) => sameLeg(bodies, route, leg, gone, goneLeg, ignored))
  );
  if (rest.length === 0 || rest.length !== legs.length - goneLegs.length) return null;
  return bodies.add(bodyOf(bodies, route, rest));
}

/** A copy of a body with some of its legs; a single one has no weight any more. */
function bodyOf(bodies: RouteBodies, route: number, legs: readonly number[]): {
  words: Int32Array<ArrayBuffer>;
  length: number;
} {
  const source = bodies.read(route).words;
  const words = new Int32Array(bodyHeaderWords + legs.length * legWords);
  words.set(source.subarray(0, 4));
  words[4] = legs.length;
  legs.forEach((leg, index) => {
    const from = bodyHeaderWords + leg * legWords;
    words.set(source.subarray(from, from + legWords), bodyHeaderWords + index * legWords);
  });
  if (legs.length === 1) {
    words[bodyHeaderWords] = ((words[bodyHeaderWords] ?? 0) & 0xffff) | (1 << 16);
  }
  return { words, length: words.length };
}
