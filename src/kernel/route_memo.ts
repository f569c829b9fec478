/**
 * Recognises an IPv4 route of a dump that differs from an earlier one in its destination alone, which in a large table is
 * nearly every route, so that it need not be decoded again. Equal bytes decode to equal bodies.
 *
 * It is a cache of one entry a slot: a message that finds another's entry there is decoded and takes the slot over.
 */

import { AF_INET, type MessageWalk } from "./netlink_message.ts";

/** Number of slots, a power of two. */
const slots = 16_384;

/** Words of an entry: the message's length, its words without RTA_DST, and the body at the end. */
const entryWords = 24;

/** The kernel writes RTA_TABLE first and RTA_DST second (fib_dump_info in fib_semantics.c): length 8, types 15 and 1. */
const tableHeader = 8 | (15 << 16);
const destinationHeader = 8 | (1 << 16);

/** Words before the destination's attribute: `struct rtmsg` and RTA_TABLE. */
const headWords = 5;

/** `rtm_dst_len`, the second byte of the first word; the rest of that word belongs to the body. */
const lengthMask = 0xff00;

/** The memo of one dump. */
export class RouteMemo {
  /** The destination of the message found last, big-endian as it came. */
  destination = 0;
  /** Its length, bits. */
  length = 0;

  readonly #entries = new Int32Array(slots * entryWords);
  /** Where the message looked for last has its entry, or -1 if it cannot have one. */
  #entry = -1;

  /**
   * Looks the message up that `walk` stands on.
   *
   * @returns the number that was remembered for it, or -1.
   */
  find(walk: MessageWalk): number {
    this.#entry = -1;
    const { words } = walk.buffer;
    const at = walk.start >> 2;
    const count = (walk.end - walk.start) >> 2;
    if (count < headWords + 2 || count > entryWords || !hasUsualHead(words, at)) return -1;
    const head = words[at] ?? 0;
    let hash = (head & ~lengthMask) ^ Math.imul(words[at + 1] ?? 0, 0x01000193);
    for (let index = headWords + 2; index < count; index++) {
      hash = Math.imul(hash ^ (words[at + index] ?? 0), 0x01000193);
    }
    this.#entry = (stir(hash) & (slots - 1)) * entryWords;
    this.length = (head & lengthMask) >>> 8;
    this.destination = words[at + headWords + 1] ?? 0;
    return this.#isEntryOf(words, at, count) ? this.#entries[this.#entry + entryWords - 1] ?? -1 : -1;
  }

  /** Remembers a number for the message that was not found just now, where it can have an entry. */
  remember(walk: MessageWalk, value: number): void {
    const entry = this.#entry;
    if (entry < 0) return;
    const { words } = walk.buffer;
    const at = walk.start >> 2;
    const count = (walk.end - walk.start) >> 2;
    const entries = this.#entries;
    entries[entry] = count;
    entries[entry + 1] = (words[at] ?? 0) & ~lengthMask;
    for (let index = 1; index < headWords; index++) entries[entry + 1 + index] = words[at + index] ?? 0;
    for (let index = headWords + 2; index < count; index++) {
      entries[entry + index - 1] = words[at + index] ?? 0;
    }
    entries[entry + entryWords - 1] = value;
  }

  #isEntryOf(words: Int32Array, at: number, count: number): boolean {
    const entry = this.#entry;
    const entries = this.#entries;
    if (entries[entry] !== count || entries[entry + 1] !== ((words[at] ?? 0) & ~lengthMask)) return false;
    for (let index = 1; index < headWords; index++) {
      if (entries[entry + 1 + index] !== words[at + index]) return false;
    }
    for (let index = headWords + 2; index < count; index++) {
      if (entries[entry + index - 1] !== words[at + index]) return false;
    }
    return true;
  }
}

function hasUsualHead(words: Int32Array, at: number): boolean {
  return ((words[at] ?? 0) & 255) === AF_INET && words[at + 3] === tableHeader &&
    words[at + headWords] === destinationHeader;
}

/** Spreads all bits of a hash to its lower ones: addresses differ in their last byte, which comes as the highest. */
function stir(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
