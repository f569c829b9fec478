/** The real clock. */

import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "./clock.ts";

/** Timers take 2^31 - 1 milliseconds at most and fire at once beyond that. */
const longestTimeoutMs = 2 ** 31 - 1;

/** Monotonic time, real sleep, real chance. */
export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.min(Math.max(ms, 0), longestTimeoutMs), undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
