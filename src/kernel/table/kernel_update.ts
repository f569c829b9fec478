/** Brings the messages of dumps and events into a state, and says what they change and what they leave in doubt. */

import type { Family, Words } from "../../routes/prefix.ts";
import { decodeAddress } from "../wire/address_message.ts";
import type { ChangeCollector } from "./change_collector.ts";
import { applyAddress, applyLink, applyNextHop, deleteNextHop } from "./interface_update.ts";
import { addressKey, type KernelState } from "./kernel_state.ts";
import type { KeepPrefix } from "../kernel_table.ts";
import { decodeLink } from "../wire/link_message.ts";
import {
  type MessageWalk,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
} from "../wire/netlink_message.ts";
import { decodeNextHop } from "../wire/next_hop_message.ts";
import { DoubtedPrefixes } from "./doubted_prefixes.ts";
import { PartialKeys } from "./partial_keys.ts";
import { applyRouteEvent, type RouteEvent } from "./route_event.ts";
import { RouteDecoder } from "../wire/route_message.ts";
import type { RouteSegment } from "./route_segment.ts";

/** A route event and the prefix that it is about. */
export interface PrefixEvent {
  readonly family: Family;
  readonly words: Words;
  readonly length: number;
  readonly segment: RouteSegment;
  readonly event: RouteEvent;
}

/** One decoder for dumps and events; of the kernel's state it holds only what a dump does not show. */
export class KernelUpdate {
  readonly #keepPrefix: KeepPrefix | undefined;
  readonly #decoder = new RouteDecoder();
  readonly #partialKeys = new PartialKeys();
  /** Of which the live table may not know all; {@linkcode applyEvent} adds to it, a dump takes away. */
  readonly doubted = new DoubtedPrefixes();
  readonly #isNamed: (device: string) => boolean;

  /**
   * @param keepPrefix tells which prefixes are kept; absent: all.
   * @param isNamed see {@linkcode KernelMonitorOptions.isNamed}.
   */
  constructor(keepPrefix?: KeepPrefix, isNamed: (device: string) => boolean = () => false) {
    this.#keepPrefix = keepPrefix;
    this.#isNamed = isNamed;
  }

  /**
   * Adds what one message of a dump of links, addresses or next-hop objects tells.
   *
   * @throws {DecodeError} if the message is not as it must be.
   */
  addDumped(state: KernelState, walk: MessageWalk): void {
    if (walk.type === RTM_NEWLINK) {
      const link = decodeLink(walk);
      if (link !== null) state.linksByIndex.set(link.index, link);
    } else if (walk.type === RTM_NEWADDR) {
      const address = decodeAddress(walk);
      if (address !== null) state.addressesByKey.set(addressKey(address), address);
    } else if (walk.type === RTM_NEWNEXTHOP) {
      const nextHop = decodeNextHop(walk);
      state.nextHops.set(nextHop.id, nextHop);
    }
  }

  #keeps(): boolean {
    const { family, words, length } = this.#decoder;
    return this.#keepPrefix === undefined || this.#keepPrefix(family, words, length);
  }

  #addBody(state: KernelState): number {
    const { bodies } = state;
    const known = bodies.count;
    const body = bodies.add(this.#decoder.body);
    if (bodies.count > known) state.noteBody(body);
    return body;
  }

  /**
   * Applies one event.
   *
   * @param changes gets what changes, and the doubt if the event tells of more than it says.
   * @param isLive whether the state is the one that the event was sent from; false where it is replayed to a dump.
   * @throws {DecodeError} if the message is not as it must be.
   */
  applyEvent(state: KernelState, walk: MessageWalk, changes: ChangeCollector, isLive = true): void {
    switch (walk.type) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return this.#applyRoute(state, walk, changes);
      case RTM_NEWLINK:
      case RTM_DELLINK: {
        const link = decodeLink(walk);
        const deleted = walk.type === RTM_DELLINK;
        return link === null
          ? undefined
          : applyLink(state, link, { deleted, isLive, isNamed: this.#isNamed }, changes);
      }
      case RTM_NEWADDR:
      case RTM_DELADDR: {
        const address = decodeAddress(walk);
        return address === null
          ? undefined
          : applyAddress(state, address, walk.type === RTM_DELADDR, changes);
      }
      case RTM_NEWNEXTHOP:
        return applyNextHop(state, decodeNextHop(walk), changes);
      case RTM_DELNEXTHOP:
        return deleteNextHop(state, decodeNextHop(walk), changes);
    }
  }

  /**
   * Reads a route event without applying it.
   *
   * @param state gets the body.
   * @returns null if it is of no table that is watched, or its prefix is not kept. The words are good until the next message.
   * @throws {DecodeError} if the message is not as it must be.
   */
  readRouteEvent(state: KernelState, walk: MessageWalk): PrefixEvent | null {
    const decoder = this.#decoder;
    if (!decoder.decode(walk)) return null;
    const { family, words, length, table } = decoder;
    const segment = state.segment(family, table);
    if (segment === undefined || !this.#keeps()) return null;
    const body = this.#addBody(state);
    if (walk.type === RTM_NEWROUTE) {
      state.noteKept(body);
      state.lifetimes.note(decoder.expires);
    }
    const partial = family === 6 && this.#partialKeys.has(table, words, length, state.bodies.metric(body));
    return {
      family,
      words,
      length,
      segment,
      event: {
        family,
        deleted: walk.type === RTM_DELROUTE,
        flags: walk.flags,
        body,
        partial,
        firstLeg: decoder.firstLeg?.slice() ?? null,
      },
    };
  }

  /** Remembers that dumps may not show all of a key any more, or do again; see {@linkcode RouteEvent.partial}. */
  setPartial({ words, length, segment, event }: PrefixEvent, state: KernelState, partial: boolean): void {
    if (partial === event.partial) return;
    this.#partialKeys.set(segment.table, words, length, state.bodies.metric(event.body), partial);
  }

  /** Remembers that the kernel has a route, or a leg, of an IPv6 key that it passes over: events may mean it, or leave it alone behind. */
  hide(table: number, words: Words, length: number, metric: number): void {
    this.#partialKeys.set(table, words, length, metric, true);
  }

  #applyRoute(state: KernelState, walk: MessageWalk, changes: ChangeCollector): void {
    const read = this.readRouteEvent(state, walk);
    if (read === null) return;
    const { family, words, length, segment, event } = read;
    const before = segment.routesOf(words, length);
    const { routes, certain, partial } = applyRouteEvent(state.bodies, before, event);
    this.setPartial(read, state, partial);
    if (!certain) {
      this.doubted.add(family, segment.table, words, length);
      changes.doubt("a route event is ambiguous", false);
    }
    if (before.length === routes.length && before.every((body, index) => body === routes[index])) return;
    segment.change(words, length, before, routes);
    changes.prefix(family, words, length);
  }
}
