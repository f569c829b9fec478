/**
 * A route without its destination, as a run of 32-bit words, and the pool in which each distinct one is kept once.
 *
 * A million routes of an Internet table share a few hundred bodies; a row of the table is its prefix and a number of
 * the pool.
 *
 * ```
 * word 0   tos | protocol << 8 | type << 16 | scope << 24
 * word 1   table
 * word 2   metric
 * word 3   next-hop object, 0 for none
 * word 4   number of legs
 * then for each leg
 * word 0   flags | gateway's family (0, 4, 6) << 8 | weight << 16
 * word 1   interface index
 * word 2-5 gateway, most significant word first
 * ```
 */

/** Words before the first leg. */
export const bodyHeaderWords = 5;

/** Words of one leg. */
export const legWords = 6;

/** Leg flags that the program reads (`RTNH_F_*`, linux/rtnetlink.h). */
export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;
export const legFlagMask = RTNH_F_DEAD | RTNH_F_ONLINK | RTNH_F_LINKDOWN;

/** A body being put together or read: the words, of which the first `length` count. */
export interface BodyWords {
  words: Int32Array<ArrayBuffer>;
  length: number;
}

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

  protocol(body: number): number {
    return (this.word(body, 0) >>> 8) & 255;
  }

  type(body: number): number {
    return (this.word(body, 0) >>> 16) & 255;
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

/** FNV-1a over whole words, stirred once more because the slots use the low bits. */
function hashWords(words: Int32Array, length: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let index = 0; index < length; index++) hash = Math.imul(hash ^ (words[index] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

function grown(array: Int32Array<ArrayBuffer>, least: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(least, array.length * 2));
  larger.set(array);
  return larger;
}

/**
 * Whether two bodies are one route to the kernel: all that makes it, not the state that its legs are in (a leg without
 * carrier is flagged so in one message and not in another). A next-hop object stands for its legs.
 */
export function sameRoute(bodies: RouteBodies, left: number, right: number): boolean {
  if (left === right) return true;
  for (let index = 0; index < 4; index++) {
    if (bodies.word(left, index) !== bodies.word(right, index)) return false;
  }
  if (bodies.nextHopId(left) !== 0) return true;
  const legs = bodies.legCount(left);
  if (bodies.legCount(right) !== legs) return false;
  for (let leg = 0; leg < legs; leg++) {
    if (!sameLeg(bodies, left, leg, right, leg, ~legFlagMask)) return false;
  }
  return true;
}

/** Whether two legs agree in gateway, device and those bits of their first word that `mask` keeps. */
export function sameLeg(
  bodies: RouteBodies,
  left: number,
  leftLeg: number,
  right: number,
  rightLeg: number,
  mask: number,
): boolean {
  const leftAt = bodyHeaderWords + leftLeg * legWords;
  const rightAt = bodyHeaderWords + rightLeg * legWords;
  if (((bodies.word(left, leftAt) ^ bodies.word(right, rightAt)) & mask) !== 0) return false;
  for (let index = 1; index < legWords; index++) {
    if (bodies.word(left, leftAt + index) !== bodies.word(right, rightAt + index)) return false;
  }
  return true;
}
