/** Reports to systemd and the status file how a run is doing, now and then; the log has each problem from where it is found. */

import type { SdNotify } from "../../ffi/sd_notify.ts";
import { systemClock } from "../async/system_clock.ts";
import { healthOf, type Observed, summaryOf } from "../observe/health.ts";
import { writeStatusFile } from "./status_file.ts";
import type { UnexpectedErrors } from "./unexpected_errors.ts";

/** From one report to the next, in milliseconds, where systemd's watchdog does not ask for more. Each wakes an idle program. */
const reportEveryMs = 10_000;

/** What is under way until it is disposed. */
export interface StatusReporting extends AsyncDisposable {
  /** Tells systemd at once how the service is doing. */
  tell(observed: Observed): void;
}

/**
 * Tells systemd that the service is up, alive, and how it is doing.
 *
 * @param watchdogUsec `WATCHDOG_USEC`: after so many microseconds without a sign of life systemd starts another process; undefined: never.
 */
export function reportStatus(
  unexpected: UnexpectedErrors,
  systemd: SdNotify,
  watchdogUsec: string | undefined,
  observe: () => Observed,
  statusFile: (table: { readonly id: string }) => string,
): StatusReporting {
  const end = new AbortController();
  let lastStatus = "";
  let written = "";
  const tell = (observed: Observed): void => {
    if (!systemd.active) return;
    const health = healthOf(observed);
    const status = health.state === "ok" ? summaryOf(observed) : `${health.state}: ${health.why}`;
    if (status !== lastStatus) systemd.status(status);
    lastStatus = status;
  };
  const report = async (): Promise<void> => {
    const observed = observe();
    tell(observed);
    systemd.watchdog();
    const facts = JSON.stringify(
      observed.tables.map(({ errors, damped }) => [
        [...errors].map(([key, { message }]) => [key, message]),
        damped.map(({ prefix }) => prefix),
      ]),
    );
    if (facts !== written && observed.tables.length > 0) {
      for (const table of observed.tables) await writeStatusFile(statusFile(table), table);
      written = facts;
    }
  };
  const ended = (async () => {
    systemd.ready("starting");
    while (!end.signal.aborted) {
      await report().catch((error: unknown) => unexpected.report("while the status was reported", error));
      await systemClock.sleep(everyMs(watchdogUsec), end.signal);
    }
  })();
  return {
    tell,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      end.abort();
      await ended;
    },
  };
}

/** A third of the watchdog's time, so that one that comes late is no harm. */
function everyMs(watchdogUsec: string | undefined): number {
  const watchdogMs = Number(watchdogUsec ?? 0) / 1000;
  return watchdogMs > 0 ? Math.min(reportEveryMs, watchdogMs / 3) : reportEveryMs;
}
