/** Reports to systemd and the status file how a run is doing, now and then; the log has each problem from where it is found. */

import type { SdNotify } from "../../ffi/sd_notify.ts";
import { systemClock } from "../async/system_clock.ts";
import { healthOf, type Observed, summaryOf } from "../observe/health.ts";
import { writeStatusFile } from "./status_file.ts";
import type { UnexpectedErrors } from "./unexpected_errors.ts";

/** How often the service reports to systemd, in milliseconds; well below half of the unit's WatchdogSec. */
const reportEveryMs = 2_000;
/** How often the status file is written where there is no systemd. */
const lookEveryMs = 10_000;

/** Tells systemd that the service is up, alive, and how it is doing. */
export function reportStatus(
  unexpected: UnexpectedErrors,
  systemd: SdNotify,
  observe: () => Observed,
  statusFile: (table: { readonly id: string }) => string,
): AsyncDisposable {
  const end = new AbortController();
  let lastStatus = "";
  let written = "";
  const report = async (): Promise<void> => {
    const observed = observe();
    const health = healthOf(observed);
    const status = health.state === "ok" ? summaryOf(observed) : `${health.state}: ${health.why}`;
    if (status !== lastStatus) systemd.status(status);
    lastStatus = status;
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
      await systemClock.sleep(systemd.active ? reportEveryMs : lookEveryMs, end.signal);
    }
  })();
  return {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      end.abort();
      await ended;
    },
  };
}
