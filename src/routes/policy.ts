/** What the user wants exported, and what is known of the VM: all that decides about a route besides the route itself. */

import type { Attachment } from "./devices.ts";
import type { NextHopIdentity } from "./next_hop.ts";
import { addressBits, type Family, type Prefix, type Words } from "./prefix.ts";
import { type FilterRule, passesFilter } from "./prefix_filter.ts";
import { blackholeType, unicastType } from "./winner.ts";

/** The user's say: the filter flags, parsed. */
export interface Policy {
  /** `-table`: kernel tables to read, in order of preference; 254 is main. */
  readonly tables: readonly number[];
  /** `-protocol`: null takes every protocol but {@linkcode neverByDefault}. */
  readonly protocols: ReadonlySet<number> | null;
  /** `-include` and `-exclude`, in the order given. */
  readonly filter: readonly FilterRule[];
  /** `-interface`: names of devices whose routes count without gateway; a device's other names count as well. */
  readonly interfaces: ReadonlySet<string>;
  /** `-blackhole`: blackhole routes count. */
  readonly blackhole: boolean;
  readonly ipv6: boolean;
  readonly allowDefault: boolean;
  readonly allowLocal: boolean;
}

/** What the policy must know of the VM; a part of `CloudIdentity`. */
export interface PolicyIdentity extends NextHopIdentity {
  /** What a route to this VM points at, by the family of the route; null where it cannot be pointed at (no IPv6). */
  readonly self: Readonly<Record<Family, string | null>>;
  /** How this VM is on the cloud network: a gateway out of such a device may be another machine. */
  readonly attachments: readonly Attachment[];
  /** Address space of the VM's own VPC, VNet or network: destinations inside it are the cloud's own business. */
  readonly networks: readonly Prefix[];
  /** Ranges that this cloud reserves besides those that all reserve. */
  readonly reserved: readonly Prefix[];
}

/** Protocols not exported unless `-protocol` names them: redirect 1, kernel 2, ra 9, dhcp 16 (linux/rtnetlink.h). */
const neverByDefault: ReadonlySet<number> = new Set([1, 2, 9, 16]);

/** Whether routes of a protocol are exported, `-interface` and `-blackhole` left aside. */
export function takesProtocol(policy: Policy, protocol: number): boolean {
  return policy.protocols === null ? !neverByDefault.has(protocol) : policy.protocols.has(protocol);
}

/**
 * Whether routes of a prefix can ever be wanted: what the monitor need not keep. Default routes are always kept, since
 * they tell which interface the VM's own address is on, and so are routes to one address, which may be a tunnel's peer.
 */
export function keepPrefix(policy: Policy, family: Family, words: Words, length: number): boolean {
  if (length === 0) return true;
  if (family === 6 && (!policy.ipv6 || isLocal6(words, length))) return false;
  // The way to a tunnel's peer: a wanted route that covers it may loop.
  if (length === addressBits(family)) return true;
  return passesFilter(policy.filter, family, words, length);
}

/**
 * Whether it lies inside fe80::/10 or ff00::/8: never wanted, and each device has one, so that a node of many containers would keep as
 * many and look after the links of all of them.
 */
function isLocal6([first]: Words, length: number): boolean {
  return (length >= 10 && first >>> 22 === 0xfe80 >>> 6) || (length >= 8 && first >>> 24 === 0xff);
}

/** Protocols of routes that a person, a DHCP client or a tunnel's script adds: kernel 2, boot 3, static 4, ra 9, dhcp 16. */
const hostProtocols: ReadonlySet<number> = new Set([2, 3, 4, 9, 16]);

/** Whether routes of a protocol and type may lead a tunnel to its peer. */
export function mayLeadOut(protocol: number, type: number): boolean {
  return type === unicastType && hostProtocols.has(protocol);
}

/** Whether a route of this protocol and type can ever be wanted, whatever else it has. */
export function mayBeWanted(policy: Policy, protocol: number, type: number): boolean {
  const isBlackhole = type === blackholeType;
  if (!(type === unicastType || (isBlackhole && policy.blackhole))) return false;
  if (takesProtocol(policy, protocol)) return true;
  // Both flags lift the default set of protocols only.
  return policy.protocols === null && (isBlackhole || policy.interfaces.size > 0);
}
