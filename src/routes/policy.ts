/**
 * Which kernel routes are wanted in the cloud, and why each other is not.
 *
 * First the kernel's own choice, then ours: of the routes of one prefix the lowest metric wins, whatever its protocol, as a
 * routing daemon redistributes only the selected route. Only the winner is then judged.
 */

import type { KernelRoute, Leg } from "../kernel/kernel_table.ts";
import type { DropReason } from "./drop_reason.ts";
import {
  type Family,
  type IpAddress,
  parsePrefix,
  type Prefix,
  prefixContainsAddress,
  type Words,
} from "./prefix.ts";
import { type FilterRule, firstMatch, passesFilter } from "./prefix_filter.ts";
import { enclosingRange, isDefault, reservedRanges } from "./special_ranges.ts";
import { type NextHop, nextHopsOf } from "./next_hop.ts";

/** rtm_type values (linux/rtnetlink.h). */
export const unicastType = 1;
export const blackholeType = 6;

/** Addresses that mean something on one link only (RFC 4291 section 2.5.6). */
const linkLocal = parsePrefix("fe80::/10");

/** The user's say: the filter flags, parsed. */
export interface Policy {
  /** `-table`: kernel tables to read, in order of preference; 254 is main. */
  readonly tables: readonly number[];
  /** `-protocol`: null takes every protocol but {@linkcode neverByDefault}. */
  readonly protocols: ReadonlySet<number> | null;
  /** `-include` and `-exclude`, in the order given. */
  readonly filter: readonly FilterRule[];
  /** `-interface`: names of devices whose routes count without gateway. */
  readonly interfaces: ReadonlySet<string>;
  /** `-blackhole`: blackhole routes count. */
  readonly blackhole: boolean;
  readonly ipv6: boolean;
  readonly allowDefault: boolean;
  readonly allowLocal: boolean;
}

/** What the policy must know of the VM; a part of `CloudIdentity`. */
export interface PolicyIdentity {
  readonly self: Readonly<Record<Family, string | null>>;
  readonly addresses: readonly IpAddress[];
  readonly subnets: readonly Prefix[];
  readonly networks: readonly Prefix[];
  readonly subnetRouters: readonly IpAddress[];
  readonly reserved: readonly Prefix[];
}

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
  | { readonly verdict: "exported"; readonly route: KernelRoute; readonly wanted: WantedRoute }
  | { readonly verdict: "dropped"; readonly route: KernelRoute; readonly reason: DropReason };

/** Protocols not exported unless `-protocol` names them: redirect 1, kernel 2, ra 9, dhcp 16 (linux/rtnetlink.h). */
export const neverByDefault: ReadonlySet<number> = new Set([1, 2, 9, 16]);

/**
 * Judges all routes of one prefix.
 *
 * @param routes the routes of one prefix in the kernel's order, those of a preferred table first; of any table.
 * @returns one verdict a route, in the same order; at most one is "exported".
 */
export function judgePrefix(
  routes: readonly KernelRoute[],
  policy: Policy,
  identity: PolicyIdentity,
): readonly Verdict[] {
  const winner = selectWinner(routes, policy);
  return routes.map((route) => {
    const early = outsideContest(route, policy);
    if (early !== null) return { verdict: "dropped", route, reason: early };
    if (route !== winner) return { verdict: "dropped", route, reason: "shadowed" };
    return judgeWinner(route, policy, identity);
  });
}

/** The wanted route among the routes of one prefix, or null. */
export function wantedRoute(
  routes: readonly KernelRoute[],
  policy: Policy,
  identity: PolicyIdentity,
): WantedRoute | null {
  const winner = selectWinner(routes, policy);
  if (winner === null) return null;
  const verdict = judgeWinner(winner, policy, identity);
  return verdict.verdict === "exported" ? verdict.wanted : null;
}

/**
 * The route that wins a prefix: of those in the read tables and for all packets, the lowest metric, then the first
 * listed. Null if there is none.
 */
export function selectWinner(routes: readonly KernelRoute[], policy: Policy): KernelRoute | null {
  let winner: KernelRoute | null = null;
  let winnerRank = Infinity;
  for (const route of routes) {
    if (outsideContest(route, policy) !== null) continue;
    const rank = policy.tables.indexOf(route.table);
    if (winner === null || rank < winnerRank || (rank === winnerRank && route.metric < winner.metric)) {
      winner = route;
      winnerRank = rank;
    }
  }
  return winner;
}

/**
 * Whether routes of a prefix can ever be wanted: what the monitor need not keep. Default routes are always kept, since
 * they tell which interface the VM's own address is on.
 */
export function keepPrefix(policy: Policy, family: Family, words: Words, length: number): boolean {
  if (length === 0) return true;
  if (family === 6 && !policy.ipv6) return false;
  return passesFilter(policy.filter, family, words, length);
}

/** Whether a route of this protocol and type can ever be wanted, whatever else it has. */
export function mayBeWanted(policy: Policy, protocol: number, type: number): boolean {
  if (type === blackholeType && !policy.blackhole) return false;
  if (type !== unicastType && type !== blackholeType) return false;
  return policy.interfaces.size > 0 || takesProtocol(policy, protocol);
}

function outsideContest(route: KernelRoute, policy: Policy): DropReason | null {
  if (!policy.tables.includes(route.table)) return "other-table";
  if (route.prefix.family === 6 && !policy.ipv6) return "ipv6-off";
  return route.tos === 0 ? null : "tos";
}

function judgeWinner(route: KernelRoute, policy: Policy, identity: PolicyIdentity): Verdict {
  const live = liveLegs(route, policy);
  if (typeof live === "string") return { verdict: "dropped", route, reason: live };
  const onward = live.filter((leg) => leg === null || !goesBySubnetRouter(leg, identity));
  const nextHops = nextHopsOf(onward, identity);
  const reason = destinationReason(route.prefix, policy, identity) ??
    (onward.length === 0 ? "subnet-router" : null) ??
    networkReason(route.prefix, policy, identity) ??
    filterReason(route.prefix, policy) ??
    selfReason(route.prefix.family, nextHops, identity);
  if (reason !== null) return { verdict: "dropped", route, reason };
  const { prefix, metric, protocol } = route;
  return { verdict: "exported", route, wanted: { prefix, nextHops, metric, protocol } };
}

/** The legs by which packets can go on, or why there are none. A blackhole counts as one leg that ends in this VM. */
function liveLegs(route: KernelRoute, policy: Policy): readonly (Leg | null)[] | DropReason {
  if (route.type === blackholeType && policy.blackhole) {
    return takesProtocol(policy, route.protocol) ? [null] : "protocol";
  }
  if (route.type !== unicastType) return "type";
  const isNamed = (leg: Leg): boolean => policy.interfaces.has(leg.interfaceName ?? "");
  const legs = route.legs.filter((leg) => leg.gateway !== null || isNamed(leg));
  if (legs.length === 0) return "no-gateway";
  const live = legs.filter((leg) => !leg.dead && !leg.linkDown);
  if (live.length === 0) return "link-down";
  const taken = takesProtocol(policy, route.protocol) ? live : live.filter(isNamed);
  return taken.length === 0 ? "protocol" : taken;
}

function destinationReason(prefix: Prefix, policy: Policy, identity: PolicyIdentity): DropReason | null {
  if (isDefault(prefix) && !policy.allowDefault) return "default-route";
  return enclosingRange([...reservedRanges, ...identity.reserved], prefix) === null ? null : "reserved";
}

function networkReason(prefix: Prefix, policy: Policy, identity: PolicyIdentity): DropReason | null {
  return policy.allowLocal || enclosingRange(identity.networks, prefix) === null ? null : "own-network";
}

function filterReason(prefix: Prefix, policy: Policy): DropReason | null {
  if (passesFilter(policy.filter, prefix.family, prefix.words, prefix.length)) return null;
  const match = firstMatch(policy.filter, prefix.family, prefix.words, prefix.length);
  return match === null ? "not-included" : "excluded";
}

function selfReason(
  family: Family,
  nextHops: readonly NextHop[],
  identity: PolicyIdentity,
): DropReason | null {
  const needsSelf = nextHops.some((hop) => hop.neighbour === null);
  return needsSelf && identity.self[family] === null ? "no-self-address" : null;
}

function takesProtocol(policy: Policy, protocol: number): boolean {
  return policy.protocols === null ? !neverByDefault.has(protocol) : policy.protocols.has(protocol);
}

/** IPv6 routers are known by their link-local addresses (RFC 4861 section 4.2), which lie in no subnet's prefix. */
function goesBySubnetRouter(leg: Leg, identity: PolicyIdentity): boolean {
  const gateway = leg.gateway;
  return gateway !== null && identity.subnetRouters.some((router) => router.text === gateway.text) &&
    [linkLocal, ...identity.subnets].some((subnet) => prefixContainsAddress(subnet, gateway));
}
