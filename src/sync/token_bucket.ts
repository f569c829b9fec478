/** Paces calls below a cloud's own limit. */

/** A token bucket: `burst` calls at once, then `perSecond`. Times are milliseconds of one monotonic clock. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(pace: { readonly perSecond: number; readonly burst: number }, now: number) {
    this.#perSecond = pace.perSecond;
    this.#burst = pace.burst;
    this.#tokens = pace.burst;
    this.#at = now;
  }

  /** Takes one token, on credit if there is none. @returns how many milliseconds to wait before the call. */
  take(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000);
  }
}
