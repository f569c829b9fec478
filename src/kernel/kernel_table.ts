/**
 * What the kernel has, as the rest of the program sees it: routes, links and addresses at one moment.
 *
 * The types here are the wall between `src/kernel`, which speaks rtnetlink, and everything behind it.
 */

import type { Family, IpAddress, Prefix, Words } from "../routes/prefix.ts";
import type { RouteRows } from "../routes/route_rows.ts";

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
  /**
   * RTA_ENCAP_TYPE: what its packets are wrapped in ("mpls", "ip", "ila", "ip6", "seg6", "bpf", "seg6local", "rpl", "ioam6", "xfrm",
   * or the number of one that is not known), so that they do not reach the gateway as they are; null for nothing.
   */
  readonly encapsulation: string | null;
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
  /** RTA_PREF of IPv6: 1 high, 0 medium, -1 low; of routes of one metric the higher wins. 0 for IPv4. */
  readonly preference: number;
  /** RTA_NH_ID: the next-hop object that it uses, or null. */
  readonly nextHopId: number | null;
  /** RTA_SRC: it serves packets from this prefix only; null for all (IPv6, and only where asked for). */
  readonly source: Prefix | null;
  /** RTA_PREFSRC of a default route: the address that the kernel sends from; null elsewhere, and where the route names none. */
  readonly preferredSource: IpAddress | null;
  /** Empty for blackhole, unreachable, prohibit and throw. */
  readonly legs: readonly Leg[];
}

/** A network device (`ifinfomsg`). */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFLA_ALT_IFNAME: further names of the device (`ip link property add dev eth0 altname enp1s0`). */
  readonly altNames: readonly string[];
  /** IFF_UP: switched on by the operator. */
  readonly up: boolean;
  /**
   * IFF_RUNNING or IFF_LOWER_UP: it has carrier. It is the test after which the kernel flags legs as without carrier
   * (fib_netdev_event in net/ipv4/fib_frontend.c): a dormant device has IFF_LOWER_UP alone.
   */
  readonly running: boolean;
}

/** The state that an address is in (`IFA_F_*`, linux/if_addr.h). */
export interface AddressFlags {
  /** IFA_F_DEPRECATED: its preferred lifetime is over; the kernel sends from another if it can (RFC 6724). */
  readonly deprecated: boolean;
  /**
   * IFA_F_TENTATIVE without IFA_F_OPTIMISTIC: duplicate address detection is not over, the kernel does not use it yet
   * (ipv6_dev_get_saddr in net/ipv6/addrconf.c).
   */
  readonly tentative: boolean;
  /** IFA_F_DADFAILED: another host has it, the kernel does not use it. */
  readonly failed: boolean;
  /** IFA_F_TEMPORARY of IPv6: a privacy address, replaced every day (RFC 8981). */
  readonly temporary: boolean;
}

/** An address of a device (`ifaddrmsg`). */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly address: IpAddress;
  /** The prefix that the address puts on the link; `/32` on GCE. */
  readonly subnet: Prefix;
  /** `ifa_scope`: 0 global, 253 link, 254 host. */
  readonly scope: number;
  readonly flags: AddressFlags;
}

/** Routes, links and addresses of one consistent moment, kept current by the monitor. */
export interface KernelTable {
  /** Number of routes kept. */
  readonly size: number;

  /** Every kept route, those of one prefix together in the kernel's own order, tables in the order asked for. */
  routes(): Iterable<KernelRoute>;

  /** The routes of each prefix, one array a prefix, ordered as in {@linkcode routes}. */
  prefixes(): Iterable<readonly KernelRoute[]>;

  /** Every kept route, in columns; of this very moment. */
  rows(): RouteRows;

  /** The routes of exactly this prefix, ordered as in {@linkcode routes}; empty if there are none. */
  routesOf(prefix: Prefix): readonly KernelRoute[];

  /** Whether the kernel may have routes of this prefix that it keeps back: that there are none here does not mean that they are gone. */
  mayLack(prefix: Prefix): boolean;

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
