/**
 * Limits that refusals have taught, where no call tells them. A limit is forgotten in time: quotas are raised, and only another write
 * finds that out.
 */

/** Settings of {@linkcode LearnedLimits}. */
export interface LearnedLimitsOptions {
  /** How long a limit counts, in milliseconds. */
  readonly ttlMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Limits by what they limit (a table and family, a router, a network). */
export class LearnedLimits {
  readonly #options: LearnedLimitsOptions;
  readonly #learned = new Map<string, { readonly limit: number; readonly until: number }>();

  constructor(options: LearnedLimitsOptions) {
    this.#options = options;
  }

  /**
   * Keeps the limit that a refusal named, or the number of routes that stood when the cloud refused one more.
   *
   * @param limit whole number of 1 or more; anything else is not kept.
   */
  learn(key: string, limit: number | undefined): void {
    if (limit === undefined || !Number.isSafeInteger(limit) || limit < 1) return;
    this.#learned.set(key, { limit, until: this.#options.now() + this.#options.ttlMs });
  }

  /** The limit, or null where none was learned, or too long ago. */
  of(key: string): number | null {
    const learned = this.#learned.get(key);
    if (learned === undefined) return null;
    if (this.#options.now() < learned.until) return learned.limit;
    this.#learned.delete(key);
    return null;
  }
}
