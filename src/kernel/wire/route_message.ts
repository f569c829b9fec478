/** Decodes RTM_NEWROUTE and RTM_DELROUTE (`struct rtmsg`, linux/rtnetlink.h). */

import type { Family } from "../../routes/prefix.ts";
import { align4, type AttributeCursor, type MessageBuffer, swapBytes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import { readGateway, readLegAttribute } from "./leg_attributes.ts";
import { AF_INET, AF_INET6, type MessageWalk } from "./netlink_message.ts";
import {
  routeCursors,
  RTA_CACHEINFO,
  RTA_DST,
  RTA_GATEWAY,
  RTA_METRICS,
  RTA_MULTIPATH,
  RTA_NH_ID,
  RTA_OIF,
  RTA_PREF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_SRC,
  RTA_TABLE,
} from "./route_attributes.ts";
import {
  bodyHeaderWords,
  type BodyWords,
  legFlagMask,
  legWords,
  preferenceTag,
  preferredSourceTag,
  sourceTag,
} from "./route_body.ts";
import { RouteBodyWriter } from "./route_body_writer.ts";

/** `sizeof(struct rtmsg)`: u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags. */
export const rtmsgBytes = 12;

/** `sizeof(struct rtnexthop)`: u16 length, u8 flags, u8 weight minus one, i32 interface index. */
const rtnexthopBytes = 8;

/** A route of the cache, not of the table. */
const RTM_F_CLONED = 0x200;

/** `ICMPV6_ROUTER_PREF_*` (linux/icmpv6.h). */
export const prefHigh = 1, prefLow = 3;

const RTN_BLACKHOLE = 6;
const RTN_THROW = 9;

/**
 * The decoder. What it found stands in its fields until the next call: a dump of a million routes builds no objects.
 */
export class RouteDecoder {
  family: Family = 4;
  /** Destination, unsigned words; zero beyond the family's bits. */
  readonly words: [number, number, number, number] = [0, 0, 0, 0];
  /** Network bits, 0 to 32 or 128. */
  length = 0;
  /** RTA_TABLE, 1 to 4294967295. */
  table = 0;
  /**
   * `rta_expires`: hundredths of a second (USER_HZ) until the route ends, 0 for never. Negative: it has ended, and the kernel passes
   * over it, but clears it away up to 30 s later (fib6_check_expired in net/ipv6/route.c, fib6_run_gc).
   */
  expires = 0;

  /**
   * IPv6: the words of the leg that comes first in a route of several. The header is that leg's; what the others have is not known.
   * Null for other routes; a scratch buffer, valid until the next message.
   */
  firstLeg: Int32Array | null = null;
  readonly #firstLeg = new Int32Array(legWords);

  readonly #writer = new RouteBodyWriter();
  /** The rest. */
  readonly body: BodyWords = this.#writer.body;

  /** Whether anything is to come behind the legs. */
  #hasExtras = false;

  readonly #sourceSpecific: boolean;
  readonly #cursors4 = routeCursors(4);
  readonly #cursors6 = routeCursors(16);

  /** @param options with `sourceSpecific` routes for some source addresses only are decoded too; without they are none of a table. */
  constructor({ sourceSpecific = false }: { readonly sourceSpecific?: boolean } = {}) {
    this.#sourceSpecific = sourceSpecific;
  }

  /**
   * Decodes the message that `walk` stands on.
   *
   * @returns false if it is no route of a table: another family (multicast), a clone of the cache, or a route for
   * some source addresses only.
   * @throws {DecodeError} naming the attribute that is not as it must be.
   */
  decode({ buffer, start, end }: MessageWalk): boolean {
    if (end - start < rtmsgBytes) {
      throw new DecodeError("route", `${end - start} bytes are too few for its header`);
    }
    const { words } = buffer;
    const lengths = words[start >> 2] ?? 0;
    const kinds = words[(start >> 2) + 1] ?? 0;
    const flags = words[(start >> 2) + 2] ?? 0;
    const addressFamily = lengths & 255;
    if (addressFamily !== AF_INET && addressFamily !== AF_INET6) return false;
    if ((flags & RTM_F_CLONED) !== 0) return false;
    const sourceLength = (lengths >>> 16) & 255;
    if (sourceLength !== 0 && !this.#sourceSpecific) return false;
    this.family = addressFamily === AF_INET ? 4 : 6;
    this.length = (lengths >>> 8) & 255;
    this.table = kinds & 255;
    // rtm_type is the last byte, rtm_scope the one before; the body has them the other way round.
    this.#begin(
      (lengths >>> 24) | (kinds & 0xff00) | ((kinds >>> 8) & 0xff0000) | ((kinds << 8) & 0xff000000),
    );
    this.#readAttributes(buffer, start + rtmsgBytes, end, kinds >>> 24, flags & legFlagMask);
    if (this.#hasExtras) this.#writer.placeExtras(sourceLength);
    return true;
  }

  #begin(kinds: number): void {
    const { words } = this;
    words[0] =
      words[1] =
      words[2] =
      words[3] =
        0;
    const body = this.body.words;
    body[0] = kinds;
    body[2] =
      body[3] =
      body[4] =
      body[5] =
        0;
    // The only leg of a plain route; a multipath's legs overwrite it.
    body.fill(0, bodyHeaderWords, bodyHeaderWords + legWords);
    this.body.length = bodyHeaderWords;
    this.expires = 0;
    this.#hasExtras = false;
    this.firstLeg = null;
  }

  #readAttributes(buffer: MessageBuffer, start: number, end: number, type: number, flags: number): void {
    const { route: cursor, leg } = this.family === 4 ? this.#cursors4 : this.#cursors6;
    let body = this.body.words;
    let hasDestination = false, hasMultipath = false;
    cursor.enter(buffer, start, end);
    while (cursor.next()) {
      switch (cursor.type) {
        case RTA_DST:
          hasDestination = true;
          this.#readDestination(cursor);
          break;
        case RTA_OIF:
          body[bodyHeaderWords + 1] = cursor.int32();
          break;
        case RTA_GATEWAY:
          // Nearly every route has one.
          readGateway(this.family, cursor, body, bodyHeaderWords);
          break;
        case RTA_PRIORITY:
          body[2] = cursor.int32();
          break;
        case RTA_SRC:
          this.#readExtra(cursor, sourceTag);
          break;
        case RTA_PREFSRC:
          if (this.length === 0) this.#readExtra(cursor, preferredSourceTag);
          if (this.family === 4) body[5] = cursor.digest(body[5] ?? 0);
          break;
        case RTA_METRICS:
          // IPv6 does not tell routes apart by them (rt6_duplicate_nexthop in ip6_fib.c).
          if (this.family === 4) body[5] = cursor.digest(body[5] ?? 0);
          break;
        case RTA_TABLE:
          this.table = cursor.int32() >>> 0;
          break;
        case RTA_CACHEINFO:
          this.expires = cursor.word(2);
          break;
        case RTA_PREF:
          this.#readPreference(cursor.int32() & 255);
          break;
        case RTA_NH_ID:
          body[3] = cursor.int32();
          break;
        case RTA_MULTIPATH:
          hasMultipath = true;
          this.#readLegs(buffer, cursor, leg);
          // Many legs make it grow.
          body = this.body.words;
          break;
        default:
          readLegAttribute(this.family, buffer, cursor, body, bodyHeaderWords);
      }
    }
    this.#checkDestination(cursor, hasDestination);
    cursor.check();
    body[1] = this.table | 0;
    if (hasMultipath) return;
    if (type >= RTN_BLACKHOLE && type <= RTN_THROW) return;
    this.#keepOnlyLeg(flags);
  }

  /** Makes the leg that was written at {@linkcode bodyHeaderWords} the route's only one, if anything was written there. */
  #keepOnlyLeg(flags: number): void {
    const body = this.body.words;
    const head = body[bodyHeaderWords] ?? 0;
    if (head === 0 && body[bodyHeaderWords + 1] === 0) return;
    body[bodyHeaderWords] = head | flags | (1 << 16);
    body[4] = 1;
    this.body.length = bodyHeaderWords + legWords;
  }

  #readExtra(cursor: AttributeCursor, tag: number): void {
    const word = (index: number): number =>
      this.family === 4 && index > 0 ? 0 : swapBytes(cursor.word(index));
    this.#addExtra(tag, word(0), word(1), word(2), word(3));
  }

  #addExtra(...words: readonly [number, number, number, number, number]): void {
    this.#writer.addExtra(!this.#hasExtras, words);
    this.#hasExtras = true;
  }

  /** What is neither high nor low counts as medium (IPV6_DECODE_PREF in include/net/ip6_route.h). */
  #readPreference(preference: number): void {
    if (preference !== prefHigh && preference !== prefLow) return;
    this.#addExtra(preferenceTag | (preference << 8), 0, 0, 0, 0);
  }

  #readDestination(cursor: AttributeCursor): void {
    const { words } = this;
    words[0] = swapBytes(cursor.int32()) >>> 0;
    if (this.family === 4) return;
    words[1] = swapBytes(cursor.word(1)) >>> 0;
    words[2] = swapBytes(cursor.word(2)) >>> 0;
    words[3] = swapBytes(cursor.word(3)) >>> 0;
  }

  #checkDestination(cursor: AttributeCursor, present: boolean): void {
    const bits = this.family === 4 ? 32 : 128;
    if (this.length > bits) cursor.fail(`length ${this.length} of the destination is over ${bits}`);
    else if (!present && this.length > 0) cursor.fail(`attribute RTA_DST is missing`);
  }

  /** RTA_MULTIPATH: `struct rtnexthop` with attributes of its own, one after the other. */
  #readLegs(buffer: MessageBuffer, multipath: AttributeCursor, cursor: AttributeCursor): void {
    const { words } = buffer;
    const writer = this.#writer;
    const end = multipath.start + multipath.length;
    let legs = 0;
    writer.beginLegs();
    for (let at = multipath.start; end - at >= rtnexthopBytes; legs++) {
      const header = words[at >> 2] ?? 0;
      const size = header & 0xffff;
      if (size < rtnexthopBytes || size > end - at) {
        multipath.fail(`leg ${legs + 1} of RTA_MULTIPATH claims ${size} bytes of the ${end - at} left`);
        return;
      }
      const leg = writer.addLeg(words[(at >> 2) + 1] ?? 0);
      const body = this.body.words;
      cursor.enter(buffer, at + rtnexthopBytes, at + size);
      while (cursor.next()) readLegAttribute(this.family, buffer, cursor, body, leg);
      cursor.check();
      writer.endLeg(leg, header);
      at += align4(size);
    }
    this.body.words[4] = legs;
    if (this.family === 4 || legs < 2) return;
    this.#firstLeg.set(this.body.words.subarray(bodyHeaderWords, bodyHeaderWords + legWords));
    this.firstLeg = this.#firstLeg;
    // IPv6's legs have no order: an event begins with the one that has changed, a dump with another.
    writer.sortLegs();
  }
}
