/** The real clock. */

import { setTimeout as timer } from "node:timers/promises";
import { type Clock, longestTimeoutMs } from "./clock.ts";

/** Monotonic time, real sleep, real chance. */
export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: async (ms, signal) => {
    try {
      await timer(Math.min(Math.max(ms, 0), longestTimeoutMs), undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
