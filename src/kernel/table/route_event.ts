/**
 * What a route event does to the routes that a prefix has in one table. Pure.
 *
 * An event does not say which route it replaces, and several routes can share a key (TOS and metric; in IPv6 the metric alone). What
 * follows from it is certain where the kernel's own rules leave one outcome; else the caller asks the kernel again.
 */

import type { Family } from "../../routes/prefix.ts";
import type { RouteBodies } from "./route_bodies.ts";
import { applyRouteEvent4 } from "./route_event4.ts";
import { applyRouteEvent6 } from "./route_event6.ts";

/** The routes of a prefix after an event. */
export interface RouteEventResult {
  /** Numbers of bodies, in the kernel's order. */
  readonly routes: readonly number[];
  /** Whether the event leaves no doubt about them. */
  readonly certain: boolean;
  /** See {@linkcode RouteEvent.partial}; from this event on. */
  readonly partial: boolean;
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
  /**
   * IPv6: whether a dump may show only a part of what the kernel has of this key, so that no event is certain until the
   * kernel says that it has none of the key (NLM_F_EXCL). It shows several legs as one route, with the protocol of the
   * first leg, and passes over all other routes that stand between the first and the last leg (fib6_dump_node in ip6_fib.c). And a
   * route whose lifetime has ended is in no state, though it keeps its place until the kernel clears it away.
   */
  readonly partial: boolean;
  /** IPv6: the words of the leg that comes first of several; null or absent for other routes. */
  readonly firstLeg?: Int32Array | null;
}

/** Applies an event. */
export function applyRouteEvent(
  bodies: RouteBodies,
  routes: readonly number[],
  event: RouteEvent,
): RouteEventResult {
  return event.family === 4
    ? applyRouteEvent4(bodies, routes, event)
    : applyRouteEvent6(bodies, routes, event);
}
