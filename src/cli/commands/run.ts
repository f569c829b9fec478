/** `run`: keeps the table in step until told to stop. */

import { getLogger } from "@logtape/logtape";
import { SdNotify } from "../../../ffi/sd_notify.ts";
import { healthOf, type Observed, summaryOf } from "../../observe/health.ts";
import { serveStatus } from "../../observe/status_server.ts";
import type { Supervisor } from "../../sync/supervisor.ts";
import { systemClock } from "../../sync/system_clock.ts";
import { version } from "../build_information.ts";
import { CloudSession } from "../cloud_session.ts";
import type { CommandContext } from "../context.ts";
import { listening } from "../listen_address.ts";
import { listenForStop } from "../signals.ts";
import { writeStatusFile } from "../status_file.ts";

const log = getLogger(["cloudroutesync", "run"]);
/** How often systemd hears of the service, in milliseconds; well below half of the unit's WatchdogSec. */
const reportEveryMs = 2_000;
/** How often the log is told of a worse state where there is no systemd. */
const lookEveryMs = 10_000;
/** How long `-withdraw-on-exit` may take, in milliseconds; below systemd's TimeoutStopSec of 90 s. */
const withdrawWithinMs = 60_000;
/** More errors than these make a line that nobody reads. */
const mostErrors = 3;

/** Runs the command. @returns the exit code. */
export async function run(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  using systemd = SdNotify.open(context.libc, context.environment("NOTIFY_SOCKET"));
  await using session = await CloudSession.open(context, { everything: false, follow: true });
  const { supervisor, kernel, cloud } = session;
  kernel.onChange = (change) => supervisor.kernelChanged(change);
  const observe = (): Observed => ({
    version,
    cloud: cloud.name,
    wanted: supervisor.wanted,
    kernelRoutes: kernel.table.size,
    kernelOverruns: kernel.health.overruns,
    kernelError: kernel.health.lastError?.message ?? null,
    openingError: supervisor.openingError,
    tables: supervisor.statuses,
  });
  const { listen } = context.settings;
  const server = listen === null ? null : listening(listen, () => serveStatus(listen, observe));
  const reporting = reportStatus(systemd, observe, (table) => session.keeper.statusFile(table));
  log.info("Keeping {cloud} in step with the kernel ({mode} mode)", {
    cloud: cloud.name,
    mode: context.settings.event ? "event" : "periodic",
  });
  try {
    await supervisor.run(signals.stop, signals.abandon);
    systemd.stopping();
    if (context.settings.withdrawOnExit) await withdraw(session, signals.insist);
  } finally {
    await reporting.end();
    await server?.shutdown();
  }
  log.info("Stopped");
  return 0;
}

async function withdraw({ supervisor }: CloudSession, insist: AbortSignal): Promise<void> {
  const giveUpAt = systemClock.now() + withdrawWithinMs;
  const giveUp = AbortSignal.any([AbortSignal.timeout(withdrawWithinMs), insist]);
  const gone = await supervisor.withdrawAll(giveUp, giveUpAt);
  if (gone) return log.info("Withdrew all routes of ours");
  const why = insist.aborted ? "told to stop once more" : whyTheyStay(supervisor);
  log.error("Cannot withdraw all routes of ours: {why}", { why });
}

/** Why routes of ours may still stand in the cloud. */
function whyTheyStay({ statuses, openingError }: Supervisor): string {
  if (statuses.length === 0) {
    const why = openingError?.message ?? "the cloud has not answered yet";
    return `what an earlier run left stays (cleanup removes it): ${why}`;
  }
  const errors = new Set(statuses.flatMap((table) => [...table.errors.values()]));
  return [...errors].slice(0, mostErrors).join("; ") ||
    `it was not done within ${withdrawWithinMs / 1000} s`;
}

/** Tells systemd that the service is up, alive, and how it is doing; the log hears of it when it gets worse. */
function reportStatus(
  systemd: SdNotify,
  observe: () => Observed,
  statusFile: (table: { readonly id: string }) => string,
): { end(): Promise<void> } {
  const end = new AbortController();
  const ended = (async () => {
    let toldStatus = "";
    let toldWhy = "";
    let writtenErrors = "";
    systemd.ready("starting");
    while (!end.signal.aborted) {
      const observed = observe();
      const health = healthOf(observed);
      const status = health.state === "ok" ? summaryOf(observed) : `${health.state}: ${health.why}`;
      if (status !== toldStatus) systemd.status(status);
      toldStatus = status;
      const why = health.state === "degraded" || health.state === "failing" ? health.why : "";
      if (why !== "" && why !== toldWhy) log.warn("{state}: {why}", { state: health.state, why });
      toldWhy = why;
      systemd.watchdog();
      const errors = JSON.stringify(observed.tables.map((table) => [...table.errors]));
      if (errors !== writtenErrors && observed.tables.length > 0) {
        for (const table of observed.tables) await writeStatusFile(statusFile(table), table);
        writtenErrors = errors;
      }
      await systemClock.sleep(systemd.active ? reportEveryMs : lookEveryMs, end.signal);
    }
  })();
  return {
    end: async () => {
      end.abort();
      await ended;
    },
  };
}
