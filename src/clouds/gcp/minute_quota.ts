/**
 * When the API's quota of a minute is refilled: "if a project reaches a quota limit at 10:00:15, the quota refills at the start of the
 * next synchronized interval, such as 10:01:00" (https://cloud.google.com/compute/api-quota). No call before that is of any use, and
 * Google names no Retry-After.
 */

const minuteMs = 60_000;
/** Clocks differ: a refusal this early in a minute, in milliseconds, may belong to the minute before. */
const slackMs = 5_000;
/** Processes that wait for the same minute come back spread over so many milliseconds. */
const spreadMs = 3_000;

/**
 * How long to wait after a refusal, in milliseconds.
 *
 * @param wallMs milliseconds since the epoch.
 * @param random a number from 0 up to 1.
 */
export function untilRefillMs(wallMs: number, random: number): number {
  const gone = wallMs % minuteMs;
  const left = gone < slackMs ? slackMs - gone : minuteMs - gone;
  return Math.ceil(left + random * spreadMs);
}
