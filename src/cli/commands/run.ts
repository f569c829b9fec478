/** `run`: keeps the table in step until it is stopped. */

import { getLogger } from "@logtape/logtape";
import { leaveFilePages } from "../../../ffi/file_pages.ts";
import { SdNotify } from "../../../ffi/sd_notify.ts";
import type { KernelChange } from "../../kernel/kernel_table.ts";
import type { Observed } from "../../observe/health.ts";
import type { LimiterState } from "../../sync/api_budget.ts";
import type { Supervisor } from "../../sync/supervisor.ts";
import { prefixList } from "../../sync/wording.ts";
import { systemClock } from "../../async/system_clock.ts";
import { commit, version } from "../build_information.ts";
import { CloudSession } from "../cloud_session.ts";
import { KernelFaults } from "../kernel_faults.ts";
import { FreeMemory } from "../free_memory.ts";
import { UsageError } from "../usage_error.ts";
import type { CommandContext } from "../context.ts";
import { RunObserver } from "../run_observer.ts";
import { Hangup, listenForStop, type StopSignals } from "../signals.ts";
import { logStart } from "../start_lines.ts";
import { reloadSettings } from "../reload_settings.ts";
import { StateFolderError } from "../state_folder.ts";
import { droppedByReason } from "../service/dropped_by_reason.ts";
import { RouteRowKeeper } from "../service/route_rows.ts";
import { RunningService } from "../service/running_service.ts";
import { reportStatus } from "../status_reporting.ts";
import type { UnexpectedErrors } from "../unexpected_errors.ts";

const log = getLogger(["cloudroutesync", "run"]);
/** How long after a defect all of the kernel's routes are taken again, in milliseconds. */
const takeAgainAfterMs = 1_000;
/** How long `-withdraw-on-exit` may take, in milliseconds; below systemd's TimeoutStopSec of 90 s. */
const withdrawWithinMs = 60_000;
/** Most errors that one line names: nobody reads more. */
const mostErrors = 3;
/** More prefixes than these, of one change of the kernel, likewise. */
const mostPrefixes = 10;

/** Runs the command. @returns the exit code. */
export async function run(context: CommandContext): Promise<number> {
  using hangup = new Hangup();
  using signals = listenForStop();
  using systemd = SdNotify.open(context.libc, context.environment("NOTIFY_SOCKET"));
  // Variables can no longer be read once the cloud is open.
  const watchdogUsec = context.environment("WATCHDOG_USEC");
  // The socket is opened before the permission for the network may be given up.
  await using service = await RunningService.begin(context);
  using observer = await RunObserver.open(context, service.news);
  await using session = await CloudSession.open(context, { everything: false, follow: true }, observer);
  const { supervisor, kernel, cloud } = session;
  const rows = new RouteRowKeeper();
  const take = (change: KernelChange): void => {
    takeChange(change, supervisor, context.unexpected);
    rows.kernelChanged(change);
    observer.kernelChanged();
  };
  kernel.onChange = (change) => {
    if (context.settings.debug) logChange(change);
    take(change);
  };
  const observe = (): Observed => ({
    version,
    commit,
    cloud: cloud.name,
    wanted: supervisor.wanted,
    kernelRoutes: session.table.size,
    kernelOverruns: kernel.health.overruns,
    kernelDumps: kernel.health.dumpsByWhy,
    kernelError: kernel.health.lastError?.message ?? null,
    openingError: supervisor.openingError,
    openingNextTryAt: supervisor.openingNextTryAt,
    unexpectedErrors: context.unexpected.count,
    forwarding: supervisor.forwarding,
    peers: supervisor.peers,
    limiters: supervisor.limiters.map(onWallClock),
    tables: supervisor.statuses,
  });
  service.observe({
    observed: observe,
    calls: observer.cloudCalls,
    instance: () => supervisor.identity?.instance ?? null,
    dropped: () => droppedByReason(session.table, context.settings.policy, supervisor.identity),
    release: () => supervisor.release(),
  });
  await using _listener = observer.listen(observe, {
    status: () => service.status(false),
    forget: () => rows.forget(),
    rows: (always) =>
      rows.rows({
        kernel: session.table,
        policy: context.settings.policy,
        identity: supervisor.identity,
        tables: supervisor.sights,
        describe: (hop) => cloud.describe(hop),
      }, always),
  });
  await using reporting = reportStatus(
    context.unexpected,
    systemd,
    watchdogUsec,
    () => service.looked(observe()),
    (table) => session.keeper.statusFile(table),
  );
  service.onNews = reporting.tell;
  logStart(context.settings, cloud.name);
  const faults = new KernelFaults();
  kernel.onFault = (error) => {
    faults.became(error);
    service.news();
  };
  faults.became(kernel.health.lastError);
  using _free = new FreeMemory({
    trim: () => void context.libc.symbols.malloc_trim(0n),
    leavePages: () => void leaveFilePages(context.libc),
  });
  hangup.answer(() => {
    void reloadSettings(context, session, service);
    void observer.rereadToken();
  });
  await session.podNetworks?.first(signals.stop);
  const following = followNode(session, signals.stop, take);
  await keepTables(supervisor, signals);
  await following;
  systemd.stopping();
  if (context.settings.withdrawOnExit) await withdraw(session, signals.insist);
  log.info("Stopped", { event: "stopped" });
  return 0;
}

/** Tells what follows when the node's pod networks change, until stopped. */
async function followNode(
  { podNetworks }: CloudSession,
  stop: AbortSignal,
  take: (change: KernelChange) => void,
): Promise<void> {
  await podNetworks?.follow(stop, (prefixes) => {
    take({ prefixes, receivedAt: performance.now(), interfacesChanged: false });
  });
}

/** A limiter with its time in milliseconds since the epoch. */
function onWallClock({ throttledUntil, ...rest }: LimiterState): LimiterState {
  const at = throttledUntil === null ? null : Math.round(Date.now() + throttledUntil - systemClock.now());
  return { ...rest, throttledUntil: at };
}

/** For `-debug`: what the kernel said. */
function logChange({ prefixes, interfacesChanged }: KernelChange): void {
  log.debug("The kernel changed: {prefixes}{interfaces}", {
    event: "kernel-change",
    prefixes: prefixes === "all"
      ? "its table was read again"
      : prefixList(prefixes.map(({ text }) => text), mostPrefixes),
    interfaces: interfacesChanged ? "; interfaces or addresses too" : "",
  });
}

/** Whoever reads the kernel must not end for a defect in what follows; all routes are then taken again. */
function takeChange(change: KernelChange, supervisor: Supervisor, unexpected: UnexpectedErrors): void {
  try {
    supervisor.kernelChanged(change);
  } catch (error) {
    unexpected.report("while a change of the kernel was taken", error);
    const all: KernelChange = { ...change, prefixes: "all", interfacesChanged: true };
    setTimeout(() => takeChange(all, supervisor, unexpected), takeAgainAfterMs);
  }
}

/** @throws {UsageError} if this machine keeps a table from being opened and no waiting heals it. */
async function keepTables(supervisor: Supervisor, { stop, abandon }: StopSignals): Promise<void> {
  try {
    await supervisor.run(stop, abandon);
  } catch (error) {
    if (error instanceof StateFolderError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

async function withdraw({ supervisor }: CloudSession, insist: AbortSignal): Promise<void> {
  const giveUpAt = systemClock.now() + withdrawWithinMs;
  const giveUp = AbortSignal.any([AbortSignal.timeout(withdrawWithinMs), insist]);
  const gone = await supervisor.withdrawAll(giveUp, giveUpAt);
  if (gone) return log.info("Withdrew all routes of ours", { event: "withdrawn" });
  const why = insist.aborted ? "a second signal to stop came" : whyTheyStay(supervisor);
  log.error("Cannot withdraw all routes of ours: {why}", { event: "not-withdrawn", why });
}

/** Why routes of ours may still stand in the cloud. */
function whyTheyStay({ statuses, openingError }: Supervisor): string {
  if (statuses.length === 0) {
    const why = openingError?.message ?? "the cloud has not answered yet";
    return `what an earlier run left stays (cleanup removes it): ${why}`;
  }
  const errors = new Set(
    statuses.flatMap((table) => [...table.errors.values()].map(({ message }) => message)),
  );
  return [...errors].slice(0, mostErrors).join("; ") ||
    `it was not done within ${withdrawWithinMs / 1000} s`;
}
