/**
 * The kernel's own choice among the routes of one prefix. Pure.
 *
 * The kernel asks one table after the other; in a table the lowest metric decides, then the highest
 * preference (RTA_PREF of IPv6, rt6_score_route in net/ipv6/route.c), then the first listed:
 *
 * | the table's routes for the prefix        | what the kernel does          | here                        |
 * | ---------------------------------------- | ----------------------------- | --------------------------- |
 * | none                                     | asks the next table           | the next table decides      |
 * | unicast, every leg dead (RTNH_F_DEAD)    | passes over that route        | it takes no part            |
 * | unicast, without carrier only            | uses it                       | it may win                  |
 * | `throw` with the lowest metric           | leaves the table (-EAGAIN)    | the next table decides      |
 * | any other type with the lowest metric    | uses it, or refuses the packet | it wins                    |
 * | IPv6, all of the lowest metric dead      | looks at all others at once   | preference decides alone    |
 *
 * A leg without carrier is flagged dead as well where `ignore_routes_with_linkdown` is set
 * (fib_nexthop_info in net/ipv4/fib_semantics.c, rt6_fill_node in net/ipv6/route.c), so the flag alone decides.
 */

import type { KernelRoute } from "../kernel/kernel_table.ts";

/** `rtm_type` of a plain route, of one that drops packets and of one that ends the look-up in its table (linux/rtnetlink.h). */
export const unicastType = 1;
export const blackholeType = 6;
export const throwType = 9;

/**
 * The route that wins a prefix.
 *
 * @param routes the routes of one prefix, of any table, in the kernel's order.
 * @param tables the tables to ask, the preferred first.
 * @returns null if no route takes part. Where `throw` is all that the tables have, the first one.
 */
export function selectWinner(routes: readonly KernelRoute[], tables: readonly number[]): KernelRoute | null {
  let left: KernelRoute | null = null;
  for (const table of tables) {
    const best = bestOfTable(routes, table);
    if (best === null) continue;
    if (best.type !== throwType) return best;
    left ??= best;
  }
  return left;
}

/** Whether a `throw` route is what sends the look-up from its table on to the next. */
export function endsTable(route: KernelRoute, routes: readonly KernelRoute[]): boolean {
  return route.type === throwType && bestOfTable(routes, route.table) === route;
}

/** Whether the kernel passes over a route: a unicast route of which every leg is dead. */
export function isPassedOver({ type, legs }: KernelRoute): boolean {
  // Most routes have one leg, and it lives.
  return legs[0]?.dead === true && type === unicastType && legs.every((leg) => leg.dead);
}

/** Whether a route wins against one that is listed before it. */
function precedes(route: KernelRoute, best: KernelRoute): boolean {
  return route.metric < best.metric || (route.metric === best.metric && rank(route) > rank(best));
}

/** RTA_PREF; IPv6 stops at a blackhole made of a next-hop object, whatever came before it (__find_rr_leaf in net/ipv6/route.c). */
function rank({ prefix, type, nextHopId, preference }: KernelRoute): number {
  return prefix.family === 6 && type === blackholeType && nextHopId !== null ? Infinity : preference;
}

/** Whether a look-up in this table for any packet, whatever its TOS and source, comes upon the route. */
function isAsked(route: KernelRoute, table: number): boolean {
  return route.table === table && route.tos === 0 && route.source === null;
}

function bestOfTable(routes: readonly KernelRoute[], table: number): KernelRoute | null {
  let best: KernelRoute | null = null;
  let lowestPassedOver = Infinity;
  for (const route of routes) {
    if (!isAsked(route, table)) continue;
    if (isPassedOver(route)) lowestPassedOver = Math.min(lowestPassedOver, route.metric);
    else if (best === null || precedes(route, best)) best = route;
  }
  if (best === null || best.prefix.family === 4 || best.metric <= lowestPassedOver) return best;
  return bestOfAllMetrics(routes, best);
}

/**
 * The route that IPv6 takes where those of the lowest metric are all dead: it looks through the others without heed to their metrics
 * (the last call in find_rr_leaf, net/ipv6/route.c).
 *
 * @param best one of them, of the lowest metric.
 */
function bestOfAllMetrics(routes: readonly KernelRoute[], best: KernelRoute): KernelRoute {
  return routes
    .filter((route) => isAsked(route, best.table) && !isPassedOver(route))
    .toSorted((left, right) => rank(right) - rank(left) || left.metric - right.metric)[0] ?? best;
}
