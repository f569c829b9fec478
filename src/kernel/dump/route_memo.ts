/**
 * Recognises IPv4 routes of a dump that differ from an earlier one in their destination alone, which in a large table is
 * nearly every route, so that they need not be decoded again. Equal bytes decode to equal bodies.
 *
 * It is a cache of one entry per slot: a message that finds another's entry there is decoded and takes the slot over.
 */

import { swapBytes } from "../wire/attribute_cursor.ts";
import { AF_INET, headerBytes, type MessageWalk } from "../wire/netlink_message.ts";

/** Number of slots, a power of two. */
const slots = 16_384;

/** Words of an entry: the message's length, its words without RTA_DST, and the body at the end. */
const entryWords = 24;

/** The kernel writes RTA_TABLE first and RTA_DST second (fib_dump_info in fib_semantics.c): length 8, types 15 and 1. */
const tableHeader = 8 | (15 << 16);
const destinationHeader = 8 | (1 << 16);

/** Words before the destination's attribute: `struct rtmsg` and RTA_TABLE; and with it. */
const headWords = 5;
const restAt = headWords + 2;

/** `rtm_dst_len`, the second byte of the first word; the rest of that word belongs to the body. */
const lengthMask = 0xff00;

const netlinkWords = headerBytes / 4;

/**
 * Takes a route that was recognised.
 *
 * @param address as a signed number.
 * @param body the number that was remembered for it.
 */
export type TakeKnown = (address: number, length: number, body: number) => void;

/** The memo of one dump. */
export class RouteMemo {
  /** Made when there is something to remember. */
  #entries: Int32Array | null = null;

  /**
   * Takes the message that `walk` stands on and those that follow it, up to the first that is not known.
   *
   * One loop over plain words, so that a million messages cost little beside what the kernel takes to write them.
   *
   * @returns false if the first one is unknown; the walk stands where it stood.
   */
  takeKnown(walk: MessageWalk, take: TakeKnown): boolean {
    const entries = this.#entries;
    if (entries === null) return false;
    const { words } = walk.buffer;
    const first = (walk.start - headerBytes) >> 2;
    const limit = walk.length >> 2;
    const kind = words[first + 1], sequence = words[first + 2];
    let message = first;
    while (message + netlinkWords + restAt <= limit) {
      const size = words[message] ?? 0;
      const end = message + (size >> 2);
      if ((size & 3) !== 0 || end > limit || words[message + 1] !== kind || words[message + 2] !== sequence) {
        break;
      }
      const at = message + netlinkWords;
      const entry = entryOf(words, at, end);
      if (entry < 0 || !isEntryOf(entries, entry, words, at, end)) break;
      const length = ((words[at] ?? 0) & lengthMask) >>> 8;
      // The decoder names the fault.
      if (length > 32) break;
      take(swapBytes(words[at + headWords + 1] ?? 0), length, entries[entry + entryWords - 1] ?? 0);
      message = end;
    }
    if (message === first) return false;
    walk.goOnAt(message << 2);
    return true;
  }

  /** Remembers a number for the message that `walk` stands on, where it can have an entry. */
  remember(walk: MessageWalk, value: number): void {
    const { words } = walk.buffer;
    const at = walk.start >> 2, end = walk.end >> 2;
    const entry = entryOf(words, at, end);
    if (entry < 0) return;
    const entries = this.#entries ??= new Int32Array(slots * entryWords);
    entries[entry] = end - at;
    entries[entry + 1] = (words[at] ?? 0) & ~lengthMask;
    for (let index = 1; index < headWords; index++) entries[entry + 1 + index] = words[at + index] ?? 0;
    for (let index = restAt; index < end - at; index++) entries[entry + index - 1] = words[at + index] ?? 0;
    entries[entry + entryWords - 1] = value;
  }
}

/** Where the message from word `at` to `end` has its entry; -1 if it is none that can have one. */
function entryOf(words: Int32Array, at: number, end: number): number {
  const count = end - at;
  if (count < restAt || count > entryWords) return -1;
  const head = words[at] ?? 0;
  if ((head & 255) !== AF_INET) return -1;
  if (words[at + 3] !== tableHeader || words[at + headWords] !== destinationHeader) return -1;
  let hash = (head & ~lengthMask) ^ (words[at + 1] ?? 0);
  for (let index = at + restAt; index < end; index++) {
    hash = ((hash << 7) | (hash >>> 25)) ^ (words[index] ?? 0);
  }
  return (stir(hash) & (slots - 1)) * entryWords;
}

function isEntryOf(entries: Int32Array, entry: number, words: Int32Array, at: number, end: number): boolean {
  if (entries[entry] !== end - at || entries[entry + 1] !== ((words[at] ?? 0) & ~lengthMask)) return false;
  // RTA_TABLE's header, the fourth word, is the same in all that have an entry.
  if (entries[entry + 2] !== words[at + 1] || entries[entry + 3] !== words[at + 2]) return false;
  if (entries[entry + 5] !== words[at + 4]) return false;
  const shift = entry - 1 - at;
  for (let index = at + restAt; index < end; index++) {
    if (entries[index + shift] !== words[index]) return false;
  }
  return true;
}

/** Spreads all bits of a hash to its lower ones: addresses differ in their last byte, which comes as the highest. */
function stir(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
