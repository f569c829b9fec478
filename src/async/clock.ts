/** Time and chance, given as an argument to all that waits, so that a test can control both. */

/** Time and chance. */
export interface Clock {
  /** Milliseconds that never jump (`performance.now`), whatever happens to the wall clock. */
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as the signal is aborted. It never rejects; `delay` does. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to, not including, 1. */
  random(): number;
}

/** Timers take 2^31 - 1 milliseconds at most and fire at once beyond that (HTML standard, "timers"). */
export const longestTimeoutMs = 2 ** 31 - 1;
