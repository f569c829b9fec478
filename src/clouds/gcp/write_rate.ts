/** How often routes are written where nothing was refused. */

import type { AfterRefusal, CallRate } from "../../async/adaptive_limiter.ts";

/**
 * Google counts the writes of a project, of all its machines and people together, in each minute of the clock, 1,500 unless somebody
 * asked for more (https://cloud.google.com/compute/api-quota): burst and a minute's tokens of a process that is alone are as many.
 */
export const writeRate: CallRate = { perSecond: 20, burst: 300 };

/** After a write that was refused: a minute's quota is there again at the next full minute. */
export const afterRefusal: AfterRefusal = { spacingMs: 60_000, longestFirstWaitMs: 10_000 };
