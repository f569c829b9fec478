/**
 * A model of the IPv4 routes of one prefix and table, written from fib_table_insert, fib_table_delete (net/ipv4/fib_trie.c), fib_find_info,
 * nh_comp and fib_info_notify_update (net/ipv4/fib_semantics.c), as of Linux 6.18.
 */

import type { FibEvent, FibRoute } from "./fib_message.ts";

const REPLACE = 0x100, EXCL = 0x200, CREATE = 0x400, APPEND = 0x800;

/** The aliases of one leaf. */
export class Fib4 {
  readonly #routes: FibRoute[] = [];

  /** What a dump shows. */
  dump(): readonly FibRoute[] {
    return this.#routes;
  }

  /** RTM_NEWROUTE with these flags; what the kernel tells of it, nothing if it refuses. */
  insert(route: FibRoute, flags: number): FibEvent[] {
    const first = this.#routes.findIndex((other) => sameKey(other, route));
    let eventFlags = EXCL;
    let at = first;
    if (first >= 0) {
      if ((flags & EXCL) !== 0) return [];
      eventFlags = 0;
      const match = this.#routes.findIndex((other) => sameKey(other, route) && same(other, route));
      if ((flags & REPLACE) !== 0) {
        if (match >= 0) return [];
        this.#routes[first] = route;
        return [{ deleted: false, flags: REPLACE, route }];
      }
      if (match >= 0) return [];
      if ((flags & APPEND) !== 0) {
        eventFlags |= APPEND;
        at = this.#routes.findLastIndex((other) => sameKey(other, route)) + 1;
      }
    } else at = this.#place(route);
    if ((flags & CREATE) === 0) return [];
    this.#routes.splice(at, 0, route);
    return [{ deleted: false, flags: eventFlags | CREATE, route }];
  }

  /** RTM_DELROUTE of the first route that matches. */
  remove(matches: (route: FibRoute) => boolean): FibEvent[] {
    const at = this.#routes.findIndex(matches);
    const [route] = at < 0 ? [] : this.#routes.splice(at, 1);
    return route === undefined ? [] : [{ deleted: true, flags: 0, route }];
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

  /** fib_find_alias: by descending TOS, then ascending metric. */
  #place({ tos, metric }: FibRoute): number {
    const at = this.#routes.findIndex((other) =>
      other.tos < tos || (other.tos === tos && other.metric >= metric)
    );
    return at < 0 ? this.#routes.length : at;
  }
}

function sameKey(left: FibRoute, right: FibRoute): boolean {
  return left.tos === right.tos && left.metric === right.metric;
}

/** Of one key: whether both have one `fib_info` and type. */
function same(left: FibRoute, right: FibRoute): boolean {
  if (left.object !== 0 && left.object === right.object) {
    return essence({ ...left, type: 1, legs: [] }) === essence({ ...right, type: 1, legs: [] });
  }
  return essence(left) === essence(right);
}

function essence(route: FibRoute): string {
  return JSON.stringify(route);
}
