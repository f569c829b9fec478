/**
 * Which bodies are one route to the kernel: all that makes it, not the state that its legs are in (a leg without carrier is flagged so
 * in one message and not in another). A next-hop object stands for its legs, and for its type where it is a blackhole.
 */

import type { RouteBodies } from "./route_bodies.ts";
import {
  bodyHeaderWords,
  type BodyWords,
  legWords,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
} from "../wire/route_body.ts";

/** RTNH_COMPARE_MASK (linux/rtnetlink.h), as far as it is kept: what does not tell two IPv4 legs apart. */
const stateFlags = RTNH_F_DEAD | RTNH_F_LINKDOWN;

/** Of a leg's first word: the gateway's family, which with gateway, device and tunnel tells two IPv6 legs apart. */
const familyMask = 0xff00;

/** Of a body's first word: the type. */
const typeMask = 0xff0000;

/**
 * IPv4: protocol, type, scope, TOS, metric, preferred source, metrics, and of each leg gateway, device, weight, realm, tunnel and flags
 * (fib_find_info and nh_comp in net/ipv4/fib_semantics.c).
 */
export function sameRoute4(bodies: RouteBodies, left: number, right: number): boolean {
  if (left === right) return true;
  const object = bodies.nextHopId(left);
  if (object !== bodies.nextHopId(right) || bodies.word(left, 5) !== bodies.word(right, 5)) return false;
  const header = (bodies.word(left, 0) ^ bodies.word(right, 0)) & (object === 0 ? ~0 : ~typeMask);
  if (header !== 0 || bodies.metric(left) !== bodies.metric(right)) return false;
  return object !== 0 || sameLegs(bodies, left, right, ~stateFlags);
}

/**
 * IPv6: type, metric, and of each leg gateway, device and tunnel (rt6_duplicate_nexthop in net/ip6_route.h); the protocol does not count.
 */
export function sameRoute6(bodies: RouteBodies, left: number, right: number): boolean {
  if (left === right) return true;
  const object = bodies.nextHopId(left);
  if (object !== bodies.nextHopId(right) || bodies.metric(left) !== bodies.metric(right)) return false;
  if (object !== 0) return true;
  return bodies.type(left) === bodies.type(right) && sameLegs(bodies, left, right, familyMask);
}

/** IPv6: whether a route is a leg of a set, or the set (rt6_qualify_for_ecmp in net/ip6_route.h). */
export function isSet(bodies: RouteBodies, route: number): boolean {
  return bodies.nextHopId(route) === 0 && bodies.legCount(route) > 0 && bodies.gatewayFamily(route, 0) !== 0;
}

/** IPv6: whether every leg of `part` is one of `whole`. */
export function hasLegsOf(bodies: RouteBodies, whole: number, part: number): boolean {
  return legsOf(bodies, part).every((leg) => hasLeg(bodies, whole, part, leg));
}

/** IPv6: whether a route has a leg of these words, whatever its state and weight. */
export function hasLegWords(bodies: RouteBodies, route: number, words: Int32Array): boolean {
  return legsOf(bodies, route).some((leg) => {
    const at = bodyHeaderWords + leg * legWords;
    return words.every((word, index) =>
      ((bodies.word(route, at + index) ^ word) & (index === 0 ? familyMask : -1)) === 0
    );
  });
}

/**
 * IPv6: the body of `route` with those legs of `source` only that `without`, where it is given, does not have. A single leg has no
 * weight any more.
 */
export function withLegsOf(
  bodies: RouteBodies,
  route: number,
  source: number,
  without: number | null,
): BodyWords {
  const legs = legsOf(bodies, source).filter((leg) =>
    without === null || !hasLeg(bodies, without, source, leg)
  );
  const header = bodies.read(route).words.subarray(0, bodyHeaderWords);
  const extras = extrasOf(bodies, route);
  const words = new Int32Array(bodyHeaderWords + legs.length * legWords + extras.length);
  words.set(header);
  words.set(extras, words.length - extras.length);
  words[4] = legs.length;
  const from = bodies.read(source).words;
  legs.forEach((leg, index) => {
    const at = bodyHeaderWords + leg * legWords;
    words.set(from.subarray(at, at + legWords), bodyHeaderWords + index * legWords);
  });
  if (legs.length === 1) words[bodyHeaderWords] = ((words[bodyHeaderWords] ?? 0) & 0xffff) | (1 << 16);
  return { words, length: words.length };
}

/** Whether two routes have the same words behind their legs, of one protocol, type, scope and TOS. */
export function sameHeader(bodies: RouteBodies, left: number, right: number): boolean {
  if (bodies.word(left, 0) !== bodies.word(right, 0)) return false;
  const extras = extrasOf(bodies, left), others = extrasOf(bodies, right);
  return extras.length === others.length && extras.every((word, index) => word === others[index]);
}

/** The words behind the legs. */
function extrasOf(bodies: RouteBodies, route: number): Int32Array {
  return bodies.read(route).words.subarray(bodyHeaderWords + bodies.legCount(route) * legWords);
}

function legsOf(bodies: RouteBodies, route: number): number[] {
  return Array.from({ length: bodies.legCount(route) }, (_, leg) => leg);
}

function hasLeg(bodies: RouteBodies, whole: number, route: number, leg: number): boolean {
  return legsOf(bodies, whole).some((other) => sameLeg(bodies, whole, other, route, leg, familyMask));
}

function sameLegs(bodies: RouteBodies, left: number, right: number, mask: number): boolean {
  const legs = bodies.legCount(left);
  if (bodies.legCount(right) !== legs) return false;
  for (let leg = 0; leg < legs; leg++) {
    if (!sameLeg(bodies, left, leg, right, leg, mask)) return false;
  }
  return true;
}

/** Whether two legs agree in all but those bits of their first word that `mask` does not keep. */
function sameLeg(
  bodies: RouteBodies,
  left: number,
  leftLeg: number,
  right: number,
  rightLeg: number,
  mask: number,
): boolean {
  const leftAt = bodyHeaderWords + leftLeg * legWords;
  const rightAt = bodyHeaderWords + rightLeg * legWords;
  if (((bodies.word(left, leftAt) ^ bodies.word(right, rightAt)) & mask) !== 0) return false;
  for (let index = 1; index < legWords; index++) {
    if (bodies.word(left, leftAt + index) !== bodies.word(right, rightAt + index)) return false;
  }
  return true;
}
