/**
 * Keeps one table in step.
 *
 * The loop is level-triggered: each round compares what is wanted with what the cloud has and makes the difference smaller. News
 * from the kernel only says which prefixes to look at, and when. There is one round at a time: what arrives during a write joins
 * the next. A failed call is followed by a new reading, since nobody knows what it did.
 */

import type { Cloud, CloudConnection, TableState } from "../clouds/cloud.ts";
import { CloudError, isOverRate } from "../clouds/cloud_error.ts";
import { eachMinuteMs, fewTries, meaningOf, needsCorrection } from "../clouds/error_meaning.ts";
import type { ApiBudget } from "./api_budget.ts";
import { ChangeCauses } from "./change_causes.ts";
import type { ChangeRecord } from "./change_history.ts";
import { type Comparison, nothingCompared } from "./comparison.ts";
import type { GroupSettings } from "./group_members.ts";
import { type GuardSettings, letGo, wantedAgain } from "./guard.ts";
import { LedgerError } from "./ledger.ts";
import type { TableIndex } from "./ownership.ts";
import type { SeenPeer } from "./peer_status.ts";
import { earliest, isUndone, leftOver, worstFailure } from "./round_outcome.ts";
import { Schedule, type ScheduleSettings } from "./schedule.ts";
import { comparisonFacts, type SyncStatus } from "./sync_status.ts";
import { TableChanges } from "./table_changes.ts";
import { type ComparisonRules, TableLook, type TableLookOptions } from "./table_look.ts";
import { TableReport } from "./table_report.ts";
import type { Resolution } from "./targets.ts";
import type { WriteReport } from "./writer.ts";

/** The user's settings of the loop; durations in milliseconds. */
export interface SyncSettings extends ScheduleSettings {
  readonly guard: GuardSettings;
  /** `-adopt`: take over foreign routes that stand where a wanted prefix should be. */
  readonly adopt: boolean;
  /** The routers that share the table. */
  readonly group: GroupSettings;
}

/** What a reconciler works with. */
export interface ReconcilerOptions extends TableLookOptions {
  readonly cloud: Pick<Cloud, "traits" | "describe">;
  readonly connection: () => Pick<CloudConnection, "read" | "write" | "resolve" | "forget" | "findDead">;
  readonly settings: SyncSettings;
  /** Whether this router may change routes: the active address of its group is on it, or there is none. */
  readonly isActive: () => boolean;
  /** Hears of each change that was made. */
  readonly onChange?: ((table: string, change: ChangeRecord) => void) | undefined;
  /** How often the account's API is called; all tables share it. */
  readonly budget: Pick<ApiBudget, "wait">;
  /** What was reported of the table before it was opened again; left out: nothing. */
  readonly report?: TableReport;
}

/**
 * How a round or a loop ended: `gone` means that the table is not there (any more), `wrong` that a setting or an
 * answer is, and stays so until a person corrects it.
 */
export type RoundEnd = "done" | "stopped" | "gone" | "wrong";

/** What came of a round. */
export interface RoundResult {
  readonly end: RoundEnd;
  /** When the next round is due, in milliseconds of the clock; news may bring it forward. */
  readonly nextAt: number;
}

/** A report of a table of which nothing was reported yet. */
export function reportOf(
  { table, cloud, clock, onChange }: Pick<ReconcilerOptions, "table" | "cloud" | "clock" | "onChange">,
): TableReport {
  return new TableReport(table, (hop) => cloud.describe(hop), { now: () => clock.now(), onChange });
}

/** A table as last read and compared. */
export interface TableSight extends Pick<SyncStatus, "table" | "errors" | "known"> {
  readonly comparison: Comparison;
  readonly index: TableIndex;
}

/** Keeps one table in step; see the head of this file. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #report: TableReport;
  readonly #look: TableLook;
  readonly #changes: TableChanges;
  readonly #causes = new ChangeCauses();
  #settings: SyncSettings;
  #schedule: Schedule;
  #comparison: Comparison | null = null;
  /** The comparison whose changes are being made just now: a slow cloud takes its time, and they are pending all the while. */
  #underWay: Comparison | null = null;
  #inStepAt: number | null = null;
  #inStepSince: number | null = null;
  /** When the hold of the moment ends, in milliseconds of the clock and, worked out once a hold, since the epoch. */
  #guardEnd: number | null = null;
  #heldUntil: number | null = null;
  #wake: (() => void) | null = null;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#report = options.report ?? reportOf(options);
    this.#look = new TableLook(options, this.#report, (now) => this.#rules(now));
    this.#changes = new TableChanges(options, this.#look.view, this.#report, this.#causes);
    this.#schedule = new Schedule(options.settings, options.clock.now());
  }

  /**
   * Says that what is wanted for these canonical prefixes changed.
   *
   * @param at when the kernel said so, in milliseconds of the clock; null: no event of the kernel's was the reason.
   */
  notify(prefixes: readonly string[], at: number | null = null): void {
    if (prefixes.length === 0) return;
    this.#causes.news(prefixes, at);
    this.#look.dirty.arrive(prefixes);
    const { wanted } = this.#options;
    this.#look.guardState = wantedAgain(
      this.#look.guardState,
      prefixes.filter((prefix) => wanted.has(prefix)),
    );
    if (this.#schedule.news(this.#options.clock.now())) this.#wake?.();
  }

  /** Lets the withdrawals that are held go now. @returns how many there are. */
  release(): number {
    const { clock } = this.#options;
    const held = this.#comparison?.decision.held ?? [];
    if (held.length === 0) return 0;
    this.#look.guardState = letGo(this.#look.guardState, held, clock.now(), this.#settings.guard.holdMs);
    this.#report.released(held.length);
    this.recheck();
    return held.length;
  }

  /** Takes other settings and compares at once. A hold goes on: it began when it began, and lasts as long as the new settings say. */
  reconfigure(settings: SyncSettings): void {
    this.#settings = settings;
    this.#schedule.reconfigure(settings);
    this.recheck();
  }

  /** Asks for a comparison of everything with the table as last read: the active address of the group came or went. */
  reconsider(): void {
    this.#look.dirty.addAll();
    this.#wake?.();
  }

  /** Says that a peer may be dead: the cloud is asked at once. */
  suspect(): void {
    this.#look.suspect();
    this.#wake?.();
  }

  /** The other routers of the group, as this table shows them. */
  get peers(): readonly SeenPeer[] {
    return this.#look.group?.seen ?? [];
  }

  /** Asks for a full comparison, as when this VM's own address changed. */
  recheck(): void {
    this.#look.group?.forget();
    this.#look.view.forget();
    this.#look.dirty.addAll();
    this.#wake?.();
  }

  /**
   * Runs until it is stopped.
   *
   * @param stop ends the loop after the round under way.
   * @param abandon gives up the call under way.
   */
  async run(stop: AbortSignal, abandon: AbortSignal): Promise<RoundEnd> {
    while (!stop.aborted) {
      const wait = this.#dueAt() - this.#options.clock.now();
      if (wait > 0) await this.#pause(wait, stop);
      else if ((await this.round(abandon)).end === "gone") return "gone";
    }
    return "stopped";
  }

  /**
   * Makes rounds until all is in step, until only people can bring it further, or until waiting on would take longer than
   * `giveUpAt`. A hold is not waited for: whether the kernel still says so at its end cannot be known by one look at the kernel.
   *
   * @param giveUpAt milliseconds of the loop's clock.
   * @returns whether all is in step.
   */
  async settle(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    const { clock } = this.#options;
    let wrong = 0;
    while (!signal.aborted) {
      const { end, nextAt } = await this.round(signal);
      wrong = end === "wrong" ? wrong + 1 : 0;
      if (end === "gone" || wrong >= fewTries) return false;
      if (this.#isInStep()) return true;
      if (this.#isStuck()) return false;
      if (nextAt > giveUpAt) return false;
      if (nextAt > clock.now()) await clock.sleep(nextAt - clock.now(), signal);
    }
    return false;
  }

  /**
   * Withdraws all that is owned, whatever the guard says: for `cleanup` and `-withdraw-on-exit`. The caller has emptied
   * what is wanted before.
   */
  async withdrawAll(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    this.#look.group?.leave();
    this.#settings = { ...this.#settings, withdrawDelayMs: 0, guard: { maxWithdraw: 1, holdMs: 0 } };
    this.#schedule = new Schedule(this.#settings, this.#options.clock.now());
    this.#causes.cleanUp();
    this.recheck();
    return await this.settle(signal, giveUpAt);
  }

  /** Reads and compares; writes nothing to the cloud. @throws {CloudError} if it cannot be read. */
  async preview(signal: AbortSignal): Promise<Comparison> {
    await this.#look.read(signal);
    const { resolution, comparison } = await this.#look.look(signal);
    if (resolution.error !== null) throw resolution.error;
    this.#comparison = comparison;
    return comparison;
  }

  /** The table as last read, split by ownership. */
  get table(): { readonly state: TableState | null; readonly index: TableIndex } {
    return { state: this.#look.view.state, index: this.#look.view.index };
  }

  /** The table as last read and compared, for who looks at single prefixes. */
  get sight(): TableSight {
    const comparison = this.#underWay ?? this.#comparison ?? nothingCompared;
    const { table, errors } = this.#report.facts;
    return { table, errors, comparison, index: this.#look.view.index, known: this.#look.view.reads > 0 };
  }

  /** How things stand. */
  get status(): SyncStatus {
    const { view, dirty } = this.#look;
    const facts = comparisonFacts(this.#underWay ?? this.#comparison ?? nothingCompared, dirty.news.size);
    return {
      ...this.#report.facts,
      ...facts,
      pending: facts.pending - (this.#underWay === null ? 0 : this.#changes.doneNow),
      known: view.isKnown,
      waitsFor: view.waitsFor,
      heldUntil: this.#heldUntil,
      nextTryAt: this.#report.facts.errors.size === 0 ? null : this.#onWallClock(this.#dueAt()),
      nextTries: this.#nextTries(),
      inStep: this.#isInStep(),
      wanted: this.#options.wanted.size,
      owned: view.index.own.size,
      foreign: view.index.foreignCount,
      problems: view.problems,
      ownSubnets: view.ownSubnets.map(({ text }) => text),
      peerRoutes: view.index.peers.size,
      quotas: view.state?.quotas ?? [],
      reads: view.reads,
      inStepAt: this.#inStepAt,
      inStepSince: this.#isInStep() ? this.#inStepSince : null,
    };
  }

  /** One round: read if need be, compare, write, read back. What failed is remembered for the next, not thrown. */
  async round(signal: AbortSignal): Promise<RoundResult> {
    const end = await this.#round(signal);
    return { end, nextAt: this.#dueAt() };
  }

  async #round(signal: AbortSignal): Promise<RoundEnd> {
    const { clock } = this.#options;
    this.#schedule.beginRound();
    try {
      const reads = this.#look.view.state === null || this.#schedule.mustRead(clock.now());
      if (reads) {
        await this.#read(signal);
        this.#look.dirty.addAll();
      }
      const { resolution, comparison } =
        await (reads ? this.#look.look(signal) : this.#lookBeforeWrites(signal));
      this.#look.guardState = comparison.decision.state;
      this.#look.group?.compared(comparison.difference.memories);
      this.#underWay = comparison;
      const report = await this.#changes.make(comparison, signal);
      this.#takeOvers(report);
      if (report?.state === null && report.failed.length === 0) await this.#read(signal);
      if (!reads && this.#look.isContested(this.#look.dirty.gathered)) this.#look.hint();
      await this.#conclude(comparison, report, resolution);
      await this.#askForDead(signal);
    } catch (error) {
      if (signal.aborted) return "stopped";
      // What could not be claimed was not written: it waits.
      if (error instanceof LedgerError && this.#underWay !== null) this.#comparison = this.#underWay;
      return this.#roundFailed(error);
    } finally {
      this.#underWay = null;
    }
    return "done";
  }

  async #read(signal: AbortSignal): Promise<void> {
    await this.#look.read(signal);
    const { clock } = this.#options;
    this.#schedule.wasRead(clock.random(), clock.now());
  }

  /**
   * Looks at a table that was read some time ago; in a group one that is to lose a route is read right before, since a peer may have taken the prefix over and a
   * cloud may delete whatever stands there. So is one that is to lead to a neighbour of which nothing is known: it may be a router that
   * has begun to write since, and then writes what points at it by itself. And so is one that lacks a prefix which came from a peer: the
   * peer has written it since, and each add would be refused.
   */
  async #lookBeforeWrites(signal: AbortSignal): Promise<Awaited<ReturnType<TableLook["look"]>>> {
    const look = await this.#look.look(signal);
    const changes = look.comparison.fitted.waves.flat();
    const deletes = this.#look.group?.isShared === true && changes.some(({ action }) => action === "delete");
    const { memories } = look.comparison.difference;
    const lacksPeers = changes.some(({ action, prefix }) =>
      action === "add" && (memories.get(prefix.text)?.flippedFrom ?? null) !== null
    );
    if (!deletes && !lacksPeers && !this.#look.leadToStranger(changes)) return look;
    await this.#read(signal);
    return { ...look, comparison: this.#look.compare(look.resolution) };
  }

  /** Asks the cloud for dead routers where something hints at them; what comes of it is done on a table that is read anew. */
  async #askForDead(signal: AbortSignal): Promise<void> {
    if (!await this.#look.ask(signal)) return;
    this.#look.view.forget();
    this.#look.dirty.addAll();
  }

  /** Takes note of what was taken from peers, and looks again soon. */
  #takeOvers(report: WriteReport | null): void {
    this.#look.group?.wrote(report?.done ?? []);
    if (report?.done.some(({ takesFrom }) => takesFrom !== undefined) === true) {
      this.#schedule.tookOver(this.#options.clock.now());
    }
  }

  #rules(now: number): ComparisonRules {
    const { circuit, flaps } = this.#changes;
    return {
      adopt: this.#settings.adopt,
      guardSettings: this.#settings.guard,
      withdrawalsDue: (any) => this.#schedule.withdrawalsDue(any, now),
      isRetryable: (change) => circuit.isRetryable(change, now),
      isForbidden: (change) => circuit.isForbidden(change, now),
      isDamped: (change) => flaps.payableAt(change, now) > now,
    };
  }

  /** Looks at what the round left, and sets the times for what comes next. */
  async #conclude(before: Comparison, report: WriteReport | null, resolution: Resolution): Promise<void> {
    const now = this.#options.clock.now();
    const after = report === null || this.#look.view.state === null ? before : this.#look.compare(resolution);
    this.#comparison = after;
    const settled = this.#look.dirty.keep(leftOver(after));
    this.#causes.settled(settled);
    const { heldUntil } = after.decision;
    if (heldUntil !== this.#guardEnd) {
      this.#heldUntil = heldUntil === null ? null : this.#onWallClock(heldUntil);
    }
    this.#guardEnd = heldUntil;
    const failure = worstFailure(report, resolution);
    const undone = report !== null && isUndone(report, after);
    // A cloud that takes some of the writes is not down: the back-off begins anew.
    if ((report?.done.length ?? 0) > 0 || (failure === null && !undone)) this.#schedule.succeeded();
    if (failure !== null || undone) this.#retryLater(failure);
    const payable = after.damped.map((change) => this.#changes.flaps.payableAt(change, now));
    this.#report.damped(after.damped, Math.max(0, ...payable) - now);
    const stuck = after.difference.conflicts.length > 0 || after.fitted.overQuota.length > 0;
    this.#schedule.left({
      // A withdrawal may have become due while the round wrote.
      waiting: after.waiting.length > 0 || after.fitted.waves.length > 0,
      heldUntil: after.decision.heldUntil,
      dampedUntil: payable.length === 0 ? null : Math.min(...payable),
      stuck,
      retryableAt: earliest(this.#changes.circuit.nextAt(now), this.#look.lookup.retryableAt),
    }, now);
    this.#reportFailures(report);
    this.#report.settled(settled);
    await this.#look.view.confirm(settled);
    this.#report.ledgerWorked();
    if (!this.#isInStep()) this.#inStepSince = null;
    else {
      this.#inStepAt = now;
      if (this.#inStepSince === null || (report?.done.length ?? 0) > 0) this.#inStepSince = Date.now();
      this.#causes.inStep();
      this.#report.inStep(this.#look.view.index.own.size, this.#look.view.index.foreignCount);
    }
    this.#underWay = null;
    this.#report.logProblems(this.status, after.waiting.length === 0);
  }

  /** Once it is known when they are tried again. */
  #reportFailures(report: WriteReport | null): void {
    const now = this.#options.clock.now();
    for (const { change, error } of report?.failed ?? []) {
      const closedUntil = this.#changes.circuit.retryAt(change, now);
      // What is over a limit that the cloud has named just now waits for a place, and what is gone for the table.
      const waits = error.kind === "gone" || (error.kind === "quota" && closedUntil === null);
      this.#report.changeFailed(change, error, waits ? null : (closedUntil ?? this.#dueAt()) - now);
    }
  }

  /** A time that has passed was put off: by a failure of the whole table, or since the round is under way. */
  #nextTries(): ReadonlyMap<string, number> {
    const [now, dueAt] = [this.#options.clock.now(), this.#dueAt()];
    return new Map(
      [...this.#report.nextTries].map((
        [key, at],
      ) => [
        key,
        this.#onWallClock(at > now ? Math.max(at, this.#schedule.notBefore) : Math.max(now, dueAt)),
      ]),
    );
  }

  #roundFailed(error: unknown): RoundEnd {
    this.#inStepSince = null;
    if (error instanceof CloudError) {
      if (error.kind !== "gone") this.#retryLater(error);
      const retryMs = error.kind === "gone" ? null : this.#dueAt() - this.#options.clock.now();
      this.#report.tableFailed(error, retryMs);
      if (error.kind === "gone") return "gone";
      return needsCorrection(error) ? "wrong" : "done";
    }
    if (!(error instanceof LedgerError)) throw error;
    this.#retryLater(null);
    this.#report.ledgerFailed(error, this.#dueAt() - this.#options.clock.now());
    return "done";
  }

  /** Sets the time before which no call is made. */
  #retryLater(error: CloudError | null): void {
    const { clock } = this.#options;
    // What was refused because the account called too often changed nothing: reading would only call it once more.
    if (error === null || !isOverRate(error)) this.#look.view.forget();
    // What needs a correction may be corrected just now: it is read again soon.
    if (error !== null && meaningOf(error).retry === "each-minute" && !needsCorrection(error)) {
      this.#schedule.blocked(eachMinuteMs, clock.now());
    } else this.#schedule.failed(error?.retryAfterMs, clock.random(), clock.now());
  }

  #isInStep(): boolean {
    return this.#comparison !== null && this.#look.view.state !== null && this.#look.dirty.isClean;
  }

  /** Whether only a foreign route, a quota or a hold stands in the way. */
  #isStuck(): boolean {
    if (this.#comparison === null || this.#look.view.state === null) return false;
    if (this.#look.dirty.isAll || this.#look.dirty.news.size > 0) return false;
    const { fitted, waiting, notRetryable, damped, unresolved } = this.#comparison;
    return [fitted.waves, waiting, notRetryable, damped, unresolved].every(({ length }) => length === 0);
  }

  /** A time of the clock in milliseconds since the epoch. */
  #onWallClock(at: number): number {
    return Math.round(Date.now() + at - this.#options.clock.now());
  }

  #dueAt(): number {
    // A recheck that was asked for during a write forgot the state, which the write's answer has shown since.
    return this.#schedule.dueAt(this.#look.view.state !== null && !this.#look.dirty.isAll, this.#look.askAt);
  }

  async #pause(ms: number, stop: AbortSignal): Promise<void> {
    const waker = new AbortController();
    const wake = (): void => waker.abort();
    this.#wake = wake;
    stop.addEventListener("abort", wake, { once: true });
    await this.#options.clock.sleep(ms, waker.signal);
    stop.removeEventListener("abort", wake);
    this.#wake = null;
  }
}
