/** Writes what few routes have into a route's body (`route_body.ts`): several legs, and addresses behind them. */

import {
  bodyHeaderWords,
  type BodyWords,
  extraWords,
  legFlagMask,
  legWords,
  sourceTag,
} from "./route_body.ts";

export class RouteBodyWriter {
  /** What is being written. Its words are another array once a route has more legs than any before. */
  readonly body: BodyWords = { words: new Int32Array(bodyHeaderWords + legWords), length: bodyHeaderWords };
  /** What is to come behind the legs: {@linkcode extraWords} each. */
  readonly #extras: number[] = [];

  /** Begins several legs, in place of an only one. */
  beginLegs(): void {
    this.body.length = bodyHeaderWords;
  }

  /** Adds a leg; returns its first word's place. */
  addLeg(interfaceIndex: number): number {
    const at = this.body.length;
    this.#reserve(legWords);
    const { words } = this.body;
    words.fill(0, at, at + legWords);
    words[at + 1] = interfaceIndex;
    return at;
  }

  /** Ends a leg. @param header word 0 of its `struct rtnexthop`. */
  endLeg(at: number, header: number): void {
    const { words } = this.body;
    words[at] = (words[at] ?? 0) | ((header >>> 16) & legFlagMask) | (((header >>> 24) + 1) << 16);
  }

  /** Orders legs by device, gateway and encapsulation. */
  sortLegs(): void {
    const { words, length } = this.body;
    const legs: Int32Array[] = [];
    for (let at = bodyHeaderWords; at < length; at += legWords) legs.push(words.slice(at, at + legWords));
    legs.sort((left, right) => {
      const index = left.findIndex((word, at) => at > 0 && word !== right[at]);
      return index < 0 ? 0 : ((left[index] ?? 0) >>> 0) - ((right[index] ?? 0) >>> 0);
    });
    legs.forEach((leg, index) => words.set(leg, bodyHeaderWords + index * legWords));
  }

  /** Lays words aside that are to come behind the legs. @param isFirst whether they are the route's first. */
  addExtra(isFirst: boolean, words: readonly [number, number, number, number, number]): void {
    if (isFirst) this.#extras.length = 0;
    this.#extras.push(...words);
  }

  /** Puts what was laid aside behind the legs. @param sourceLength network bits of RTA_SRC. */
  placeExtras(sourceLength: number): void {
    const at = this.body.length;
    this.#reserve(this.#extras.length);
    const { words } = this.body;
    words.set(this.#extras, at);
    for (let tag = at; tag < this.body.length; tag += extraWords) {
      if (words[tag] === sourceTag) words[tag] = sourceTag | (sourceLength << 8);
    }
  }

  /** Makes the body longer. */
  #reserve(count: number): void {
    this.body.length += count;
    if (this.body.length <= this.body.words.length) return;
    const larger = new Int32Array(Math.max(this.body.length, this.body.words.length * 2));
    larger.set(this.body.words);
    this.body.words = larger;
  }
}
