/** Makes long computing in slices of time, between which the event loop handles what has come. */

import type { Clock } from "./clock.ts";
import type { Steps } from "./steps.ts";

/** The event loop is held no longer than this at a time, in milliseconds, but for one step. */
export const sliceMs = 8;

/**
 * Makes the steps of a computation. What is done within one slice is done before this returns to its caller's caller: nothing small waits.
 *
 * @param signal once it is aborted all that is left is done at once: the outcome may be needed to end in order.
 */
export async function inSlices<T>(steps: Steps<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  let startedAt = clock.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock.now() - startedAt < sliceMs) continue;
    await clock.sleep(0, signal);
    startedAt = clock.now();
  }
}
