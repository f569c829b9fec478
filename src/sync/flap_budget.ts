/**
 * Keeps a prefix that flaps from using up the calls of the account: each prefix has writes of its own, a few at once and then one in a
 * while. What it cannot pay for waits, and what the kernel wants then is written. Times are milliseconds of one monotonic clock.
 */

import type { PlannedChange } from "./planned_change.ts";

const writesAtOnce = 6;
const oneInMs = 30_000;
const leastLooked = 1_000;

/** See the head of this file. */
export class FlapBudget {
  /** By canonical prefix; a prefix whose writes are all there again is left out. */
  readonly #left = new Map<string, { readonly writes: number; readonly at: number }>();
  /** Beyond so many prefixes it is looked which of them may be left out: seldom enough that looking costs little a write. */
  #mostLeft = leastLooked;

  /** Takes note of a change that was made. */
  spend({ prefix }: Pick<PlannedChange, "prefix">, now: number): void {
    // What had to be written on credit does not make the next wait longer and longer.
    this.#left.set(prefix.text, { writes: Math.max(0, this.#writesOf(prefix.text, now)) - 1, at: now });
    if (this.#left.size > this.#mostLeft) this.#forgetFull(now);
  }

  /** When a change may be made; in the past: now. A withdrawal never waits: packets go nowhere meanwhile. */
  payableAt({ action, prefix }: Pick<PlannedChange, "action" | "prefix">, now: number): number {
    const left = this.#left.get(prefix.text);
    if (action === "delete" || left === undefined || left.writes >= 1) return now;
    return left.at + (1 - left.writes) * oneInMs;
  }

  #writesOf(prefix: string, now: number): number {
    const left = this.#left.get(prefix);
    return left === undefined
      ? writesAtOnce
      : Math.min(writesAtOnce, left.writes + (now - left.at) / oneInMs);
  }

  #forgetFull(now: number): void {
    for (const prefix of this.#left.keys()) {
      if (this.#writesOf(prefix, now) >= writesAtOnce) this.#left.delete(prefix);
    }
    this.#mostLeft = Math.max(leastLooked, 2 * this.#left.size);
  }
}
