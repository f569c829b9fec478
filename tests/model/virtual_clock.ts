/** Time that stands still until a test moves it. */

import { setImmediate } from "node:timers";
import type { Clock } from "../../src/async/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  /** Taken out once it fired or was aborted; what is left of it in the heap is passed over. */
  fire: (() => void) | null;
}

/** A clock for one test: `advance` fires what is due, in order, letting all that follows from it happen in between. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new TimerHeap();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire: done };
      function done(): void {
        timer.fire = null;
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
      this.#timers.push(timer);
    });
  }

  /** Moves time on by `ms` milliseconds. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.first;
      if (next === null || next.at > target) break;
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.at);
      next.fire?.();
    }
    this.#now = target;
  }
}

/** Timers, the next to fire first: a binary heap, since a thousand routers have thousands of them. */
class TimerHeap {
  readonly #timers: Timer[] = [];

  /** The next that was not aborted. */
  get first(): Timer | null {
    while (this.#timers[0]?.fire === null) this.shift();
    return this.#timers[0] ?? null;
  }

  push(timer: Timer): void {
    let index = this.#timers.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** Takes the first out. */
  shift(): void {
    const last = this.#timers.pop();
    if (last === undefined || this.#timers.length === 0) return;
    this.#timers[0] = last;
    for (let index = 0;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) if (this.#isBefore(child, least)) least = child;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [one, other] = [this.#timers[left], this.#timers[right]];
    if (one === undefined || other === undefined) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(left: number, right: number): void {
    const [one, other] = [this.#timers[left], this.#timers[right]];
    if (one === undefined || other === undefined) return;
    this.#timers[left] = other;
    this.#timers[right] = one;
  }
}

/** Lets every promise that can go on go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
