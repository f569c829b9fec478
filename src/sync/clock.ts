/** Time and chance, given to the loop as an argument so that tests can hold both in their hands. */

/** What the loop knows of time. */
export interface Clock {
  /** Milliseconds that never jump (`performance.now`), whatever happens to the wall clock. */
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as the signal is aborted. It never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to, not including, 1. */
  random(): number;
}
