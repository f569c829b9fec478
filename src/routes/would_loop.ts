/**
 * Routes that would turn this router's own packets back to it. Pure.
 *
 * Some packets leave this VM by the cloud's subnet router: those of a tunnel to its peer, those to the cloud's API. In the subnet they
 * meet the cloud's route table. Where the longest entry for them there is a route to this VM, the cloud sends them straight back, the
 * tunnel is cut off, and with it all that it carries. Only the table of the router's own subnet can do that.
 *
 * | the kernel sends K by the subnet router; of the entries that contain K the longest is | so                           |
 * | -------------------------------------------------------------------------------------- | ---------------------------- |
 * | somebody else's, or the network's own address space                                   | K's packets get out          |
 * | a wanted route to another machine                                                     | K's packets get out          |
 * | a wanted route to this VM                                                             | it would loop; the next      |
 * |                                                                                        | longest then decides about K |
 *
 * Metadata services are link-local or else beyond all route tables (the reserved ranges): K inside of these does not count.
 */

import type { KernelRoute, Leg } from "../kernel/kernel_table.ts";
import { type IpAddress, type Prefix, prefixContains, prefixContainsAddress, prefixOf } from "./prefix.ts";
import { isPassedOver, selectWinner, unicastType } from "./winner.ts";
import { linkLocal } from "./special_ranges.ts";

/** A prefix that the kernel sends by a subnet's router. */
export interface RouterBound {
  readonly prefix: Prefix;
  /**
   * Whether packets for the very prefix may leave so though another route wins it: by a kernel table that an `ip rule` chooses for
   * them, as wg-quick does for a tunnel's own packets.
   */
  readonly itself: boolean;
  /** The subnet routers' addresses. */
  readonly gateways: readonly IpAddress[];
}

const mainTable = 254;

/**
 * Whether and how the kernel sends a prefix by a subnet's router.
 *
 * @param routes all routes of one prefix.
 * @param tables the kernel tables that are read; main counts in any case.
 */
export function routerBoundOf(
  routes: readonly KernelRoute[],
  tables: readonly number[],
  goesBySubnetRouter: (leg: Leg) => boolean,
): RouterBound | null {
  const winner = selectWinner(routes, tables);
  const gateways: IpAddress[] = [];
  let itself = false;
  for (const table of new Set([...tables, mainTable])) {
    const best = selectWinner(routes, [table]);
    if (best === null || best.type !== unicastType || isPassedOver(best)) continue;
    const legs = best.legs.filter((leg) => !leg.dead && goesBySubnetRouter(leg));
    if (legs.length === 0) continue;
    gateways.push(...legs.flatMap(({ gateway }) => gateway ?? []));
    itself ||= best !== winner;
  }
  const [first] = routes;
  return gateways.length === 0 || first === undefined ? null : { prefix: first.prefix, itself, gateways };
}

/** What a table has at a prefix, or would have. */
export type EntryKind = "none" | "self" | "elsewhere";

/** What is looked at. */
export interface LoopInput {
  readonly bound: Iterable<RouterBound>;
  /** This VM's subnets that use the table; empty: its own packets never meet it. */
  readonly subnets: readonly Prefix[];
  /** The network's own address space, to which the cloud routes by itself. */
  readonly networks: readonly Prefix[];
  /** By canonical prefix, the wanted routes made. */
  readonly entryAt: (prefix: string) => EntryKind;
}

/** The prefixes that would loop, each with what it would turn back. */
export function loopingPrefixes(input: LoopInput): ReadonlyMap<string, RouterBound> {
  const looping = new Map<string, RouterBound>();
  for (const bound of input.bound) {
    if (!meets(bound, input.subnets)) continue;
    for (const prefix of decidingPrefixes(bound, input)) {
      if (!looping.has(prefix)) looping.set(prefix, bound);
    }
  }
  return looping;
}

/** Whether packets by a subnet router meet the table: it is the router of a subnet that uses it, or may be. */
function meets({ gateways }: RouterBound, subnets: readonly Prefix[]): boolean {
  return gateways.some((gateway) =>
    subnets.some((subnet) =>
      prefixContainsAddress(subnet, gateway) ||
      (subnet.family === gateway.family && prefixContainsAddress(linkLocal, gateway))
    )
  );
}

/** The wanted routes to this VM that would decide about a prefix, one after the other as each is refused. */
function decidingPrefixes({ prefix, itself }: RouterBound, input: LoopInput): string[] {
  const { family, words, length: own } = prefix;
  const found: string[] = [];
  for (let length = own; length >= 0; length--) {
    const around = prefixOf(family, words, length);
    const kind = input.entryAt(around.text);
    if (kind === "elsewhere") break;
    if (kind === "self" && (itself || length < own)) found.push(around.text);
    // A user's route goes before the network's own of the same length.
    else if (input.networks.some((network) => network.length === length && prefixContains(network, prefix))) {
      break;
    }
  }
  return found;
}
