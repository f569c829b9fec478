/**
 * Checks what a dump has lost.
 *
 * The kernel can end a dump early and say nothing: a route with more next hops than fit into one message (some 2,000 of IPv4, 1,100
 * of IPv6) ends it (fn_trie_dump_leaf in net/ipv4/fib_trie.c, rt6_dump_route in net/ipv6/route.c), and what stands behind it in the
 * table is missing. And where an IPv6 table changes while it is dumped, it may leave out routes that have not changed at all
 * (fib6_dump_table in net/ipv6/ip6_fib.c). Neither must take a route from a cloud.
 *
 * So if the end of the table is missing, or IPv6 routes changed meanwhile, the kernel is asked for each prefix that was known and
 * is not in the dump by itself, as `ip route get fibmatch` does:
 *
 * ```
 * the answer                                    the prefix
 * the very prefix                               is kept, and proves that the dump is not whole
 * a shorter prefix of this table, or no route   is gone; not where the kernel may pass over a route of the prefix
 * anything else, or was not asked               is kept beside a proof; else, if IPv6 routes changed, until the next dump agrees
 * ```
 *
 * Where the border of two datagrams falls between the routes of one prefix and the table changes then, the later ones of them are missing.
 * An answer would not show it, so that a prefix of which a dump brings fewer routes than were known keeps those, until a dump in which
 * nothing changed. In IPv4 prefixes of one address, as 10.0.0.0/16 and 10.0.0.0/24, are counted together (fn_trie_dump_leaf): where one of
 * them loses a route during a dump, the same is done for the others.
 */

import { errno } from "../../../ffi/system_error.ts";
import type { Words } from "../../routes/prefix.ts";
import type { KernelState } from "../table/kernel_state.ts";
import type { OpenPort } from "../wire/netlink_port.ts";
import { mainTable } from "./route_census.ts";
import { type LookupAnswer, RouteLookup } from "./route_lookup.ts";
import type { RouteBodies } from "../table/route_bodies.ts";
import { RTNH_F_DEAD, RTNH_F_LINKDOWN } from "../wire/route_body.ts";
import { prefixKey, type RouteSegment } from "../table/route_segment.ts";
import { translation } from "../table/state_difference.ts";

/** Beyond so many prefixes the rest is not asked for. */
const mostAsked = 16_384;

/** To look up all prefixes of so many addresses takes less time than to compare two tables. */
const fewAddresses = 64;

/** `rtm_type` of a route that sends the look-up on to the next table. */
const RTN_THROW = 9;

/** Address and length of a prefix. */
type PrefixKey = readonly [words: Words, length: number];

/** A prefix that a dump does not have. */
export interface LostPrefix {
  /** The segment of the new state. */
  readonly segment: RouteSegment;
  readonly words: Words;
  readonly length: number;
  /** Whether the table's last prefix is missing too, so that the dump may have ended early. */
  readonly endIsMissing: boolean;
  /** Whether the dump has some of its routes. */
  readonly isPartly: boolean;
  /** What the kernel says of it. */
  readonly verdict: "there" | "gone" | "unknown";
}

/** A segment of the new state, and how far its dump can be trusted. */
export interface DumpedSegment {
  readonly segment: RouteSegment;
  /** Whether the table changed while it was read in a way that can lose routes. */
  readonly disturbed: boolean;
}

/**
 * Finds the prefixes that a dump has lost where it cannot be trusted, and asks the kernel for them.
 *
 * @param before the table that was known.
 * @param deleted IPv4 prefixes of which something was deleted during the dump.
 */
export async function findLostPrefixes(
  open: OpenPort,
  before: KernelState,
  after: KernelState,
  dumped: readonly DumpedSegment[],
  deleted: readonly { readonly segment: RouteSegment; readonly words: Words }[],
): Promise<readonly LostPrefix[]> {
  const lost: LostPrefix[] = [];
  for (const { segment, disturbed } of dumped) {
    const known = before.segment(segment.family, segment.table);
    if (known === undefined) continue;
    const endIsMissing = known.endsBeyond(segment);
    const fewer = disturbed || endIsMissing
      ? fewerRoutes(known, segment, translation(before, after))
      : fewerOfAddresses(known, segment, addressesIn(segment, deleted), () => translation(before, after));
    const isMissing = ([words, length]: PrefixKey): boolean => segment.routesOf(words, length).length === 0;
    if (disturbed || !endIsMissing) {
      for (const [words, length] of fewer.filter((prefix) => !isMissing(prefix))) {
        lost.push({ segment, words, length, endIsMissing: false, isPartly: true, verdict: "unknown" });
      }
    }
    const ofKnown =
      (test: (bodies: RouteBodies, body: number) => boolean) => (words: Words, length: number): boolean =>
        known.routesOf(words, length).some((body) => test(before.bodies, body));
    lost.push(
      ...await askFor(open, segment, fewer.filter(isMissing), {
        endIsMissing,
        isByObject: ofKnown((bodies, body) => bodies.nextHopId(body) !== 0),
        isPassedOver: ofKnown(mayBePassedOver),
      }),
    );
  }
  return lost;
}

/** The addresses of those prefixes that are a segment's. */
function addressesIn(
  segment: RouteSegment,
  prefixes: readonly { readonly segment: RouteSegment; readonly words: Words }[],
): ReadonlySet<number> {
  return new Set(
    prefixes.filter((prefix) => prefix.segment === segment).map(({ words: [address] }) => address),
  );
}

/** The prefixes of which one segment has more routes than another. @param bodyInOther see {@linkcode translation}. */
function fewerRoutes(
  known: RouteSegment,
  segment: RouteSegment,
  bodyInOther: Int32Array,
): readonly PrefixKey[] {
  const fewer = new Map<number | string, PrefixKey>();
  known.compare(segment, bodyInOther, (words, length) => {
    if (hasFewer(known, segment, words, length)) {
      const [first, second, third, fourth] = words;
      fewer.set(prefixKey(known.family, words, length), [[first, second, third, fourth], length]);
    }
    return true;
  });
  return [...fewer.values()];
}

/** Those of some IPv4 addresses. */
function fewerOfAddresses(
  known: RouteSegment,
  segment: RouteSegment,
  addresses: ReadonlySet<number>,
  bodiesInOther: () => Int32Array,
): readonly PrefixKey[] {
  if (addresses.size > fewAddresses) {
    return fewerRoutes(known, segment, bodiesInOther()).filter(([[address]]) => addresses.has(address));
  }
  return [...addresses].flatMap((address) => {
    const words: Words = [address, 0, 0, 0];
    return Array.from({ length: 33 }, (_, length): PrefixKey => [words, length])
      .filter((prefix) => hasFewer(known, segment, ...prefix));
  });
}

function hasFewer(known: RouteSegment, segment: RouteSegment, words: Words, length: number): boolean {
  return known.routesOf(words, length).length > segment.routesOf(words, length).length;
}

async function askFor(
  open: OpenPort,
  segment: RouteSegment,
  prefixes: readonly PrefixKey[],
  { endIsMissing, isByObject, isPassedOver }: {
    readonly endIsMissing: boolean;
    /** Whether a prefix was known by a next-hop object. */
    readonly isByObject: (words: Words, length: number) => boolean;
    /** Whether a prefix had a route as {@linkcode mayBePassedOver} says. */
    readonly isPassedOver: (words: Words, length: number) => boolean;
  },
): Promise<readonly LostPrefix[]> {
  if (prefixes.length === 0) return [];
  using lookup = new RouteLookup(open);
  const lost: LostPrefix[] = [];
  for (const [words, length] of prefixes) {
    const asked = lost.length < mostAsked ? await lookup.ask(segment.family, words) : null;
    // What is kept with an object names no route any more when the one that it was found by is gone: the kernel then says "no route",
    // though there is another by the object (rt6_drop_pcpu_from in net/ipv6/ip6_fib.c, inet6_rtm_getroute in net/ipv6/route.c).
    const isNoAnswer = asked !== null && "errno" in asked && segment.family === 6 &&
      isByObject(words, length);
    const told = verdictOf(segment, words, length, isNoAnswer ? null : asked);
    const verdict = told === "gone" && isPassedOver(words, length) ? "unknown" : told;
    lost.push({ segment, words, length, endIsMissing, isPartly: false, verdict });
  }
  return lost;
}

/**
 * Whether an answer may be as if a route were not there: the kernel goes on to the next table at a `throw`, and says "no route" in the end
 * (fib4_rule_action and fib6_rule_action), and passes over legs that are dead or, if it is told to, without carrier (fib_table_lookup in
 * net/ipv4/fib_trie.c, find_match in net/ipv6/route.c).
 */
function mayBePassedOver(bodies: RouteBodies, body: number): boolean {
  if (bodies.type(body) === RTN_THROW) return true;
  const legs = bodies.legCount(body);
  for (let leg = 0; leg < legs; leg++) {
    if ((bodies.legFlags(body, leg) & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) !== 0) return true;
  }
  return false;
}

function verdictOf(
  { family, table }: RouteSegment,
  words: Words,
  length: number,
  answer: LookupAnswer | null,
): LostPrefix["verdict"] {
  if (answer === null) return "unknown";
  // Rules may keep this host's packets away from other tables, which then have no answer at all.
  if ("errno" in answer) {
    return answer.errno === errno.ENETUNREACH && table === mainTable ? "gone" : "unknown";
  }
  if (answer.table !== table) return "unknown";
  const same = prefixKey(family, answer.words, answer.length) === prefixKey(family, words, length);
  if (same) return "there";
  // What IPv6 has found out by a next-hop object it keeps with the object, and tells the prefix of another route by it
  // (rt6_get_pcpu_route in net/ipv6/route.c).
  const isExact = family === 4 || answer.nextHopId === 0;
  return isExact && answer.length < length ? "gone" : "unknown";
}
