/** How long to wait before a failed call is tried again: exponential with full jitter, capped. */

/** Longest own wait in milliseconds, so that a healed cloud is in step within 15 s. */
export const longestBackoffMs = 10_000;
const firstBackoffMs = 250;
/** Even the luckiest draw waits this long: a loop with no pause at all would be a hammer. */
const shortestBackoffMs = 50;

/**
 * The wait before the next try.
 *
 * Full jitter (a uniform draw up to the exponential bound) keeps many VMs that failed together from coming back together.
 *
 * @param failures failures in a row so far, 1 or more.
 * @param retryAfterMs the delay that the cloud named; it is honoured even beyond the cap.
 * @param random a number from 0 up to 1.
 */
export function backoffMs(failures: number, retryAfterMs: number | undefined, random: number): number {
  const bound = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 20));
  return Math.max(shortestBackoffMs, Math.round(bound * random), retryAfterMs ?? 0);
}
