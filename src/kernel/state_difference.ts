/** What differs between two states: what a dump has found out that no event had told. */

import type { ChangeCollector } from "./change_collector.ts";
import type { KernelState } from "./kernel_state.ts";
import { sameNextHop } from "./next_hop_message.ts";
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
  before.segments.forEach((segment, index) => {
    const other = after.segments[index];
    if (other !== undefined && !changes.isAll) collectSegment(segment, other, bodyAfter, changes);
  });
}

function collectSegment(
  before: RouteSegment,
  after: RouteSegment,
  bodyAfter: (body: number) => number,
  changes: ChangeCollector,
): void {
  if (before.equals(after, bodyAfter)) return;
  for (const { words, length, routes } of before.prefixes()) {
    const others = after.routesOf(words, length);
    const same = routes.length === others.length &&
      routes.every((body, index) => bodyAfter(body) === others[index]);
    if (!same) changes.prefix(before.family, words, length);
    if (changes.isAll) return;
  }
  for (const { words, length } of after.prefixes()) {
    if (before.routesOf(words, length).length === 0) changes.prefix(after.family, words, length);
    if (changes.isAll) return;
  }
}

/** What the bodies of one state are called in another; -1 for those it does not have. Looked up once each. */
function translation(before: KernelState, after: KernelState): (body: number) => number {
  const known: (number | undefined)[] = [];
  return (body) => known[body] ??= after.bodies.find(before.bodies.read(body));
}

function sameLinks({ linksByIndex: before }: KernelState, { linksByIndex: after }: KernelState): boolean {
  return before.size === after.size && before.values().every((link) => {
    const other = after.get(link.index);
    return link.name === other?.name && link.up === other.up && link.running === other.running;
  });
}

function sameAddresses(before: KernelState, after: KernelState): boolean {
  return before.addressesByKey.size === after.addressesByKey.size &&
    before.addressesByKey.keys().every((key) => after.addressesByKey.has(key));
}

function sameNextHops({ nextHops: before }: KernelState, { nextHops: after }: KernelState): boolean {
  return before.size === after.size && before.values().every((nextHop) => {
    const other = after.get(nextHop.id);
    return other !== undefined && sameNextHop(nextHop, other);
  });
}
