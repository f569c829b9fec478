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
import { prefixOf, type Words } from "../../routes/prefix.ts";
import type { KernelState } from "../table/kernel_state.ts";
import type { OpenPort } from "../wire/netlink_port.ts";
import { type LookupAnswer, RouteLookup } from "./route_lookup.ts";
import type { RouteBodies } from "../table/route_bodies.ts";
import { RTNH_F_DEAD, RTNH_F_LINKDOWN } from "../wire/route_body.ts";
import { prefixKey, type RouteSegment } from "../table/route_segment.ts";
import { translation } from "../table/state_difference.ts";

/** Beyond so many prefixes the rest is not asked for. */
const mostAsked = 16_384;

/** A route with fewer next hops cannot be what ends a dump. */
const manyLegs = 1_000;

/** To look up all prefixes of so many addresses takes less time than to compare two tables. */
const fewAddresses = 64;

const mainTable = 254;

/** `rtm_type` of a route that sends the look-up on to the next table. */
const RTN_THROW = 9;

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
    const shaken = new Set(
      deleted.filter((prefix) => prefix.segment === segment).map(({ words: [address] }) => address),
    );
    if (!disturbed && !endIsMissing && shaken.size === 0) continue;
    const all = disturbed || endIsMissing || shaken.size > fewAddresses;
    const fewer = all
      ? fewerRoutes(known, segment, translation(before, after)).filter(([[address]]) =>
        disturbed || endIsMissing || shaken.has(address)
      )
      : [...shaken].flatMap((address) => fewerOfAddress(known, segment, address));
    const missing = fewer.filter(([words, length]) => segment.routesOf(words, length).length === 0);
    const partly = disturbed || !endIsMissing ? fewer.filter((prefix) => !missing.includes(prefix)) : [];
    for (const [words, length] of partly) {
      lost.push({ segment, words, length, endIsMissing: false, isPartly: true, verdict: "unknown" });
    }
    const ofKnown =
      (test: (bodies: RouteBodies, body: number) => boolean) => (words: Words, length: number): boolean =>
        known.routesOf(words, length).some((body) => test(before.bodies, body));
    lost.push(
      ...await askFor(open, segment, missing, {
        endIsMissing,
        isByObject: ofKnown((bodies, body) => bodies.nextHopId(body) !== 0),
        isPassedOver: ofKnown(mayBePassedOver),
      }),
    );
  }
  return lost;
}

/** The prefixes of which one segment has more routes than another. */
function fewerRoutes(
  known: RouteSegment,
  segment: RouteSegment,
  bodyInOther: Int32Array,
): readonly (readonly [Words, number])[] {
  const missing = new Map<number | string, readonly [Words, number]>();
  known.compare(segment, bodyInOther, (words, length) => {
    if (known.routesOf(words, length).length > segment.routesOf(words, length).length) {
      const [first, second, third, fourth] = words;
      missing.set(prefixKey(known.family, words, length), [[first, second, third, fourth], length]);
    }
    return true;
  });
  return [...missing.values()];
}

/** Those of one IPv4 address. */
function fewerOfAddress(
  known: RouteSegment,
  segment: RouteSegment,
  address: number,
): readonly (readonly [Words, number])[] {
  const words: Words = [address, 0, 0, 0];
  return Array.from({ length: 33 }, (_, length): readonly [Words, number] => [words, length]).filter((
    prefix,
  ) => known.routesOf(...prefix).length > segment.routesOf(...prefix).length);
}

async function askFor(
  open: OpenPort,
  segment: RouteSegment,
  prefixes: readonly (readonly [Words, number])[],
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

/** What was put back into a state. */
export interface KeptPrefixes {
  /** Those that are kept until the next dump, by {@linkcode lostKey}. */
  readonly unsure: ReadonlySet<string>;
  /** What the kernel keeps back for good, as a sentence; null: nothing. */
  readonly error: Error | null;
}

/** What {@linkcode keepLostPrefixes} works with. */
export interface KeepOptions {
  /** The table that was known, as it is now: what events have taken away since is not put back. */
  readonly before: KernelState;
  readonly after: KernelState;
  readonly lost: readonly LostPrefix[];
  readonly dumped: readonly DumpedSegment[];
  /** What was kept after the dump before, see {@linkcode KeptPrefixes.unsure}. */
  readonly unsureBefore: ReadonlySet<string>;
  /** Whether no event is missing, so that both tables are of the same moment. */
  readonly isExact: boolean;
}

/** Gives lost prefixes the routes back that they had. */
export function keepLostPrefixes(options: KeepOptions): KeptPrefixes {
  const { before, after, lost, dumped, unsureBefore, isExact } = options;
  const unsure = new Set<string>();
  let error: Error | null = null;
  for (const { segment, disturbed } of dumped) {
    // What events have brought back or taken away since it was asked for proves nothing.
    const own = lost.filter((prefix) => prefix.segment === segment && isStillLost(before, prefix));
    const isProven = own.some(({ verdict }) => verdict === "there");
    const kept = own.filter((prefix) =>
      prefix.isPartly || prefix.verdict === "there" ||
      (prefix.verdict === "unknown" && (isProven || (disturbed && !unsureBefore.has(lostKey(prefix)))))
    );
    for (const prefix of kept) {
      putBack(before, after, prefix);
      if (disturbed || !isExact || prefix.isPartly || prefix.verdict === "unknown") {
        unsure.add(lostKey(prefix));
      }
    }
    const isCut = isProven && isExact && kept.some(({ endIsMissing }) => endIsMissing) &&
      (!disturbed || kept.some((prefix) => unsureBefore.has(lostKey(prefix))));
    if (isCut) error ??= cutError(before, segment, kept);
  }
  return { unsure, error };
}

function knownRoutes(before: KernelState, { segment, words, length }: LostPrefix): readonly number[] {
  return before.segment(segment.family, segment.table)?.routesOf(words, length) ?? [];
}

function isStillLost(before: KernelState, prefix: LostPrefix): boolean {
  const { segment, words, length, isPartly } = prefix;
  const count = segment.routesOf(words, length).length;
  return (isPartly ? count > 0 : count === 0) && knownRoutes(before, prefix).length > count;
}

function putBack(before: KernelState, after: KernelState, prefix: LostPrefix): void {
  const { segment, words, length } = prefix;
  const routes = knownRoutes(before, prefix).map((body) => after.copyBody(before, body));
  segment.change(words, length, segment.routesOf(words, length), routes);
}

function cutError(before: KernelState, { family, table }: RouteSegment, kept: readonly LostPrefix[]): Error {
  const legs = (prefix: LostPrefix): number =>
    Math.max(...knownRoutes(before, prefix).map((body) => before.bodies.legCount(body)));
  const large = kept.find((prefix) => legs(prefix) >= manyLegs);
  const [first] = kept;
  const name = ({ words, length }: LostPrefix): string => prefixOf(family, words, length).text;
  const why = large !== undefined
    ? `it ends at ${name(large)}, whose ${legs(large)} next hops do not fit into one message`
    : `it leaves out ${first === undefined ? "routes" : name(first)}, which is there when it is asked for`;
  return new Error(
    `Cannot read all IPv${family} routes of table ${table}: the kernel's dump is not whole (${why}); ` +
      "what is known of the rest is kept",
  );
}

function lostKey({ segment: { family, table }, words, length }: LostPrefix): string {
  return `${family} ${table} ${prefixKey(family, words, length)}`;
}
