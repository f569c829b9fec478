/**
 * Gives memory back to the kernel that was needed for a while: V8's compiler and parser take megabytes to load a cloud's library, and
 * glibc keeps what they free, since something small that is still in use lies behind it. The start also touches pages of the executable
 * by the megabyte that nothing needs later.
 */

/** How memory is given back. */
export interface WaysToFree {
  /** Gives back what glibc keeps of freed memory. */
  trim(): void;
  /** Takes the executable's pages out of the resident memory; those in use come back (`ffi/file_pages.ts`). */
  leavePages(): void;
}

/** When memory is given back, milliseconds. */
export interface FreeMemoryTimes {
  /** The first trim, after the start: by then the cloud's library is loaded and the first round has been made. */
  readonly firstMs: number;
  /** From then on; it takes a tenth of a millisecond where there is nothing to give back. */
  readonly everyMs: number;
  /** The executable's pages, after the start. */
  readonly pagesMs: number;
  /** Again from then on: V8's compilers touch another 10 MB in the minutes in which they compile what has come to be used often. */
  readonly pagesEveryMs: number;
}

const usualTimes: FreeMemoryTimes = {
  firstMs: 5_000,
  everyMs: 60_000,
  pagesMs: 10_000,
  pagesEveryMs: 600_000,
};

/** See the head of this file; it begins at once and ends when it is disposed. */
export class FreeMemory implements Disposable {
  readonly #first: ReturnType<typeof setTimeout>;
  readonly #every: ReturnType<typeof setInterval>;
  readonly #pages: ReturnType<typeof setTimeout>;
  readonly #pagesEvery: ReturnType<typeof setInterval>;

  constructor(ways: WaysToFree, times: FreeMemoryTimes = usualTimes) {
    this.#first = setTimeout(() => ways.trim(), times.firstMs);
    this.#every = setInterval(() => ways.trim(), times.everyMs);
    this.#pages = setTimeout(() => ways.leavePages(), times.pagesMs);
    this.#pagesEvery = setInterval(() => ways.leavePages(), times.pagesEveryMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#first);
    clearInterval(this.#every);
    clearTimeout(this.#pages);
    clearInterval(this.#pagesEvery);
  }
}
