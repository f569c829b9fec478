/** Time that stands still until a test moves it. */

import { setImmediate } from "node:timers";
import type { Clock } from "../../src/sync/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock for one test: `advance` fires what is due, in order, letting all that follows from it happen in between. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  #timers: Timer[] = [];
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
      const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire: done };
      const timers = this.#timers;
      function done(): void {
        signal.removeEventListener("abort", abort);
        resolve();
      }
      function abort(): void {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
        done();
      }
      signal.addEventListener("abort", abort);
      timers.push(timer);
    });
  }

  /** Moves time on by `ms` milliseconds. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.reduce<Timer | null>(
        (first, timer) =>
          first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order)
            ? timer
            : first,
        null,
      );
      if (next === null || next.at > target) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = target;
  }
}

/** Lets every promise that can go on go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
