/** Brings the messages of dumps and events into a state, and says what they change and what they leave in doubt. */

import { decodeAddress } from "./address_message.ts";
import type { ChangeCollector } from "./change_collector.ts";
import { addressKey, type KernelState } from "./kernel_state.ts";
import type { InterfaceAddress, KeepPrefix, Link } from "./kernel_table.ts";
import { decodeLink } from "./link_message.ts";
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
} from "./netlink_message.ts";
import { decodeNextHop, type NextHop, sameNextHop } from "./next_hop_message.ts";
import { applyRouteEvent } from "./route_event.ts";
import { RouteDecoder } from "./route_message.ts";

/** One decoder for dumps and events; it holds no state of the kernel's. */
export class KernelUpdate {
  readonly #keepPrefix: KeepPrefix | undefined;
  readonly #decoder = new RouteDecoder();

  /** @param keepPrefix tells which prefixes are kept; absent: all. */
  constructor(keepPrefix?: KeepPrefix) {
    this.#keepPrefix = keepPrefix;
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
   * @throws {DecodeError} if the message is not as it must be.
   */
  applyEvent(state: KernelState, walk: MessageWalk, changes: ChangeCollector): void {
    switch (walk.type) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return this.#applyRoute(state, walk, changes);
      case RTM_NEWLINK:
      case RTM_DELLINK: {
        const link = decodeLink(walk);
        return link === null ? undefined : applyLink(state, link, walk.type === RTM_DELLINK, changes);
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

  #applyRoute(state: KernelState, walk: MessageWalk, changes: ChangeCollector): void {
    const decoder = this.#decoder;
    if (!decoder.decode(walk)) return;
    const { family, words, length, table } = decoder;
    const segment = state.segment(family, table);
    if (segment === undefined || !this.#keeps()) return;
    const before = segment.routesOf(words, length);
    const { routes, certain } = applyRouteEvent(state.bodies, before, {
      family,
      deleted: walk.type === RTM_DELROUTE,
      flags: walk.flags,
      body: this.#addBody(state),
    });
    if (!certain) changes.doubt("a route event is ambiguous", false);
    if (before.length === routes.length && before.every((body, index) => body === routes[index])) return;
    segment.change(words, length, before, routes);
    changes.prefix(family, words, length);
  }
}

/**
 * A link that goes up or down, gains or loses its carrier, or goes away takes routes with it (or gives them back), and
 * the kernel sends no route event for most of them.
 */
function applyLink(state: KernelState, link: Link, deleted: boolean, changes: ChangeCollector): void {
  const old = state.linksByIndex.get(link.index);
  if (deleted) state.linksByIndex.delete(link.index);
  else state.linksByIndex.set(link.index, link);
  const same = !deleted && old?.up === link.up && old.running === link.running;
  if (!same && (old !== undefined || !deleted)) changes.doubt(`link ${link.name} changed`, true);
  if (!same || old.name !== link.name) changes.interfaces();
}

/** With a device's last address its routes go, with a new one dead legs come back; neither is announced. */
function applyAddress(
  state: KernelState,
  address: InterfaceAddress,
  deleted: boolean,
  changes: ChangeCollector,
): void {
  const key = addressKey(address);
  const known = state.addressesByKey.has(key);
  if (deleted) state.addressesByKey.delete(key);
  else state.addressesByKey.set(key, address);
  // IPv6 repeats an address whenever its lifetime is renewed.
  if (known !== deleted) return;
  changes.interfaces();
  changes.doubt(`address ${address.address.text} ${deleted ? "went" : "came"}`, true);
}

/** A changed object changes the routes that use it; of a group, or of a route that names it only, nothing else tells. */
function applyNextHop(state: KernelState, nextHop: NextHop, changes: ChangeCollector): void {
  const old = state.nextHops.get(nextHop.id);
  state.nextHops.set(nextHop.id, nextHop);
  if (old === undefined || sameNextHop(old, nextHop)) return;
  if (state.needsNextHops) changes.all();
  changes.doubt(`next-hop object ${nextHop.id} changed`, true);
}

function deleteNextHop(state: KernelState, { id }: NextHop, changes: ChangeCollector): void {
  if (!state.nextHops.delete(id)) return;
  if (state.needsNextHops) changes.all();
  changes.doubt(`next-hop object ${id} went`, true);
}
