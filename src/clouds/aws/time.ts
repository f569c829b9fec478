/** The passing of time, given as an argument so that tests can hold it in their hands. */

import { untilAborted } from "./until_aborted.ts";

/** A clock and the waiting by it. */
export interface Time {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Waits so many milliseconds. Rejects with the signal's reason as soon as it is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Time as it is. */
export const systemTime: Time = { now: () => performance.now(), pause };

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await untilAborted(promise, signal);
  } finally {
    clearTimeout(timer);
  }
}
