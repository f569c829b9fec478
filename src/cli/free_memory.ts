/**
 * Gives memory back to the kernel that was needed for a while: V8's compiler and parser take megabytes to load a cloud's library, and
 * glibc keeps what they free, since something small that is still in use lies behind it.
 */

/** When memory is given back, milliseconds. */
export interface FreeMemoryTimes {
  /** After the start: by then the cloud's library is loaded and the first round has been made. */
  readonly firstMs: number;
  /** From then on; it takes a tenth of a millisecond where there is nothing to give back. */
  readonly everyMs: number;
}

const usualTimes: FreeMemoryTimes = { firstMs: 5_000, everyMs: 60_000 };

/** See the head of this file; it begins at once and ends when it is disposed. */
export class FreeMemory implements Disposable {
  readonly #first: ReturnType<typeof setTimeout>;
  readonly #every: ReturnType<typeof setInterval>;

  /** @param giveBack gives free memory back. */
  constructor(giveBack: () => void, { firstMs, everyMs }: FreeMemoryTimes = usualTimes) {
    this.#first = setTimeout(giveBack, firstMs);
    this.#every = setInterval(giveBack, everyMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#first);
    clearInterval(this.#every);
  }
}
