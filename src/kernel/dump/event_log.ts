/** The events that come while a dump is being read, to be applied to what it brings. */

import { align4, type MessageBuffer, messageBuffer } from "../wire/attribute_cursor.ts";
import {
  AF_INET6,
  headerBytes,
  MessageWalk,
  RTM_DELLINK,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_NEWLINK,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
} from "../wire/netlink_message.ts";

/** Beyond so many bytes another dump is cheaper. */
const mostBytes = 16 * 1024 * 1024;

/** Copies of datagrams in the order in which they came. */
export class EventLog {
  readonly #datagrams: { readonly buffer: MessageBuffer; readonly length: number }[] = [];
  #bytes = 0;
  #complete = true;
  #changes6 = 0;
  #events = 0;
  readonly #usesLink: (index: number) => boolean;

  /** @param usesLink whether a route may leave by the link of this index. */
  constructor(usesLink: (index: number) => boolean) {
    this.#usesLink = usesLink;
  }

  /** Whether nothing is missing: if something is, the rest must not be applied (a later withdrawal may be lost). */
  get complete(): boolean {
    return this.#complete;
  }

  /** How many events have come. */
  get events(): number {
    return this.#events;
  }

  /**
   * How many events have come with which the kernel may have changed an IPv6 table: of its routes, of next-hop objects, and of links, whose
   * carrier it notes at each leg (fib6_ifup and fib6_ifdown in net/ipv6/route.c). A dump that is under way starts over then, and skips
   * as many prefixes as it has brought (fib6_dump_table in net/ipv6/ip6_fib.c).
   */
  get changes6(): number {
    return this.#changes6;
  }

  /** Adds the first `length` bytes of a buffer. */
  add(bytes: Uint8Array, length: number): void {
    this.#events++;
    if (this.#mayChange6(bytes)) this.#changes6++;
    if (!this.#complete) return;
    this.#bytes += align4(length);
    if (this.#bytes > mostBytes) return this.lose();
    const buffer = messageBuffer(length);
    buffer.bytes.set(bytes.subarray(0, length));
    this.#datagrams.push({ buffer, length });
  }

  /** Events are missing. */
  lose(): void {
    this.#complete = false;
    this.#datagrams.length = 0;
  }

  /** Goes through the messages; none if some are missing. */
  replay(take: (walk: MessageWalk) => void): void {
    const walk = new MessageWalk(messageBuffer(0));
    for (const { buffer, length } of this.#datagrams) {
      walk.enter(buffer, length);
      while (walk.next()) take(walk);
    }
  }

  /** Forgets what was replayed. */
  clear(): void {
    this.#datagrams.length = 0;
  }

  /** The kernel puts one event into a datagram. */
  #mayChange6(bytes: Uint8Array): boolean {
    switch ((bytes[4] ?? 0) | ((bytes[5] ?? 0) << 8)) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return bytes[headerBytes] === AF_INET6;
      case RTM_NEWLINK:
      case RTM_DELLINK:
        return this.#usesLink(linkIndexOf(bytes));
      case RTM_NEWNEXTHOP:
      case RTM_DELNEXTHOP:
        return true;
      default:
        return false;
    }
  }
}

/** `ifi_index` of `struct ifinfomsg`, whose bytes 4 to 7 it is; 0 if the message is too short for it. */
function linkIndexOf(bytes: Uint8Array): number {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes.subarray(headerBytes + 4, headerBytes + 8);
  return first | (second << 8) | (third << 16) | (fourth << 24);
}
