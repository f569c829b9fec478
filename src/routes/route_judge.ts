/**
 * Which kernel routes are wanted in the cloud, and why each other is not. Pure.
 *
 * First the kernel's own choice (`winner.ts`), whatever the protocol, as a routing daemon redistributes only the selected route;
 * then ours: only the winner is judged.
 */

import type { KernelRoute, Leg } from "../kernel/kernel_table.ts";
import { type JudgedRanges, judgedRanges } from "./destination_rule.ts";
import { type Devices, findDevices, type KernelDevices } from "./devices.ts";
import { type DropReason, firstReason } from "./drop_reason.ts";
import { type NextHop, NextHopRule, type SelfReason } from "./next_hop.ts";
import { type Policy, type PolicyIdentity, takesProtocol } from "./policy.ts";
import type { Family, Prefix } from "./prefix.ts";
import { firstMatch, passesFilter } from "./prefix_filter.ts";
import { enclosingRange, isDefault } from "./special_ranges.ts";
import { type RouterBound, routerBoundOf } from "./would_loop.ts";
import { blackholeType, endsTable, isPassedOver, selectWinner, throwType, unicastType } from "./winner.ts";

/** A route that the cloud should have. */
export interface WantedRoute {
  readonly prefix: Prefix;
  /** At least one, the preferred first. */
  readonly nextHops: readonly NextHop[];
  readonly metric: number;
  readonly protocol: number;
}

/** What is to become of one kernel route. */
export type Verdict =
  | {
    readonly verdict: "wanted";
    readonly route: KernelRoute;
    readonly wanted: WantedRoute;
    /** One entry a leg of the route, in their order. */
    readonly legs: readonly LegUse[];
  }
  | { readonly verdict: "dropped"; readonly route: KernelRoute; readonly reason: DropReason };

/** What becomes of one leg of a wanted route. */
export type LegUse =
  /** Packets go to its gateway, if that proves to be another machine; else to this VM. */
  | { readonly to: "gateway"; readonly why: null }
  | { readonly to: "self"; readonly why: SelfReason }
  /** It does not count. */
  | { readonly to: null; readonly why: DropReason };

/** What the legs of a route that has won its prefix say. */
export interface Way {
  /** Why the route is not wanted whatever its destination is; null: the destination decides. */
  readonly reason: DropReason | null;
  /** At least one where `reason` is null, the preferred first. */
  readonly nextHops: readonly NextHop[];
}

/** Judges routes by one policy, for one VM, with the kernel's devices as they were when it was made. */
export class RouteJudge {
  readonly #policy: Policy;
  readonly #self: PolicyIdentity["self"];
  readonly #ranges: JudgedRanges;
  readonly #named: Devices["named"];
  readonly #rule: NextHopRule;

  constructor(policy: Policy, identity: PolicyIdentity, kernel: KernelDevices) {
    const devices = findDevices(kernel, policy.interfaces, identity.attachments);
    this.#policy = policy;
    this.#self = identity.self;
    this.#ranges = judgedRanges(policy, identity);
    this.#named = devices.named;
    this.#rule = new NextHopRule(identity, devices);
  }

  /**
   * Judges all routes of one prefix.
   *
   * @param routes the routes of one prefix, of any table, in the kernel's order.
   * @returns one verdict a route, in the same order; at most one is "wanted".
   */
  verdicts(routes: readonly KernelRoute[]): readonly Verdict[] {
    return this.contest(routes).map((lost, index): Verdict => {
      const route = routes[index];
      if (route === undefined) throw new Error("Cannot judge a route that is not there");
      const judged = lost ?? this.#judge(route);
      return typeof judged === "string"
        ? { verdict: "dropped", route, reason: judged }
        : { verdict: "wanted", route, wanted: judged, legs: this.legUses(route) };
    });
  }

  /**
   * The kernel's own choice among the routes of one prefix. Of the prefix itself its family alone counts.
   *
   * @returns for each route why it does not win; null for the one that does.
   */
  contest(routes: readonly KernelRoute[]): readonly (DropReason | null)[] {
    const winner = selectWinner(routes, this.#policy.tables);
    return routes.map((route) =>
      this.#outsideContest(route) ?? (route === winner ? null : this.#whyLost(route, winner, routes))
    );
  }

  /** The route that decides about a prefix, wanted or not; null if none takes part. */
  winner(routes: readonly KernelRoute[]): KernelRoute | null {
    const [first] = routes;
    if (first === undefined || (first.prefix.family === 6 && !this.#policy.ipv6)) return null;
    return selectWinner(routes, this.#policy.tables);
  }

  /**
   * Whether and how the kernel sends a prefix by a subnet's router, wanted or not. Null inside the reserved ranges: no route table decides
   * about these.
   */
  routerBound(routes: readonly KernelRoute[]): RouterBound | null {
    const bound = routerBoundOf(routes, this.#policy.tables, (leg) => this.#rule.goesBySubnetRouter(leg));
    return bound === null || enclosingRange(this.#ranges.reserved, bound.prefix) !== null ? null : bound;
  }

  /** The wanted route among the routes of one prefix, or null. */
  wanted(routes: readonly KernelRoute[]): WantedRoute | null {
    const winner = this.winner(routes);
    if (winner === null) return null;
    const judged = this.#judge(winner);
    return typeof judged === "string" ? null : judged;
  }

  /** What becomes of each leg of a wanted route, whatever its prefix is. */
  legUses(route: KernelRoute): readonly LegUse[] {
    return route.legs.map((leg): LegUse => {
      const unused = this.#whyUnused(leg, route) ??
        (this.#rule.goesBySubnetRouter(leg) ? "subnet-router" : null);
      if (unused !== null) return { to: null, why: unused };
      const why = this.#rule.whySelf(leg);
      return why === null ? { to: "gateway", why } : { to: "self", why };
    });
  }

  #outsideContest(route: KernelRoute): DropReason | null {
    if (!this.#policy.tables.includes(route.table)) return "other-table";
    if (route.prefix.family === 6 && !this.#policy.ipv6) return "ipv6-off";
    if (route.tos !== 0) return "tos";
    if (route.source !== null) return "source-specific";
    return isPassedOver(route) ? "link-down" : null;
  }

  /** Why a route that takes part does not win: a `throw` may have made the look-up go on to the winner's table. */
  #whyLost(route: KernelRoute, winner: KernelRoute | null, routes: readonly KernelRoute[]): DropReason {
    const { tables } = this.#policy;
    const isAsked = winner === null || winner.type === throwType ||
      tables.indexOf(route.table) < tables.indexOf(winner.table);
    return isAsked && endsTable(route, routes) ? "type" : "shadowed";
  }

  /** What the cloud should have of the winner, or why nothing. */
  #judge(route: KernelRoute): WantedRoute | DropReason {
    const { prefix, metric, protocol } = route;
    const { reason, nextHops } = this.wayOf(route);
    return firstReason(reason, this.#destinationReason(prefix)) ?? { prefix, nextHops, metric, protocol };
  }

  /** What the legs of a winner say. Of its prefix the family alone counts. */
  wayOf(route: KernelRoute): Way {
    const legs = this.#usableLegs(route);
    if (typeof legs === "string") return { reason: legs, nextHops: [] };
    const onward = legs.filter((leg) => leg === null || !this.#rule.goesBySubnetRouter(leg));
    if (onward.length === 0) return { reason: "subnet-router", nextHops: [] };
    const nextHops = this.#rule.nextHopsOf(onward);
    return { reason: this.#selfReason(route.prefix.family, nextHops), nextHops };
  }

  /** Whether a live leg of a route goes by the cloud's own subnet router; see {@linkcode routerBound}. */
  goesBySubnetRouter({ type, legs }: KernelRoute): boolean {
    return type === unicastType && legs.some((leg) => !leg.dead && this.#rule.goesBySubnetRouter(leg));
  }

  /** The legs by which packets can go on, or why there are none. A blackhole counts as one leg that ends in this VM. */
  #usableLegs(route: KernelRoute): readonly (Leg | null)[] | DropReason {
    const { type, protocol, legs } = route;
    if (type === blackholeType && this.#policy.blackhole) {
      return this.#takes(protocol, true) ? [null] : "protocol";
    }
    if (type !== unicastType) return "type";
    const [only] = legs;
    if (legs.length === 1 && only !== undefined) return this.#whyUnused(only, route) ?? legs;
    const unused = legs.map((leg) => this.#whyUnused(leg, route));
    const usable = legs.filter((_, index) => unused[index] === null);
    if (usable.length > 0) return usable;
    // What is nearest to being wanted says most.
    return (["protocol", "link-down"] as const).find((reason) => unused.includes(reason)) ?? "no-gateway";
  }

  /** Why a leg of a unicast route does not count; null if it does. */
  #whyUnused(leg: Leg, { protocol }: KernelRoute): DropReason | null {
    const isNamed = this.#named.has(leg.interfaceIndex);
    if (leg.gateway === null && !isNamed) return "no-gateway";
    if (leg.dead || leg.linkDown) return "link-down";
    return this.#takes(protocol, isNamed) ? null : "protocol";
  }

  /** @param lifted whether `-interface` or `-blackhole` asks for it: they lift the default set, never `-protocol`. */
  #takes(protocol: number, lifted: boolean): boolean {
    return (lifted && this.#policy.protocols === null) || takesProtocol(this.#policy, protocol);
  }

  #destinationReason(prefix: Prefix): DropReason | null {
    if (enclosingRange(this.#ranges.reserved, prefix) !== null) return "reserved";
    if (isDefault(prefix) && !this.#policy.allowDefault) return "default-route";
    if (enclosingRange(this.#ranges.networks, prefix) !== null) return "own-network";
    return this.#filterReason(prefix);
  }

  #filterReason(prefix: Prefix): DropReason | null {
    const { filter } = this.#policy;
    if (passesFilter(filter, prefix.family, prefix.words, prefix.length)) return null;
    const match = firstMatch(filter, prefix.family, prefix.words, prefix.length);
    return match === null ? "not-included" : "excluded";
  }

  #selfReason(family: Family, nextHops: readonly NextHop[]): DropReason | null {
    if (this.#self[family] !== null) return null;
    return nextHops.some((hop) => hop.neighbour === null) ? "no-self-address" : null;
  }
}
