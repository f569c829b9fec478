/** When the kernel is dumped next. Times are milliseconds. */

import { doubledMs } from "../../async/back_off.ts";

/** From the event that raises a doubt to the dump: what belongs together comes within it. */
const settleMs = 5;

/** However long dumps take, a doubt waits no longer than this. */
const longestSettleMs = 2_000;

/** From one dump to the next while the kernel may still be at work on what it has announced. */
const unfinishedMs = 40;

/** Likewise while dumps leave a doubt of their own: doubled with each further one up to the second. */
const firstUnsureMs = 40;
const longestUnsureMs = 10_000;

/** Pause after a failed dump or event socket: doubled with each further one up to the second. */
const firstRetryMs = 100;
const lastRetryMs = 5_000;

/** From one dump to the next where there are no events and no other time is given. */
const pollMs = 10_000;

/** How long to wait after so many failures in a row. */
export function retryMs(failures: number): number {
  return doubledMs(firstRetryMs, failures - 1, lastRetryMs);
}

/** A storm of doubts must not make dumps of a large table follow one another without a pause. @param lastDumpMs how long the last took. */
export function settlingMs(lastDumpMs: number): number {
  return Math.max(settleMs, Math.min(lastDumpMs, longestSettleMs));
}

/** Looks at how the dumps went. */
export class DumpPace {
  #redumpMs: number;
  #failures = 0;
  #unsure = 0;
  #unfinished = false;

  /** @param redumpMs from one dump to the next when all is well; 0 for none. */
  constructor(redumpMs: number) {
    this.#redumpMs = redumpMs;
  }

  /** From one dump to the next when all is well; 0: there is none without a reason. */
  get redumpMs(): number {
    return this.#redumpMs;
  }

  /** There are no events any more. */
  poll(): void {
    if (this.#redumpMs <= 0) this.#redumpMs = pollMs;
  }

  /** Whether the last dump has failed, so that the next is a further try. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** The kernel may still be at work: one dump more after the next. */
  expectMore(): void {
    this.#unfinished = true;
  }

  /** A dump has failed. */
  failed(): void {
    this.#failures++;
  }

  /** A dump has ended. @param unsure whether it leaves a doubt. */
  ended(unsure: boolean): void {
    this.#failures = 0;
    this.#unsure = unsure ? this.#unsure + 1 : 0;
  }

  /** How long to wait for the next dump; Infinity for none. */
  nextMs(): number {
    const waits = [this.#redumpMs > 0 ? this.#redumpMs : Infinity];
    if (this.#unsure > 0) waits.push(doubledMs(firstUnsureMs, this.#unsure - 1, longestUnsureMs));
    if (this.#failures > 0) waits.push(retryMs(this.#failures));
    else if (this.#unfinished) {
      this.#unfinished = false;
      waits.push(unfinishedMs);
    }
    return Math.min(...waits);
  }
}
