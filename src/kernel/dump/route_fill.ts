/** Fills a segment with the routes of its dump. */

import type { DumpScope } from "./kernel_dump.ts";
import type { Family, Words } from "../../routes/prefix.ts";
import type { KeepPrefix } from "../kernel_table.ts";
import { type MessageWalk, RTM_NEWROUTE } from "../wire/netlink_message.ts";
import type { KernelState } from "../table/kernel_state.ts";
import { RouteDecoder } from "../wire/route_message.ts";
import { RouteMemo } from "./route_memo.ts";
import type { RouteSegment } from "../table/route_segment.ts";

/** To decode so many routes costs less than a memo of them, which takes 1.5 MiB. */
const fewRoutes = 64;

/** Takes the key of a route: its table, prefix and metric. */
type HideRoute = (table: number, words: Words, length: number, metric: number) => void;

/** Finds or makes the segment of a table; null: its routes are not kept. */
export type SegmentOf = (family: Family, table: number) => RouteSegment | null;

/** Keeps the routes of one segment's table alone. */
export function only(segment: RouteSegment): SegmentOf {
  return (family, table) => family === segment.family && table === segment.table ? segment : null;
}

/** Takes the messages of a dump of routes: of one table, or of all tables of a family. */
export class RouteFill {
  readonly #state: KernelState;
  readonly #segmentOf: SegmentOf;
  /** By body; a body is of one table. */
  readonly #segments: RouteSegment[] = [];
  #decoded = 0;
  readonly #keepPrefix: KeepPrefix | undefined;
  readonly #decoder: RouteDecoder;
  readonly #memo = new RouteMemo();
  readonly #hide: HideRoute | undefined;
  #seen = 0;
  /** Scratch for `keepPrefix`. */
  readonly #words: [number, number, number, number] = [0, 0, 0, 0];

  /**
   * @param segmentOf gives segments of `state`.
   * @param scope which routes are kept.
   * @param hide is called for each IPv6 route whose lifetime, or that of its first leg, has ended.
   */
  constructor(
    state: KernelState,
    segmentOf: SegmentOf,
    { keepPrefix, sourceSpecific = false }: Pick<DumpScope, "keepPrefix" | "sourceSpecific">,
    hide?: HideRoute,
  ) {
    this.#hide = hide;
    this.#decoder = new RouteDecoder({ sourceSpecific });
    this.#state = state;
    this.#segmentOf = segmentOf;
    this.#keepPrefix = keepPrefix;
  }

  /**
   * Adds the route of the message that the walk stands on, if its table and its prefix are kept. Messages after it
   * that are alike are taken with it: then the walk goes on behind them.
   *
   * @throws {DecodeError} if the message is not as it must be.
   */
  take(walk: MessageWalk): void {
    if (walk.type !== RTM_NEWROUTE) return;
    if (!this.#memo.takeKnown(walk, this.#takeKnown)) this.#decode(walk);
  }

  /** What the attempt under way has brought, kept or not: see {@linkcode DumpedCount.count}. */
  get seen(): number {
    return this.#seen;
  }

  /** Begins an attempt. */
  begin(): void {
    this.#seen = 0;
  }

  readonly #takeKnown = (address: number, length: number, body: number): void => {
    this.#seen++;
    if (this.#keepPrefix !== undefined) {
      const words = this.#words;
      words[0] = address >>> 0;
      if (!this.#keepPrefix(4, words, length)) return;
    }
    this.#segments[body]?.appendAddress(address, length, body);
  };

  #decode(walk: MessageWalk): void {
    const decoder = this.#decoder;
    if (!decoder.decode(walk)) return void this.#seen++;
    this.#seen += entriesOf(decoder);
    const { family, table, words, length } = decoder;
    const segment = this.#segmentOf(family, table);
    if (segment === null) return;
    const { bodies, lifetimes } = this.#state;
    const known = bodies.count;
    const body = bodies.add(decoder.body);
    if (bodies.count > known) this.#state.noteBody(body);
    this.#segments[body] = segment;
    if (++this.#decoded > fewRoutes) this.#memo.remember(walk, body);
    if (this.#keepPrefix !== undefined && !this.#keepPrefix(family, words, length)) return;
    // Of several legs it is the first one's lifetime: the others may live on. Those of a next-hop object are of one route, with one
    // lifetime (__find_rr_leaf in net/ipv6/route.c).
    const isOne = bodies.nextHopId(body) !== 0 || bodies.legCount(body) <= 1;
    if (decoder.expires < 0) this.#hide?.(table, words, length, bodies.metric(body));
    if (decoder.expires < 0 && isOne) lifetimes.hasLapsed = true;
    else segment.append(words, length, body);
    lifetimes.note(decoder.expires);
  }
}

/** How many entries the kernel counts a route as: each leg of IPv6 is one, where the legs are the route's own. */
export function entriesOf({ family, body: { words } }: RouteDecoder): number {
  const [, , , nextHopId, legs = 0] = words;
  return family === 6 && nextHopId === 0 ? Math.max(1, legs) : 1;
}
