/**
 * What the kernel has, as the rest of the program sees it: routes, links and addresses at one moment.
 *
 * The types here are the wall between `src/kernel`, which speaks rtnetlink, and everything behind it.
 */

import type { Family, IpAddress, Prefix, Words } from "../routes/prefix.ts";

/** One way out of a route: `rtnexthop` of a multipath route, or the only next hop of a plain one. */
export interface Leg {
  /** RTA_GATEWAY or RTA_VIA; of the other family when IPv4 goes by an IPv6 gateway (RFC 5549). */
  readonly gateway: IpAddress | null;
  /** RTA_OIF; 0 where the route names no device (a blackhole). */
  readonly interfaceIndex: number;
  /** Name of that device, or null if no link of that index is known. */
  readonly interfaceName: string | null;
  /** 1 to 256: the kernel's `rtnh_hops` plus one. */
  readonly weight: number;
  /** RTNH_F_DEAD: the kernel does not use this leg. */
  readonly dead: boolean;
  /** RTNH_F_LINKDOWN: the device has no carrier. */
  readonly linkDown: boolean;
  /** RTNH_F_ONLINK: the gateway is taken to be on the link though no subnet says so. */
  readonly onLink: boolean;
}

/** One route of a kernel table (`rtmsg` with its attributes, linux/rtnetlink.h). */
export interface KernelRoute {
  readonly prefix: Prefix;
  /** RTA_TABLE, 1 to 4294967295; 254 is main. */
  readonly table: number;
  /** `rtm_protocol`, 0 to 255: who installed it (186 is FRR's BGP, 12 BIRD). */
  readonly protocol: number;
  /** `rtm_type`: 1 unicast, 6 blackhole, … */
  readonly type: number;
  /** `rtm_scope`. */
  readonly scope: number;
  /** `rtm_tos`; a route with one other than 0 serves marked packets only. */
  readonly tos: number;
  /** RTA_PRIORITY; absent counts as 0. Lower wins. */
  readonly metric: number;
  /** RTA_NH_ID: the next-hop object that it uses, or null. */
  readonly nextHopId: number | null;
  /** Empty for blackhole, unreachable, prohibit and throw. */
  readonly legs: readonly Leg[];
}

/** A network device (`ifinfomsg`). */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_UP: switched on by the operator. */
  readonly up: boolean;
  /** IFF_RUNNING: it has carrier. */
  readonly running: boolean;
}

/** An address of a device (`ifaddrmsg`). */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly address: IpAddress;
  /** The prefix that the address puts on the link; `/32` on GCE. */
  readonly subnet: Prefix;
  /** `ifa_scope`: 0 global, 253 link, 254 host. */
  readonly scope: number;
}

/** Routes, links and addresses of one consistent moment, kept current by the monitor. */
export interface KernelTable {
  /** Number of routes kept. */
  readonly size: number;

  /** Every kept route, those of one prefix together in the kernel's own order, tables in the order asked for. */
  routes(): Iterable<KernelRoute>;

  /**
   * The routes of each prefix, one array a prefix, ordered as in {@linkcode routes}.
   *
   * @param accept given, prefixes without any route that it accepts are passed over before anything is built for them:
   * what keeps a table of a million routes cheap when few are wanted.
   */
  prefixes(accept?: (protocol: number, type: number) => boolean): Iterable<readonly KernelRoute[]>;

  /** The routes of exactly this prefix, ordered as in {@linkcode routes}; empty if there are none. */
  routesOf(prefix: Prefix): readonly KernelRoute[];

  links(): readonly Link[];

  addresses(): readonly InterfaceAddress[];
}

/** What the monitor says after the table has changed. */
export interface KernelChange {
  /** The prefixes that may differ from before, or "all" when naming them would cost more than it saves. */
  readonly prefixes: readonly Prefix[] | "all";
  /** When the news was taken from the kernel: milliseconds of the monitor's monotonic clock (`performance.now`). */
  readonly receivedAt: number;
  /** Whether addresses or links changed too, so that who "this VM" is may have changed. */
  readonly interfacesChanged: boolean;
}

/**
 * Tells whether routes of a prefix are kept at all. It is called for every route of a dump, so it gets plain numbers;
 * `words` is a scratch buffer, valid only during the call.
 */
export type KeepPrefix = (family: Family, words: Words, length: number) => boolean;
