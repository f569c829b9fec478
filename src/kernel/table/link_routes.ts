/**
 * Takes away the routes that go with a link, where it is certain which ones do, so that no dump is needed: a pod's own route on a node of
 * containers.
 *
 * When a link goes down or away the kernel drops each IPv4 route whose every leg leaves by it, in all tables, and says nothing
 * (fib_sync_down_dev and fib_flush in net/ipv4/fib_semantics.c and fib_frontend.c). It does so under the lock that each change of a route
 * needs too, so that all of them are gone before the next event. That is applied here to links that have nothing but unicast routes of one
 * leg without a gateway. Where a link has an address that others reach, a next-hop object, a leg of several, or an IPv6 route, more happens.
 */

import type { ChangeCollector } from "./change_collector.ts";
import type { KernelState } from "./kernel_state.ts";
import type { RouteBodies } from "./route_bodies.ts";
import { RT_SCOPE_LINK } from "./kernel_use.ts";

/** `rtm_type` of a plain route. */
const RTN_UNICAST = 1;

/** Takes them away. @returns false if it is not certain which ones go; then nothing is changed. */
export function dropRoutesOf(state: KernelState, link: number, changes: ChangeCollector): boolean {
  const { bodies, use, segments } = state;
  if (!use.hasPlainRoutesOnly(link)) return false;
  const marks = marked(bodies, link);
  if (marks === null) return false;
  const found = segments.map((segment) => ({ segment, prefixes: segment.prefixesWith(marks) }));
  if (found.some(({ segment, prefixes }) => segment.family === 6 && prefixes.length > 0)) return false;
  for (const { segment, prefixes } of found) {
    for (const { words, length, routes } of prefixes) {
      segment.change(words, length, routes, routes.filter((body) => marks[body] !== 1));
      changes.prefix(segment.family, words, length);
    }
  }
  use.forgetLink(link);
  return true;
}

/** One byte a body: 1 if it leaves by the link. Null if one does that is not as described above. */
function marked(bodies: RouteBodies, link: number): Uint8Array | null {
  const marks = new Uint8Array(bodies.count);
  for (let body = 0; body < marks.length; body++) {
    const legs = bodies.legCount(body);
    for (let leg = 0; leg < legs; leg++) {
      if (bodies.legInterface(body, leg) !== link) continue;
      if (legs > 1 || !isPlain(bodies, body)) return null;
      marks[body] = 1;
    }
  }
  return marks;
}

function isPlain(bodies: RouteBodies, body: number): boolean {
  return bodies.type(body) === RTN_UNICAST && bodies.scope(body) === RT_SCOPE_LINK &&
    bodies.gatewayFamily(body, 0) === 0 && bodies.nextHopId(body) === 0;
}
