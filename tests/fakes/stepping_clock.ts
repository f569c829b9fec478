/** A clock that a sleep moves on at once: for code that waits for nothing but time. */

import type { Clock } from "../../src/async/clock.ts";

/** See the head of this file. */
export class SteppingClock implements Clock {
  /** The sleeps that were asked for, in milliseconds. */
  readonly sleeps: number[] = [];
  #now = 0;
  readonly #random: number;

  /** @param random what every draw yields, from 0 up to 1. */
  constructor(random = 0.5) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random;
  }

  sleep(ms: number): Promise<void> {
    this.sleeps.push(ms);
    this.#now += ms;
    return Promise.resolve();
  }
}
