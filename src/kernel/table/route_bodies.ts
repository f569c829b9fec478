/**
 * The pool in which each distinct route body (`../wire/route_body.ts`) is kept once.
 *
 * A million routes of an Internet table share a few hundred bodies; a row of the table is its prefix and a number of
 * the pool.
 */

import { mixWord } from "../wire/attribute_cursor.ts";
import { bodyHeaderWords, type BodyWords, extraWords, legWords } from "../wire/route_body.ts";

/** Distinct bodies, numbered from 0 in the order in which they came. */
export class RouteBodies {
  /** All bodies' words, one after the other. */
  #words = new Int32Array(1024);
  /** Where each body begins; one more entry than there are bodies. */
  #starts = new Int32Array(64);
  /** Open addressing: body number plus one, 0 for empty. */
  #slots = new Int32Array(256);
  #count = 0;
  /** The body added last: in a dump the next route often has the same. */
  #last = -1;

  /** Number of distinct bodies. */
  get count(): number {
    return this.#count;
  }

  /** The number of this body, which is added if it is new. */
  add({ words, length }: BodyWords): number {
    if (this.#last >= 0 && this.#equals(this.#last, words, length)) return this.#last;
    const slot = this.#slotOf(words, length);
    const found = (this.#slots[slot] ?? 0) - 1;
    this.#last = found >= 0 ? found : this.#append(words, length, slot);
    return this.#last;
  }

  /** The number of this body, or -1. */
  find({ words, length }: BodyWords): number {
    return (this.#slots[this.#slotOf(words, length)] ?? 0) - 1;
  }

  /** Word `index` of a body. */
  word(body: number, index: number): number {
    return this.#words[(this.#starts[body] ?? 0) + index] ?? 0;
  }

  /** A body's words; valid until the next {@linkcode add}. */
  read(body: number): BodyWords {
    const words = this.#words.subarray(this.#starts[body] ?? 0, this.#starts[body + 1] ?? 0);
    return { words, length: words.length };
  }

  /** Where the first word of an address behind the legs is; -1 if the body has none of that tag. */
  findExtra(body: number, tag: number): number {
    const length = (this.#starts[body + 1] ?? 0) - (this.#starts[body] ?? 0);
    for (let at = bodyHeaderWords + this.legCount(body) * legWords; at < length; at += extraWords) {
      if ((this.word(body, at) & 255) === tag) return at;
    }
    return -1;
  }

  protocol(body: number): number {
    return (this.word(body, 0) >>> 8) & 255;
  }

  type(body: number): number {
    return (this.word(body, 0) >>> 16) & 255;
  }

  /** `rtm_scope`. */
  scope(body: number): number {
    return this.word(body, 0) >>> 24;
  }

  tos(body: number): number {
    return this.word(body, 0) & 255;
  }

  /** 0 to 4294967295. */
  metric(body: number): number {
    return this.word(body, 2) >>> 0;
  }

  nextHopId(body: number): number {
    return this.word(body, 3) >>> 0;
  }

  legCount(body: number): number {
    return this.word(body, 4);
  }

  /** 4, 6, or 0 for a leg without a gateway. */
  gatewayFamily(body: number, leg: number): number {
    return (this.word(body, bodyHeaderWords + leg * legWords) >>> 8) & 255;
  }

  /** The digest of RTA_PREFSRC and RTA_METRICS, 0 for neither. */
  details(body: number): number {
    return this.word(body, 5);
  }

  /** `RTNH_F_*` of a leg. */
  legFlags(body: number, leg: number): number {
    return this.word(body, bodyHeaderWords + leg * legWords) & 255;
  }

  /** Index of the link that a leg leaves by, 0 for none. */
  legInterface(body: number, leg: number): number {
    return this.word(body, bodyHeaderWords + leg * legWords + 1);
  }

  #equals(body: number, words: Int32Array, length: number): boolean {
    const start = this.#starts[body] ?? 0;
    if ((this.#starts[body + 1] ?? 0) - start !== length) return false;
    const pool = this.#words;
    for (let index = 0; index < length; index++) if (pool[start + index] !== words[index]) return false;
    return true;
  }

  #slotOf(words: Int32Array, length: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashWords(words, length) & mask;
    for (;;) {
      const body = (this.#slots[slot] ?? 0) - 1;
      if (body < 0 || this.#equals(body, words, length)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #append(words: Int32Array, length: number, slot: number): number {
    const body = this.#count++;
    const start = this.#starts[body] ?? 0;
    if (start + length > this.#words.length) this.#words = grown(this.#words, start + length);
    if (body + 2 > this.#starts.length) this.#starts = grown(this.#starts, body + 2);
    for (let index = 0; index < length; index++) this.#words[start + index] = words[index] ?? 0;
    this.#starts[body + 1] = start + length;
    this.#slots[slot] = body + 1;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return body;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let body = 0; body < this.#count; body++) {
      const { words, length } = this.read(body);
      this.#slots[this.#slotOf(words, length)] = body + 1;
    }
  }
}

/** A digest, stirred once more because the slots use the low bits. */
function hashWords(words: Int32Array, length: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let index = 0; index < length; index++) hash = mixWord(hash, words[index] ?? 0);
  return hash ^ (hash >>> 15);
}

function grown(array: Int32Array<ArrayBuffer>, least: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(least, array.length * 2));
  larger.set(array);
  return larger;
}
