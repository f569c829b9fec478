/** Waits for a cloud that is not there yet: a VM often boots before its metadata, its network or its role are ready. */

import { getLogger } from "@logtape/logtape";
import { backOffMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import { CloudError, ConfigurationError, errorFacts } from "../clouds/cloud_error.ts";
import { eachMinuteMs, fewTries, meaningOf, needsCorrection } from "../clouds/error_meaning.ts";
import { remedyOf, withoutStop } from "./error_text.ts";
import { ToldErrors } from "./told_errors.ts";

const log = getLogger(["cloudroutesync", "sync"]);

/** How long a call is retried. */
export interface RetryOptions {
  /** When to give up and throw the last error, in milliseconds of the clock; left out: never, as the service does. */
  readonly giveUpAt?: number;
  /** Whether it worked before in this run, so that a {@linkcode ConfigurationError} is waited for as all else; left out: it did not. */
  readonly hasWorked?: boolean;
  /** Called with the time when the next try is made, in milliseconds of the clock. */
  readonly onWait?: (until: number) => void;
}

/**
 * Calls until it works. What may heal is tried again with back-off, a missing permission once a minute.
 *
 * @throws {ConfigurationError} at once; {@linkcode CloudError} when the time is over, or, where the time is limited, what
 * needs a correction after three in a row. The signal's reason when it is aborted.
 */
export async function retryUntil<T>(
  call: (signal: AbortSignal) => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
  { giveUpAt = Infinity, hasWorked = false, onWait }: RetryOptions = {},
): Promise<T> {
  const told = new ToldErrors();
  let wrong = 0;
  for (let failures = 1;; failures++) {
    signal.throwIfAborted();
    try {
      return await call(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudError)) throw error;
      if (error instanceof ConfigurationError && !hasWorked) throw error;
      wrong = needsCorrection(error) ? wrong + 1 : 0;
      if (wrong >= fewTries && giveUpAt < Infinity) throw error;
      const wait = isTriedEachMinute(error, wrong)
        ? eachMinuteMs
        : backOffMs(failures, error.retryAfterMs, clock.random());
      if (clock.now() + wait > giveUpAt) throw error;
      // An error is logged once, with the wait that follows it; later waits are longer.
      if (told.isNews(error)) logRetry(error, wait);
      onWait?.(clock.now() + wait);
      log.debug("Waiting for {ms} ms before attempt {next}", {
        event: "back-off",
        ms: Math.round(wait),
        next: failures + 1,
      });
      await clock.sleep(wait, signal);
    }
  }
}

function logRetry(error: CloudError, waitMs: number): void {
  const remedy = remedyOf(error);
  log.warn("{sentence}{remedy}; retrying in {seconds} s", {
    event: "retry",
    ...errorFacts(error),
    sentence: withoutStop(error.message),
    remedy: remedy === undefined ? "" : `; ${remedy}`,
    seconds: Math.ceil(waitMs / 1000),
  });
}

/** @param wrong how many errors in a row needed a correction: the first few may come while somebody is at it. */
function isTriedEachMinute(error: CloudError, wrong: number): boolean {
  if (meaningOf(error).retry !== "each-minute") return false;
  return !needsCorrection(error) || wrong >= fewTries;
}
