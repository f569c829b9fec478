/** The real clock. */

import type { Clock } from "./clock.ts";

/** `setTimeout` takes 2^31 - 1 milliseconds at most and fires at once beyond that. */
const longestTimeoutMs = 2 ** 31 - 1;

/** Monotonic time, real sleep, real chance. */
export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(Math.max(ms, 0), longestTimeoutMs));
      signal.addEventListener("abort", finish, { once: true });
    }),
};
