/** Fills a segment with the routes of its dump. */

import type { KeepPrefix } from "./kernel_table.ts";
import { type MessageWalk, RTM_NEWROUTE } from "./netlink_message.ts";
import type { KernelState } from "./kernel_state.ts";
import { RouteDecoder } from "./route_message.ts";
import { RouteMemo } from "./route_memo.ts";
import type { RouteSegment } from "./route_segment.ts";

/** Takes the messages of one table's dump. */
export class RouteFill {
  readonly #segment: RouteSegment;
  readonly #state: KernelState;
  readonly #keepPrefix: KeepPrefix | undefined;
  readonly #decoder = new RouteDecoder();
  readonly #memo = new RouteMemo();
  /** Scratch for `keepPrefix`. */
  readonly #words: [number, number, number, number] = [0, 0, 0, 0];

  /**
   * @param segment a segment of `state`.
   * @param keepPrefix tells which prefixes are kept; absent: all.
   */
  constructor(state: KernelState, segment: RouteSegment, keepPrefix: KeepPrefix | undefined) {
    this.#state = state;
    this.#segment = segment;
    this.#keepPrefix = keepPrefix;
  }

  /**
   * Adds the route of the message that the walk stands on, if it is of this table and its prefix is kept. Messages after it
   * that are alike are taken with it: then the walk goes on behind them.
   *
   * @throws {DecodeError} if the message is not as it must be.
   */
  take(walk: MessageWalk): void {
    if (walk.type !== RTM_NEWROUTE) return;
    if (!this.#memo.takeKnown(walk, this.#takeKnown)) this.#decode(walk);
  }

  readonly #takeKnown = (address: number, length: number, body: number): void => {
    if (this.#keepPrefix !== undefined) {
      const words = this.#words;
      words[0] = address >>> 0;
      if (!this.#keepPrefix(4, words, length)) return;
    }
    this.#segment.appendAddress(address, length, body);
  };

  #decode(walk: MessageWalk): void {
    const decoder = this.#decoder;
    if (!decoder.decode(walk)) return;
    const { family, table, words, length } = decoder;
    if (table !== this.#segment.table || family !== this.#segment.family) return;
    const { bodies } = this.#state;
    const known = bodies.count;
    const body = bodies.add(decoder.body);
    if (bodies.count > known) this.#state.noteBody(body);
    this.#memo.remember(walk, body);
    if (this.#keepPrefix === undefined || this.#keepPrefix(family, words, length)) {
      this.#segment.append(words, length, body);
    }
  }
}
