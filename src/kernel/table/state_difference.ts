/** What differs between two states: what a dump shows that no event had reported. */

import { sameFlags } from "../wire/address_message.ts";
import type { ChangeCollector } from "./change_collector.ts";
import type { KernelState } from "./kernel_state.ts";
import { sameNames, sameState } from "../wire/link_message.ts";
import { sameNextHop } from "../wire/next_hop_message.ts";
import type { RouteSegment } from "./route_segment.ts";

/**
 * Collects the prefixes whose routes differ, and whether links or addresses do.
 *
 * @param after a state with the same tables and families as `before`.
 */
export function collectDifferences(before: KernelState, after: KernelState, changes: ChangeCollector): void {
  if (!sameLinks(before, after) || !sameAddresses(before, after)) changes.interfaces();
  if ((before.needsNextHops || after.needsNextHops) && !sameNextHops(before, after)) changes.all();
  const bodyAfter = translation(before, after);
  before.segments.forEach((segment) => {
    const other = after.segment(segment.family, segment.table);
    if (other !== undefined && !changes.isAll) collectSegment(segment, other, bodyAfter, changes);
  });
}

function collectSegment(
  before: RouteSegment,
  after: RouteSegment,
  bodyAfter: Int32Array,
  changes: ChangeCollector,
): void {
  before.compare(after, bodyAfter, (words, length) => {
    const old = before.routesOf(words, length);
    const now = after.routesOf(words, length);
    const same = old.length === now.length && old.every((body, index) => bodyAfter[body] === now[index]);
    if (!same) changes.prefix(before.family, words, length);
    return !changes.isAll;
  });
}

/** What the bodies of one state are called in another; -1 for those that it does not have. */
export function translation(before: KernelState, after: KernelState): Int32Array {
  const names = new Int32Array(before.bodies.count);
  for (let body = 0; body < names.length; body++) names[body] = after.bodies.find(before.bodies.read(body));
  return names;
}

function sameLinks({ linksByIndex: before }: KernelState, { linksByIndex: after }: KernelState): boolean {
  return before.size === after.size && before.values().every((link) => {
    const other = after.get(link.index);
    return other !== undefined && sameNames(link, other) && sameState(link, other);
  });
}

/** Their order counts: of two addresses that are as good the kernel sends from the first, and an event does not tell its place. */
function sameAddresses(before: KernelState, after: KernelState): boolean {
  const others = [...after.addressesByKey];
  return before.addressesByKey.size === others.length &&
    [...before.addressesByKey].every(([key, address], index) => {
      const [otherKey, other] = others[index] ?? [];
      return key === otherKey && other !== undefined && sameFlags(address, other);
    });
}

function sameNextHops({ nextHops: before }: KernelState, { nextHops: after }: KernelState): boolean {
  return before.size === after.size && before.values().every((nextHop) => {
    const other = after.get(nextHop.id);
    return other !== undefined && sameNextHop(nextHop, other);
  });
}
