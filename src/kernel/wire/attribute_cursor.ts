/**
 * Reads the attributes (`struct rtattr`) of a netlink message in place.
 *
 * Each noun declares in a table which attributes it reads and how long they must be; the cursor passes over all others
 * and checks the lengths, so that a decoder's `switch` sees only well-formed attributes. The first fault sticks: `next`
 * returns false from then on and {@linkcode AttributeCursor.check} throws it.
 */

import { DecodeError } from "./decode_error.ts";

/** Attributes are padded to 4 bytes (`RTA_ALIGNTO`, linux/rtnetlink.h). */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/** Length of an attribute's own header: u16 length, u16 type. */
const headerBytes = 4;

/** The upper two bits of a type are flags (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`, linux/netlink.h). */
const typeMask = 0x3fff;

const textDecoder = new TextDecoder();

const unwanted = -1;
const anyLength = -2;

/** One attribute that a decoder wants. */
export interface WantedAttribute {
  /** `RTA_*`, `IFLA_*`, … */
  readonly type: number;
  /** The lengths that it may have, bytes; `"any"` for nested attributes, lists and text. */
  readonly bytes: readonly number[] | "any";
}

/** A table of wanted attributes, prepared for lookup by type. */
export class WantedAttributes {
  readonly #names: (string | undefined)[] = [];
  /** By type: {@linkcode unwanted}, {@linkcode anyLength}, else the lower length | the higher << 16. */
  readonly lengths = new Int32Array(64).fill(unwanted);

  /** @param wanted by the attributes' C names; types below 64, at most two lengths each. */
  constructor(wanted: Readonly<Record<string, WantedAttribute>>) {
    for (const [name, { type, bytes }] of Object.entries(wanted)) {
      this.#names[type] = name;
      const [low = 0, high = low] = bytes === "any" ? [] : bytes;
      this.lengths[type] = bytes === "any" ? anyLength : low | (high << 16);
    }
  }

  /** The C name of a type, for messages. */
  name(type: number): string {
    return this.#names[type] ?? `${type}`;
  }

  /** How long the attribute must be, for messages. */
  expectation(type: number): string {
    const lengths = this.lengths[type] ?? 0;
    const low = lengths & 0xffff, high = lengths >>> 16;
    return low === high ? `${low}` : `${low} or ${high}`;
  }
}

/** A datagram's bytes, seen as bytes and as 32-bit words; netlink aligns everything to 4 bytes. */
export interface MessageBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
}

/** A zeroed buffer of at least this many bytes. */
export function messageBuffer(length: number): MessageBuffer {
  const buffer = new ArrayBuffer(align4(length));
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
}

/**
 * The cursor. One instance serves any number of messages: {@linkcode enter} sets it to a new range.
 *
 * @example
 * ```ts ignore
 * cursor.enter(buffer, start, end);
 * while (cursor.next()) {
 *   switch (cursor.type) {
 *     case RTA_OIF:
 *       interfaceIndex = cursor.int32();
 *   }
 * }
 * cursor.check();
 * ```
 */
export class AttributeCursor {
  /** Type of the attribute stood on. */
  type = 0;
  /** Where its payload begins, bytes from the buffer's start; a multiple of 4. */
  start = 0;
  /** Length of its payload, bytes. */
  length = 0;

  readonly #what: string;
  readonly #wanted: WantedAttributes;
  #buffer: MessageBuffer = messageBuffer(0);
  #next = 0;
  #end = 0;
  #fault: string | null = null;

  /** @param what the noun being decoded, for messages. */
  constructor(what: string, wanted: WantedAttributes) {
    this.#what = what;
    this.#wanted = wanted;
  }

  /**
   * Begins with the attributes from byte `start` (a multiple of 4) up to byte `end` of a buffer.
   * Forgets an earlier fault.
   */
  enter(buffer: MessageBuffer, start: number, end: number): void {
    this.#buffer = buffer;
    this.#next = start;
    this.#end = end;
    this.#fault = null;
  }

  /** Moves to the next wanted attribute; false at the end or after a fault. */
  next(): boolean {
    const { words } = this.#buffer;
    const { lengths } = this.#wanted;
    while (this.#fault === null && this.#end - this.#next >= headerBytes) {
      const at = this.#next;
      const header = words[at >> 2] ?? 0;
      const size = header & 0xffff;
      const type = (header >>> 16) & typeMask;
      if (size < headerBytes || size > this.#end - at) {
        return this.fail(
          `attribute ${this.#wanted.name(type)} claims ${size} bytes of the ${this.#end - at} left`,
        );
      }
      this.#next = at + align4(size);
      const expected = type < 64 ? lengths[type] ?? unwanted : unwanted;
      if (expected === unwanted) continue;
      this.type = type;
      this.start = at + headerBytes;
      this.length = size - headerBytes;
      if (expected !== anyLength && this.length !== (expected & 0xffff) && this.length !== expected >>> 16) {
        return this.fail(this.#lengthFault());
      }
      return true;
    }
    return false;
  }

  /** The attribute's first 32 bits as a signed number; its table entry has made sure that they exist. */
  int32(): number {
    return this.#buffer.words[this.start >> 2] ?? 0;
  }

  /** The word `index` of the attribute, whole words inside it only. */
  word(index: number): number {
    if (index < 0 || (index + 1) * 4 > this.length) {
      this.fail(`attribute ${this.#wanted.name(this.type)} ends before its word ${index}`);
      return 0;
    }
    return this.#buffer.words[(this.start >> 2) + index] ?? 0;
  }

  /** Mixes type and payload of the attribute stood on into a digest. */
  digest(seed: number): number {
    const { words, bytes } = this.#buffer;
    const end = this.start + this.length;
    let digest = mixWord(seed, this.type | (this.length << 16));
    let at = this.start;
    for (; at + 4 <= end; at += 4) digest = mixWord(digest, words[at >> 2] ?? 0);
    for (; at < end; at++) digest = mixWord(digest, bytes[at] ?? 0);
    return digest;
  }

  /** Text up to the first zero byte (`NLA_STRING`). */
  text(): string {
    const bytes = this.#buffer.bytes.subarray(this.start, this.start + this.length);
    const zero = bytes.indexOf(0);
    return textDecoder.decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  }

  /** Notes a fault, unless there is one already; returns false so that `next` can end with it. */
  fail(fault: string): false {
    this.#fault ??= fault;
    return false;
  }

  /** @throws {DecodeError} if there has been a fault. */
  check(): void {
    if (this.#fault !== null) throw new DecodeError(this.#what, this.#fault);
  }

  #lengthFault(): string {
    const wanted = this.#wanted;
    return `attribute ${wanted.name(this.type)} is ${this.length} bytes long, not ${
      wanted.expectation(this.type)
    }`;
  }
}

/** One step of FNV-1a over whole words; two values that differ in one word never have one digest. */
export function mixWord(digest: number, word: number): number {
  return Math.imul(digest ^ word, 0x01000193);
}

/** The big-endian 32-bit word at byte `at`, signed; addresses travel in network order, at any alignment. */
export function networkWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0);
}

/** A 32-bit word with its bytes turned round. */
export function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
