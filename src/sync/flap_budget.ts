/**
 * Keeps a prefix that flaps from using up the calls of the account: each prefix has writes of its own, a few at once and then one in a
 * while. What it cannot pay for waits, and what the kernel wants then is written. Times are milliseconds of one monotonic clock.
 */

import type { PlannedChange } from "./planned_change.ts";

const writesAtOnce = 6;
const oneInMs = 30_000;
/** A prefix that was not written for so long has all its writes again, also where the last one was on credit. */
const fullAfterMs = (writesAtOnce + 1) * oneInMs;

/** What is left to a prefix, and when that was looked at. */
interface Left {
  readonly writes: number;
  readonly at: number;
}

/** See the head of this file. */
export class FlapBudget {
  /** By canonical prefix, of those that were written since {@linkcode #begunAt}. */
  #recent = new Map<string, Left>();
  /** The same of those that were written in the time before: each is forgotten without being looked at, however many there are. */
  #before = new Map<string, Left>();
  #begunAt = -Infinity;

  /** Takes note of a change that was made. */
  spend({ prefix: { text } }: Pick<PlannedChange, "prefix">, now: number): void {
    // What had to be written on credit does not make the next wait longer and longer.
    const writes = Math.max(0, this.#writesOf(text, now)) - 1;
    if (now - this.#begunAt >= fullAfterMs) {
      this.#before = this.#recent;
      this.#recent = new Map();
      this.#begunAt = now;
    }
    this.#recent.set(text, { writes, at: now });
  }

  /** When a change may be made; in the past: now. A withdrawal never waits: packets go nowhere meanwhile. */
  payableAt({ action, prefix }: Pick<PlannedChange, "action" | "prefix">, now: number): number {
    const left = this.#leftOf(prefix.text);
    if (action === "delete" || left === undefined || left.writes >= 1) return now;
    return left.at + (1 - left.writes) * oneInMs;
  }

  #writesOf(prefix: string, now: number): number {
    const left = this.#leftOf(prefix);
    return left === undefined
      ? writesAtOnce
      : Math.min(writesAtOnce, left.writes + (now - left.at) / oneInMs);
  }

  #leftOf(prefix: string): Left | undefined {
    return this.#recent.get(prefix) ?? this.#before.get(prefix);
  }
}
