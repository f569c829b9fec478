/** Waits for a cloud that is not there yet: a VM often boots before its metadata, its network or its role are ready. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../clouds/cloud_error.ts";
import { backoffMs } from "./backoff.ts";
import { circuitOpenMs } from "./circuit.ts";
import type { Clock } from "./clock.ts";

const log = getLogger(["cloudroutesync", "sync"]);

/** What no waiting mends, a wrong configuration or a table that cannot be understood, is given up after this many tries. */
export const invalidTries = 3;

/**
 * Calls until it works. What may heal is tried again with back-off, a missing permission once a minute.
 *
 * @param call what to do.
 * @param giveUpAt when to give up and throw the last error, in milliseconds of the clock; Infinity: never.
 * @throws {CloudError} `invalid` after three in a row: no waiting mends a configuration. The signal's reason when it is
 * aborted.
 */
export async function untilItWorks<T>(
  call: (signal: AbortSignal) => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
  giveUpAt = Infinity,
): Promise<T> {
  let told = "";
  let invalid = 0;
  for (let failures = 1;; failures++) {
    signal.throwIfAborted();
    try {
      return await call(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudError)) throw error;
      invalid = error.kind === "invalid" ? invalid + 1 : 0;
      if (invalid >= invalidTries) throw error;
      const wait = waitAfter(error, failures, clock);
      if (clock.now() + wait > giveUpAt) throw error;
      if (error.message !== told) tell(error, invalid);
      told = error.message;
      await clock.sleep(wait, signal);
    }
  }
}

/** Whoever reads that it tries on must not find it ended a moment later, so an end in sight is told. */
function tell({ message }: CloudError, invalid: number): void {
  if (invalid === 0) log.warn("{message}; trying on", { message });
  else log.warn("{message}; tries left: {left}", { message, left: invalidTries - invalid });
}

function waitAfter(error: CloudError, failures: number, clock: Clock): number {
  if (error.kind === "denied" || error.kind === "quota") return circuitOpenMs;
  return backoffMs(failures, error.retryAfterMs, clock.random());
}
