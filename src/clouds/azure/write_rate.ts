/** How often routes are written where nothing was refused. */

import type { CallRate } from "../../async/adaptive_limiter.ts";

/** Azure's network service takes 1,000 writes in 5 minutes of one subscription and region; this leaves two thirds of them to others. */
export const writeRate: CallRate = { perSecond: 1, burst: 30 };
