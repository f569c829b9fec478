/** How often routes are written where nothing was refused. */

import type { CallRate } from "../../async/adaptive_limiter.ts";

/**
 * EC2 lets each mutating call of an account and region have a bucket of 50, refilled with 5 a second
 * (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html); some is left for others.
 */
export const writeRate: CallRate = { perSecond: 4.75, burst: 45 };
