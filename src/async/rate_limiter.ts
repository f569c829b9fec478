/** Keeps calls below a cloud's own rate limit. */

/** A token bucket: `burst` calls at once, then `perSecond`. Times are milliseconds of one monotonic clock. */
export class RateLimiter {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** @param tokens how many calls may be made at once now. */
  constructor(
    rate: { readonly perSecond: number; readonly burst: number },
    now: number,
    tokens = rate.burst,
  ) {
    this.#perSecond = rate.perSecond;
    this.#burst = rate.burst;
    this.#tokens = tokens;
    this.#at = now;
  }

  /** How many milliseconds there is no token. */
  waitMs(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000);
  }

  /** Takes one token, on credit if there is none. @returns how many milliseconds to wait before the call. */
  take(now: number): number {
    this.#refill(now);
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000);
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
  }
}
