/** A value that a cloud is asked for now and then, such as a quota: a failure to ask keeps the value that was known. */

import { abortable } from "../../async/abortable.ts";

/** Settings of an {@linkcode AskedValue}. */
export interface AskedValueOptions<T> {
  /** Asks the cloud; null where it does not tell. The signal is this class's own, never a caller's. */
  readonly ask: (signal: AbortSignal) => Promise<T | null>;
  /** Deadline of a question, in milliseconds. */
  readonly timeoutMs: number;
  /** How long an answer counts, and a failure too, in milliseconds. */
  readonly ttlMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called with each failure. */
  readonly onFailure: (error: unknown) => void;
}

/** One value; see the head of this file. */
export class AskedValue<T> {
  readonly #options: AskedValueOptions<T>;
  #value: T | null = null;
  #askAt = -Infinity;
  #asking: Promise<void> | null = null;

  constructor(options: AskedValueOptions<T>) {
    this.#options = options;
  }

  /** The value as last known, without a call; null while unknown. */
  get known(): T | null {
    return this.#value;
  }

  /**
   * The value, asked for if it is due. Who comes while it is asked for waits for the same answer.
   *
   * @returns null where the cloud does not tell, or could not be asked yet.
   * @throws only the signal's reason.
   */
  async read(signal: AbortSignal): Promise<T | null> {
    signal.throwIfAborted();
    if (this.#options.now() >= this.#askAt) {
      this.#asking ??= this.#ask();
      await abortable(this.#asking, signal);
    }
    return this.#value;
  }

  async #ask(): Promise<void> {
    const { ask, timeoutMs, ttlMs, now, onFailure } = this.#options;
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      this.#value = await abortable(ask(deadline), deadline) ?? this.#value;
    } catch (error) {
      onFailure(error);
    } finally {
      this.#askAt = now() + ttlMs;
      this.#asking = null;
    }
  }
}
