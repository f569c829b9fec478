/** How long to wait before a failed call is tried again: exponential with full jitter, capped. */

/** Longest own wait in milliseconds, so that a healed cloud is in step within 15 s. */
export const longestBackOffMs = 10_000;
const firstBackOffMs = 250;
/** Even the shortest draw waits this long, so that no loop calls without a pause. */
const shortestBackOffMs = 50;

/**
 * The wait before the next try.
 *
 * Full jitter (a uniform draw up to the exponential bound) keeps many VMs that failed together from coming back together.
 *
 * @param failures failures in a row so far, 1 or more.
 * @param retryAfterMs the delay that the cloud named; it is honoured even beyond the cap.
 * @param random a number from 0 up to 1.
 */
export function backOffMs(failures: number, retryAfterMs: number | undefined, random: number): number {
  const bound = doubledMs(firstBackOffMs, failures, longestBackOffMs);
  return Math.max(shortestBackOffMs, Math.round(bound * random), retryAfterMs ?? 0);
}

/** A period that is at most a tenth longer or shorter. @param random a number from 0 up to 1. */
export function jitteredMs(ms: number, random: number): number {
  return Math.round(ms * (0.9 + 0.2 * random));
}

/** A number between two borders. @param random a number from 0 up to 1. */
export function between([least, most]: readonly [number, number], random: number): number {
  return least + (most - least) * random;
}

/** A wait of `firstMs` doubled so many times, `longestMs` at most. */
export function doubledMs(firstMs: number, times: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(times, 30));
}
