/** Decodes RTM_NEWROUTE and RTM_DELROUTE (`struct rtmsg`, linux/rtnetlink.h), and asks for dumps of routes. */

import type { Family } from "../routes/prefix.ts";
import {
  align4,
  AttributeCursor,
  type MessageBuffer,
  networkWord,
  swapBytes,
  WantedAttributes,
} from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import { AF_INET, AF_INET6, dumpRequest, type MessageWalk, RTM_GETROUTE } from "./netlink_message.ts";
import { bodyHeaderWords, type BodyWords, legFlagMask, legWords } from "./route_body.ts";

/**
 * `sizeof(struct rtmsg)`: u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags.
 */
const rtmsgBytes = 12;

/** `sizeof(struct rtnexthop)`: u16 length, u8 flags, u8 weight minus one, i32 interface index. */
const rtnexthopBytes = 8;

/** A route of the cache, not of the table. */
const RTM_F_CLONED = 0x200;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const RTA_NH_ID = 30;

const RTN_BLACKHOLE = 6;
const RTN_THROW = 9;

/** What is read of a route, and of a leg, whose attributes are RTA_GATEWAY and RTA_VIA alone. */
function wantedOf(addressBytes: number): { route: WantedAttributes; leg: WantedAttributes } {
  const gateway = {
    RTA_GATEWAY: { type: RTA_GATEWAY, bytes: [addressBytes] },
    // struct rtvia: u16 family, then an address of that family
    RTA_VIA: { type: RTA_VIA, bytes: [2 + 4, 2 + 16] },
  };
  return {
    route: new WantedAttributes({
      RTA_DST: { type: RTA_DST, bytes: [addressBytes] },
      RTA_OIF: { type: RTA_OIF, bytes: [4] },
      RTA_PRIORITY: { type: RTA_PRIORITY, bytes: [4] },
      RTA_MULTIPATH: { type: RTA_MULTIPATH, bytes: "any" },
      RTA_TABLE: { type: RTA_TABLE, bytes: [4] },
      RTA_NH_ID: { type: RTA_NH_ID, bytes: [4] },
      ...gateway,
    }),
    leg: new WantedAttributes(gateway),
  };
}

const wanted4 = wantedOf(4);
const wanted6 = wantedOf(16);

/** The cursors of one family. */
interface Cursors {
  readonly route: AttributeCursor;
  readonly leg: AttributeCursor;
}

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
  /** The rest. */
  readonly body: BodyWords = { words: new Int32Array(bodyHeaderWords + legWords), length: bodyHeaderWords };

  readonly #cursors4: Cursors = {
    route: new AttributeCursor("route", wanted4.route),
    leg: new AttributeCursor("leg of a route", wanted4.leg),
  };
  readonly #cursors6: Cursors = {
    route: new AttributeCursor("route", wanted6.route),
    leg: new AttributeCursor("leg of a route", wanted6.leg),
  };

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
    if ((flags & RTM_F_CLONED) !== 0 || ((lengths >>> 16) & 255) !== 0) return false;
    this.family = addressFamily === AF_INET ? 4 : 6;
    this.length = (lengths >>> 8) & 255;
    this.table = kinds & 255;
    // rtm_type is the last byte, rtm_scope the one before; the body has them the other way round.
    this.#begin(
      (lengths >>> 24) | (kinds & 0xff00) | ((kinds >>> 8) & 0xff0000) | ((kinds << 8) & 0xff000000),
    );
    this.#readAttributes(buffer, start + rtmsgBytes, end, kinds >>> 24, flags & legFlagMask);
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
    body[2] = body[3] = body[4] = 0;
    this.body.length = bodyHeaderWords;
  }

  #readAttributes(buffer: MessageBuffer, start: number, end: number, type: number, flags: number): void {
    const { route: cursor, leg } = this.family === 4 ? this.#cursors4 : this.#cursors6;
    let body = this.body.words;
    const first = bodyHeaderWords;
    let hasDestination = false, hasMultipath = false;
    // The only leg of a plain route; a multipath's legs overwrite it.
    body.fill(0, first, first + legWords);
    cursor.enter(buffer, start, end);
    while (cursor.next()) {
      switch (cursor.type) {
        case RTA_DST:
          hasDestination = true;
          this.#readDestination(cursor);
          break;
        case RTA_OIF:
          body[first + 1] = cursor.int32();
          break;
        case RTA_GATEWAY:
          this.#readGateway(cursor, first);
          break;
        case RTA_VIA:
          this.#readVia(buffer, cursor, first);
          break;
        case RTA_PRIORITY:
          body[2] = cursor.int32();
          break;
        case RTA_TABLE:
          this.table = cursor.int32() >>> 0;
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
      }
    }
    this.#checkDestination(cursor, hasDestination);
    cursor.check();
    body[1] = this.table | 0;
    if (hasMultipath) return;
    if (type >= RTN_BLACKHOLE && type <= RTN_THROW) return;
    this.#keepOnlyLeg(flags);
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

  /** RTA_GATEWAY: an address of the route's family. `at` is the leg's first word in the body. */
  #readGateway(cursor: AttributeCursor, at: number): void {
    const body = this.body.words;
    body[at] = this.family << 8;
    body[at + 2] = swapBytes(cursor.int32());
    if (this.family === 4) return;
    body[at + 3] = swapBytes(cursor.word(1));
    body[at + 4] = swapBytes(cursor.word(2));
    body[at + 5] = swapBytes(cursor.word(3));
  }

  /** RTA_VIA: an address of the family that it names (RFC 5549). */
  #readVia({ bytes, words }: MessageBuffer, cursor: AttributeCursor, at: number): void {
    const family = (words[cursor.start >> 2] ?? 0) & 0xffff;
    const count = (cursor.length - 2) >> 2;
    if (family !== (count === 1 ? AF_INET : AF_INET6)) {
      cursor.fail(`attribute RTA_VIA has ${cursor.length} bytes for family ${family}`);
      return;
    }
    const body = this.body.words;
    body[at] = (count === 1 ? 4 : 6) << 8;
    for (let index = 0; index < count; index++) {
      body[at + 2 + index] = networkWord(bytes, cursor.start + 2 + index * 4);
    }
  }

  /** RTA_MULTIPATH: `struct rtnexthop` with attributes of its own, one after the other. */
  #readLegs(buffer: MessageBuffer, multipath: AttributeCursor, cursor: AttributeCursor): void {
    const { words } = buffer;
    const end = multipath.start + multipath.length;
    this.body.length = bodyHeaderWords;
    let legs = 0;
    for (let at = multipath.start; end - at >= rtnexthopBytes; legs++) {
      const header = words[at >> 2] ?? 0;
      const size = header & 0xffff;
      if (size < rtnexthopBytes || size > end - at) {
        multipath.fail(`leg ${legs + 1} of RTA_MULTIPATH claims ${size} bytes of the ${end - at} left`);
        return;
      }
      const legAt = this.#addLeg(words[(at >> 2) + 1] ?? 0);
      cursor.enter(buffer, at + rtnexthopBytes, at + size);
      while (cursor.next()) {
        if (cursor.type === RTA_GATEWAY) this.#readGateway(cursor, legAt);
        else this.#readVia(buffer, cursor, legAt);
      }
      cursor.check();
      const body = this.body.words;
      body[legAt] = (body[legAt] ?? 0) | ((header >>> 16) & legFlagMask) | (((header >>> 24) + 1) << 16);
      at += align4(size);
    }
    this.body.words[4] = legs;
    // IPv6's legs have no order: an event begins with the one that has changed, a dump with another.
    if (this.family === 6) sortLegs(this.body);
  }

  /** Room for one more leg; returns its first word's place. */
  #addLeg(interfaceIndex: number): number {
    const at = this.body.length;
    this.body.length = at + legWords;
    if (this.body.length > this.body.words.length) {
      const larger = new Int32Array(this.body.words.length * 2);
      larger.set(this.body.words);
      this.body.words = larger;
    }
    this.body.words.fill(0, at, at + legWords);
    this.body.words[at + 1] = interfaceIndex;
    return at;
  }

  #keepOnlyLeg(flags: number): void {
    const body = this.body.words;
    const head = body[bodyHeaderWords] ?? 0;
    if (head === 0 && body[bodyHeaderWords + 1] === 0) return;
    body[bodyHeaderWords] = head | flags | (1 << 16);
    body[4] = 1;
    this.body.length = bodyHeaderWords + legWords;
  }
}

/** Orders legs by device and gateway. */
function sortLegs({ words, length }: BodyWords): void {
  const legs: Int32Array[] = [];
  for (let at = bodyHeaderWords; at < length; at += legWords) legs.push(words.slice(at, at + legWords));
  legs.sort((left, right) => {
    const index = left.findIndex((word, at) => at > 0 && word !== right[at]);
    return index < 0 ? 0 : ((left[index] ?? 0) >>> 0) - ((right[index] ?? 0) >>> 0);
  });
  legs.forEach((leg, index) => words.set(leg, bodyHeaderWords + index * legWords));
}

/**
 * A request for all routes of a table; the kernel filters.
 *
 * @param table 1 to 4294967295, or null for all tables. If it does not exist the kernel answers ENOENT.
 */
export function routeDumpRequest(
  family: Family,
  table: number | null,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(rtmsgBytes);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  return dumpRequest(
    RTM_GETROUTE,
    sequence,
    header,
    table === null ? [] : [{ type: RTA_TABLE, value: table }],
  );
}
