/**
 * Brings events of links, addresses and next-hop objects into a state.
 *
 * Most of what they do to routes the kernel does not tell, so that it must be asked again: but only if a kept route or a next-hop
 * object has to do with them. On a node that runs containers hundreds of links come and go that carry no route of ours.
 *
 * ```
 * event                              routes that may change without a word
 * link up, down, carrier, enslaved   those with a leg or an object on the link: gone, or legs flagged
 * link gone                          likewise, a multipath route as a whole
 * one of a pod down or gone          its routes, by link_routes.ts and without a dump
 * IPv4 address new                   dead legs on its link live again (fib_sync_up)
 * IPv4 address gone                  if it was the link's last: those with a leg or an object on the link (fib_disable_ip);
 *                                    before Linux 6.5 those whose source it was, on any link (fib_sync_down_addr)
 * IPv6 address new                   none
 * IPv6 address gone                  the subnet's own route gets a lifetime, if another address there has one (cleanup_prefix_route);
 *                                    those whose source it was lose the source (rt6_remove_prefsrc): before Linux 6.6 those of
 *                                    the link, since then on any link
 * next-hop object changed or gone    those that use it
 * ```
 *
 * The sources are net/ipv4/fib_frontend.c, fib_semantics.c and net/ipv6/addrconf.c and route.c; tests/system/kernel holds each row to it.
 */

import { sameFlags } from "../wire/address_message.ts";
import type { ChangeCollector } from "./change_collector.ts";
import { addressKey, type KernelState } from "./kernel_state.ts";
import type { InterfaceAddress } from "../kernel_table.ts";
import { RT_SCOPE_LINK } from "./kernel_use.ts";
import { dropRoutesOf } from "./link_routes.ts";
import { type LinkState, sameNames, sameState } from "../wire/link_message.ts";
import { type NextHop, sameNextHop } from "../wire/next_hop_message.ts";

/** How a link's event is taken. */
export interface LinkEvent {
  /** RTM_DELLINK. */
  readonly deleted: boolean;
  /** Whether the state is the one that the event was sent from, so that what follows from it can be done to the state. */
  readonly isLive: boolean;
  /** See {@linkcode KernelMonitorOptions.isNamed}. */
  readonly isNamed: (device: string) => boolean;
}

/**
 * Takes RTM_NEWLINK, or RTM_DELLINK.
 *
 * The kernel tells of a link before it drops the link's routes.
 */
export function applyLink(
  state: KernelState,
  link: LinkState,
  { deleted, isLive, isNamed }: LinkEvent,
  changes: ChangeCollector,
): void {
  const old = state.linksByIndex.get(link.index);
  if (deleted) state.linksByIndex.delete(link.index);
  else state.linksByIndex.set(link.index, link);
  const same = !deleted && old !== undefined && sameState(old, link);
  if (same && sameNames(old, link)) return;
  if ([link, old].some((each) => each !== undefined && namesOf(each).some(isNamed))) changes.interfaces();
  if (!state.use.concerns(link.index)) return;
  const mayChangeRoutes = !same && !(deleted && old === undefined) && state.use.usesLink(link.index);
  const goes = deleted || (old?.up === true && !link.up);
  // The routes of a pod's link say what goes with it: who this VM is does not depend on it.
  if (mayChangeRoutes && isLive && goes && dropRoutesOf(state, link.index, changes)) return;
  changes.interfaces();
  if (mayChangeRoutes) changes.doubt(`link ${link.name} changed`, true);
}

function namesOf({ name, altNames }: LinkState): readonly string[] {
  return [name, ...altNames];
}

/** Takes RTM_NEWADDR, or RTM_DELADDR. IPv6 repeats an address whenever its lifetime is renewed or its state changes. */
export function applyAddress(
  state: KernelState,
  address: InterfaceAddress,
  deleted: boolean,
  changes: ChangeCollector,
): void {
  const key = addressKey(address);
  const known = state.addressesByKey.get(key);
  if (deleted) state.addressesByKey.delete(key);
  else state.setAddress(address);
  if (deleted ? known === undefined : known !== undefined && sameFlags(known, address)) return;
  if (address.scope < RT_SCOPE_LINK || state.use.usesLink(address.interfaceIndex)) changes.interfaces();
  if ((!deleted && known !== undefined) || !mayChangeRoutes(state, address, deleted)) return;
  changes.doubt(`address ${address.address.text} ${deleted ? "went" : "came"}`, true);
}

/** See the head of this file. */
function mayChangeRoutes(state: KernelState, address: InterfaceAddress, deleted: boolean): boolean {
  const { use } = state;
  const { interfaceIndex, address: { family }, subnet } = address;
  if (!deleted) return family === 4 && use.mayRevive(interfaceIndex);
  if (family === 4 && use.mayNameSource) return true;
  const usesLink = use.usesLink(interfaceIndex);
  // An address of the link alone is the source of routes by that link only.
  if (family === 6 && use.defaultNamesSource && (usesLink || address.scope < RT_SCOPE_LINK)) return true;
  if (!usesLink) return false;
  const others = state.addressesByKey.values().filter((other) =>
    other.interfaceIndex === interfaceIndex && other.address.family === family
  );
  return family === 4
    ? others.next().done === true
    : others.some((other) => other.subnet.text === subnet.text);
}

/** Takes RTM_NEWNEXTHOP. A changed object changes the routes that use it; of a group, or of a route that names it only, nothing else tells. */
export function applyNextHop(state: KernelState, nextHop: NextHop, changes: ChangeCollector): void {
  const old = state.nextHops.get(nextHop.id);
  state.setNextHop(nextHop);
  if (old === undefined || sameNextHop(old, nextHop)) return;
  if (state.needsNextHops) changes.all();
  changes.doubt(`next-hop object ${nextHop.id} changed`, true);
}

/** Takes RTM_DELNEXTHOP. */
export function deleteNextHop(state: KernelState, { id }: NextHop, changes: ChangeCollector): void {
  if (!state.nextHops.delete(id)) return;
  if (state.needsNextHops) changes.all();
  changes.doubt(`next-hop object ${id} went`, true);
}
