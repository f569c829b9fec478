/**
 * A model of the IPv6 routes of one prefix and table, written from fib6_add_rt2node, fib6_del_route, fib6_dump_node (net/ipv6/ip6_fib.c),
 * ip6_route_multipath_add and rt6_fill_node (net/ipv6/route.c), as of Linux 6.18.
 */

import type { FibEvent, FibRoute } from "./fib_message.ts";

const REPLACE = 0x100, EXCL = 0x200, CREATE = 0x400, APPEND = 0x800;

/** The routes of one node, each with one leg at most. */
export class Fib6 {
  readonly #routes: FibRoute[] = [];

  /** What a dump shows: the legs of a set as one route, and nothing of what stands between them. */
  dump(): readonly FibRoute[] {
    const shown: FibRoute[] = [];
    for (let index = 0; index < this.#routes.length; index++) {
      const route = this.#routes[index];
      if (route === undefined) break;
      const siblings = this.#siblings(route);
      shown.push(withLegs(route, siblings));
      const last = siblings.at(-1);
      if (siblings.length > 1 && last !== undefined) index = this.#routes.indexOf(last);
    }
    return shown;
  }

  /** RTM_NEWROUTE with these flags: one leg, or RTA_MULTIPATH with all of them. */
  insert(route: FibRoute, flags: number): FibEvent[] {
    const legs = route.legs;
    if (legs.length < 2) {
      const done = this.#insertOne(route, flags);
      return done === null ? [] : [{ deleted: false, flags: done, route: this.#told(route) }];
    }
    return this.#insertSet(legs.map((leg) => ({ ...route, legs: [leg] })), flags);
  }

  #insertSet(routes: readonly FibRoute[], flags: number): FibEvent[] {
    const [first] = routes;
    if (first === undefined) return [];
    const done: FibRoute[] = [];
    let flagsOfNext = flags;
    for (const route of routes) {
      if (this.#insertOne(route, flagsOfNext) === null) break;
      done.push(route);
      flagsOfNext = (flagsOfNext & ~(EXCL | REPLACE)) | CREATE;
    }
    const last = done.at(-1);
    if (last === undefined) return [];
    const siblings = this.#siblings(last);
    const told = (flags & APPEND) !== 0 ? siblings[0] ?? first : first;
    const eventFlags = ((flags & REPLACE) !== 0 ? REPLACE : CREATE) | (flags & APPEND);
    const added: FibEvent = { deleted: false, flags: eventFlags, route: this.#told(told) };
    if (done.length === routes.length) return [added];
    // A leg that is refused takes those before it away again.
    return [added, ...done.flatMap((route) => this.#removeOne(route))];
  }

  /** fib6_add_rt2node; the event's flags, or null if it is refused. */
  #insertOne(route: FibRoute, flags: number): number | null {
    const equal = this.#routes.filter(({ metric }) => metric === route.metric);
    const replace = (flags & REPLACE) !== 0;
    if (equal.length > 0 && (flags & EXCL) !== 0) return null;
    if (replace && equal.length > 0) {
      const old = equal.find((other) => isLeg(other) === isLeg(route)) ?? equal[0];
      if (old !== undefined) this.#replace(old, route);
      return REPLACE;
    }
    const present = equal.find((other) => sameNextHop(other, route));
    if (present !== undefined) {
      // It is refused, but the one that is there takes its lifetime over.
      if (present.expires !== 0) this.#exchange(present, { ...present, expires: route.expires });
      return null;
    }
    if ((flags & (CREATE | REPLACE)) === 0 || (replace && (flags & CREATE) === 0)) return null;
    const at = this.#routes.findIndex(({ metric }) => metric > route.metric);
    this.#routes.splice(at < 0 ? this.#routes.length : at, 0, route);
    return (equal.length === 0 ? EXCL : 0) | (flags & APPEND) | CREATE;
  }

  #replace(old: FibRoute, route: FibRoute): void {
    const siblings = this.#siblings(old);
    this.#routes[this.#routes.indexOf(old)] = route;
    for (const sibling of siblings) {
      if (sibling !== old) this.#routes.splice(this.#routes.indexOf(sibling), 1);
    }
  }

  /**
   * RTM_DELROUTE of the first route that matches.
   *
   * @param byGateway whether the request names a gateway: without one the whole set goes.
   */
  remove(matches: (route: FibRoute) => boolean, byGateway: boolean): FibEvent[] {
    const route = this.#routes.find(matches);
    if (route === undefined) return [];
    const siblings = this.#siblings(route);
    if (byGateway || siblings.length < 2) return this.#removeOne(route);
    const told = this.#told(route);
    for (const sibling of siblings) this.#routes.splice(this.#routes.indexOf(sibling), 1);
    return [{ deleted: true, flags: 0, route: told }];
  }

  #removeOne(route: FibRoute): FibEvent[] {
    this.#routes.splice(this.#routes.indexOf(route), 1);
    return [{ deleted: true, flags: 0, route: withLegs(route, [route]) }];
  }

  /** A next-hop object changes: each route by it is told as replaced (`nexthop_compat_mode=1`). */
  changeObject(object: number, change: (route: FibRoute) => FibRoute): FibEvent[] {
    return this.#routes.flatMap((route, index): FibEvent[] => {
      if (route.object !== object) return [];
      const changed = change(route);
      this.#routes[index] = changed;
      return [{ deleted: false, flags: REPLACE, route: changed }];
    });
  }

  /** Time goes by until all lifetimes have ended, of which the kernel says nothing. @returns whether there were any. */
  endLifetimes(): boolean {
    const living = this.#routes.filter(({ expires }) => expires > 0);
    for (const route of living) this.#exchange(route, { ...route, expires: -1 });
    return living.length > 0;
  }

  /** fib6_run_gc: routes whose lifetime has ended go at last. */
  clearAway(): FibEvent[] {
    return this.#routes.filter(({ expires }) => expires < 0).flatMap((route) => this.#removeOne(route));
  }

  #exchange(route: FibRoute, other: FibRoute): void {
    this.#routes[this.#routes.indexOf(route)] = other;
  }

  /** The legs of the set that a route belongs to, in their order; itself if it is none. */
  #siblings(route: FibRoute): FibRoute[] {
    return isLeg(route)
      ? this.#routes.filter((other) => isLeg(other) && other.metric === route.metric)
      : [route];
  }

  /** rt6_fill_node: a leg first, then those behind it, then those before it. */
  #told(route: FibRoute): FibRoute {
    const siblings = this.#siblings(route);
    const at = siblings.indexOf(route);
    return withLegs(route, [...siblings.slice(at), ...siblings.slice(0, at)]);
  }
}

function withLegs(route: FibRoute, siblings: readonly FibRoute[]): FibRoute {
  return siblings.length < 2 ? route : { ...route, legs: siblings.flatMap(({ legs }) => legs) };
}

/** rt6_qualify_for_ecmp */
function isLeg({ object, type, legs }: FibRoute): boolean {
  return object === 0 && type === 1 && (legs[0]?.host ?? 0) !== 0;
}

/** rt6_duplicate_nexthop */
function sameNextHop(left: FibRoute, right: FibRoute): boolean {
  if (left.object !== 0 || right.object !== 0) return left.object === right.object;
  const key = ({ type, legs: [leg] }: FibRoute): string =>
    type !== 1 ? "lo" : `${leg?.host} ${leg?.device} ${leg?.tunnel}`;
  return key(left) === key(right);
}
