/** Waiting that ends when the caller gives up. */

import type { Clock } from "./clock.ts";
import { systemClock } from "./system_clock.ts";

/**
 * Waits.
 *
 * @param ms milliseconds; 0 or less: no wait at all.
 * @throws the signal's reason as soon as it is aborted.
 */
export async function delay(ms: number, signal: AbortSignal, clock: Clock = systemClock): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  await clock.sleep(ms, signal);
  signal.throwIfAborted();
}
