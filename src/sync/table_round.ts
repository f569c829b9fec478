/**
 * One round of a table: read it if need be, compare, write, look at what the writes left, and set the time of the next round. What
 * failed is remembered for the next round, not thrown.
 */

import { inSlices } from "../async/slices.ts";
import { eachOf, someOf, type Steps } from "../async/steps.ts";
import type { Cloud, CloudConnection } from "../clouds/cloud.ts";
import { CloudError, isOverRate } from "../clouds/cloud_error.ts";
import { eachMinuteMs, meaningOf, needsCorrection } from "../clouds/error_meaning.ts";
import type { ApiBudget } from "./api_budget.ts";
import { ChangeCauses } from "./change_causes.ts";
import type { Comparison } from "./comparison.ts";
import type { GroupSettings } from "./group_members.ts";
import type { GuardSettings } from "./guard.ts";
import { LedgerError } from "./ledger.ts";
import { earliest, leavingOver, lookingUndone, worstFailure } from "./round_outcome.ts";
import type { PlannedChange } from "./planned_change.ts";
import { Schedule, type ScheduleSettings } from "./schedule.ts";
import { TableChanges } from "./table_changes.ts";
import { type ComparisonRules, type Look, TableLook, type TableLookOptions } from "./table_look.ts";
import type { TableReport } from "./table_report.ts";
import { TableStanding } from "./table_standing.ts";
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

/** What a round works with. */
export interface TableRoundOptions extends TableLookOptions {
  readonly cloud: Pick<Cloud, "traits">;
  readonly connection: () => Pick<
    CloudConnection,
    "read" | "write" | "resolve" | "forget" | "findDead" | "findGone"
  >;
  readonly settings: SyncSettings;
  /** How often the account's API is called; all tables share it. */
  readonly budget: Pick<ApiBudget, "wait">;
  /** Called when the table's status may say something else: before a round writes, and at its end. */
  readonly onNews?: (() => void) | undefined;
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

/** See the head of this file. */
export class TableRound {
  readonly look: TableLook;
  readonly causes = new ChangeCauses();
  readonly standing: TableStanding;
  readonly #options: TableRoundOptions;
  readonly #report: TableReport;
  readonly #changes: TableChanges;
  #settings: SyncSettings;
  #schedule: Schedule;

  constructor(options: TableRoundOptions, report: TableReport) {
    this.#options = options;
    this.#settings = options.settings;
    this.#report = report;
    this.#schedule = new Schedule(options.settings, options.clock.now());
    this.look = new TableLook(options, report, (now) => this.#rules(now));
    this.#changes = new TableChanges(options, this.look.view, report, this.causes);
    this.standing = new TableStanding({
      ...options,
      look: this.look,
      changes: this.#changes,
      report,
      schedule: () => this.#schedule,
    });
  }

  get settings(): SyncSettings {
    return this.#settings;
  }

  /** Takes other settings. A hold goes on: it began when it began, and lasts as long as the new settings say. */
  reconfigure(settings: SyncSettings): void {
    this.#settings = settings;
    this.#schedule.reconfigure(settings);
  }

  /** Takes other settings, and forgets what waits and what failed. */
  startOver(settings: SyncSettings): void {
    this.#settings = settings;
    this.#schedule = new Schedule(settings, this.#options.clock.now());
  }

  /**
   * What is wanted for these canonical prefixes changed.
   *
   * @param at when the kernel said so, in milliseconds of the clock; null: no event of the kernel's was the reason.
   * @returns whether this may bring the next round forward.
   */
  news(prefixes: readonly string[], at: number | null): boolean {
    this.look.dirty.hear(this.#takingIn(prefixes, at), prefixes.length);
    return this.#schedule.news(this.#options.clock.now());
  }

  *#takingIn(prefixes: readonly string[], at: number | null): Steps<void> {
    // One after the other: a map or a set that grows holds the event loop by itself.
    yield* eachOf(prefixes, (prefix) => this.causes.news(prefix, at));
    yield* eachOf(prefixes, (prefix) => this.look.arrive(prefix));
  }

  /** The active address of the group came or went: it decides about all that is wanted and all that is ours. */
  reconsider(at: number): void {
    const { dirty, view: { index: { own } } } = this.look;
    for (const routes of [this.#options.wanted, own]) {
      dirty.hear(eachOf(routes.keys(), (prefix) => this.causes.news(prefix, at)), routes.size);
    }
    this.look.outdate();
  }

  /**
   * Reads and compares, and writes nothing to the cloud: how a round begins that reads the table, and all that `plan` does.
   *
   * @throws {CloudError} or {LedgerError} if the table cannot be read.
   */
  async preview(signal: AbortSignal): Promise<Look> {
    await this.#read(signal);
    this.look.dirty.addAll();
    return await this.look.look(signal);
  }

  /** Makes a round. */
  async make(signal: AbortSignal): Promise<RoundResult> {
    const end = await this.#make(signal);
    this.#options.onNews?.();
    return { end, nextAt: this.standing.dueAt };
  }

  async #make(signal: AbortSignal): Promise<RoundEnd> {
    this.#schedule.beginRound();
    try {
      const isFirst = this.look.view.state === null;
      const reads = isFirst || this.#schedule.mustRead(this.#options.clock.now());
      const look = await this.#lookBeforeWrites(reads, signal);
      if (this.look.isOutdated) return "done";
      await this.#slices(this.#remembering(look.comparison), signal);
      if (this.look.isOutdated) return "done";
      const report = await this.#carryOut(look.comparison, signal);
      // A reading compares all prefixes; those that the kernel has changed meanwhile are a hint all the same.
      const news = this.look.dirty.takeGatheredNews();
      const hinting = reads ? news : this.look.dirty.gathered;
      if (!isFirst && await this.look.isContested(hinting, signal)) this.look.hint();
      await this.#conclude(look, report, signal);
      await this.#askForDead(signal);
    } catch (error) {
      if (signal.aborted) return "stopped";
      // What could not be claimed was not written: it waits.
      if (error instanceof LedgerError) this.standing.notBegun();
      return this.#failed(error);
    } finally {
      this.standing.end();
    }
    return "done";
  }

  async #read(signal: AbortSignal): Promise<void> {
    await this.look.read(signal);
    this.#schedule.wasRead(this.#options.clock.random(), this.look.view.readAt);
  }

  /** Takes in what a comparison that is to be carried out leaves to be remembered. */
  *#remembering({ decision, difference }: Comparison): Steps<void> {
    yield* this.look.guardDeciding(decision.state);
    yield* this.look.group?.comparing(difference.memories) ?? [];
  }

  /** Makes what a comparison found necessary. @returns what became of it; null: there was nothing to do. */
  async #carryOut(comparison: Comparison, signal: AbortSignal): Promise<WriteReport | null> {
    this.standing.begin(comparison);
    if (comparison.fitted.waves.length > 0) this.#options.onNews?.();
    const report = await this.#changes.make(comparison, signal);
    await this.#slices(this.#takingOver(report?.done ?? []), signal);
    if (report?.state === null && report.failed.length === 0) await this.#read(signal);
    return report;
  }

  /**
   * Looks at the table, and reads it right before it is written where it was read some time ago: in a group, one that is to lose a route,
   * since a peer may have taken the prefix over and a cloud may delete whatever stands there. So is one that is to lead to a neighbour of
   * which nothing is known: it may be a router that has begun to write since, and then writes what points at it by itself. And so is one
   * that lacks a prefix which came from a peer: the peer has written it since, and each add would be refused.
   *
   * @param reads whether the table is to be read in any case.
   */
  async #lookBeforeWrites(reads: boolean, signal: AbortSignal): Promise<Look> {
    const look = reads ? await this.preview(signal) : await this.look.look(signal);
    if (reads && !this.look.view.wasReadAhead) return look;
    if (!await this.#slices(this.#needingReading(look.comparison), signal)) return look;
    await this.#read(signal);
    return { ...look, comparison: await this.look.compare(look.resolution, signal) };
  }

  /** Whether the changes of a comparison are to be made on a table that was read just now; see {@linkcode #lookBeforeWrites}. */
  *#needingReading({ fitted: { waves }, difference: { memories } }: Comparison): Steps<boolean> {
    const { group } = this.look;
    if (group === null) return false;
    const { isShared } = group;
    const concernsPeers = ({ action, prefix }: PlannedChange): boolean =>
      (isShared && action === "delete") ||
      (action === "add" && (memories.get(prefix.text)?.flippedFrom ?? null) !== null);
    for (const wave of waves) if (yield* someOf(wave, concernsPeers)) return true;
    return yield* this.look.leadingToStranger(waves);
  }

  /** Asks the cloud for dead routers where something hints at them; what comes of it is done on a table that is read again. */
  async #askForDead(signal: AbortSignal): Promise<void> {
    if (!await this.look.ask(signal)) return;
    this.look.view.forget();
    this.look.dirty.addAll();
  }

  /** Takes note of what was taken from peers, and looks again soon. */
  *#takingOver(done: WriteReport["done"]): Steps<void> {
    const { group } = this.look;
    if (group === null) return;
    let took = false;
    yield* eachOf(done, (change) => {
      group.wrote(change);
      took ||= change.takesFrom !== undefined;
    });
    if (took) this.#schedule.tookOver(this.#options.clock.now());
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

  /** Looks at what the writes left, and sets the times for what comes next. */
  async #conclude(
    { comparison, resolution }: Look,
    report: WriteReport | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { look, standing } = this;
    const after = report === null || look.view.state === null
      ? comparison
      : await look.compare(resolution, signal);
    standing.made(after);
    const settled = await this.#slices(
      look.dirty.keeping(await this.#slices(leavingOver(after), signal)),
      signal,
    );
    const { news } = look.dirty;
    await this.#slices(
      eachOf(settled, (prefix) => {
        if (!news.has(prefix)) this.causes.settled(prefix);
      }),
      signal,
    );
    const undone = report !== null && await this.#slices(lookingUndone(report, after), signal);
    this.#setTimes(after, report, resolution, undone);
    await this.#slices(this.#reportingFailures(report), signal);
    await this.#slices(eachOf(settled, (prefix) => this.#report.settled(prefix)), signal);
    await look.view.confirm(settled, signal);
    this.#report.ledgerWorked();
    if (standing.concluded((report?.done.length ?? 0) > 0)) {
      this.causes.inStep();
      this.#report.inStep(look.view.index.own.size, look.view.index.foreignCount);
    }
    const isGuardAsked = after.waiting.length === 0;
    await this.#slices(this.#report.loggingProblems(standing.status, isGuardAsked), signal);
  }

  #slices<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
    return inSlices(steps, this.#options.clock, signal);
  }

  /**
   * Sets when the next round is due.
   *
   * @param after what is left to do.
   * @param undone see {@linkcode lookingUndone}.
   */
  #setTimes(
    after: Comparison,
    report: WriteReport | null,
    resolution: Resolution,
    undone: boolean,
  ): void {
    const now = this.#options.clock.now();
    const failure = worstFailure(report, resolution);
    // A cloud that takes some of the writes is not down: the back-off starts over.
    if ((report?.done.length ?? 0) > 0 || (failure === null && !undone)) this.#schedule.succeeded();
    if (failure !== null || undone) this.#retryLater(failure);
    let [first, last] = [Infinity, now];
    for (const change of after.damped) {
      const at = this.#changes.flaps.payableAt(change, now);
      [first, last] = [Math.min(first, at), Math.max(last, at)];
    }
    this.#report.damped(after.damped, last - now);
    this.#schedule.left({
      // A withdrawal may have become due while the round wrote.
      waiting: after.waiting.length > 0 || after.fitted.waves.length > 0,
      heldUntil: after.decision.heldUntil,
      dampedUntil: after.damped.length === 0 ? null : first,
      stuck: after.difference.conflicts.length > 0 || after.fitted.overQuota.length > 0,
      retryableAt: earliest(this.#changes.circuit.nextAt(now), this.look.lookup.retryableAt),
    }, now);
  }

  /** Once it is known when they are tried again. */
  *#reportingFailures(report: WriteReport | null): Steps<void> {
    const now = this.#options.clock.now();
    for (const { change, error } of report?.failed ?? []) {
      yield;
      const closedUntil = this.#changes.circuit.retryAt(change, now);
      // What is over a limit that the cloud has named just now waits for a place, and what is gone for the table.
      const waits = error.kind === "gone" || (error.kind === "quota" && closedUntil === null);
      this.#report.changeFailed(change, error, waits ? null : (closedUntil ?? this.standing.dueAt) - now);
    }
  }

  #failed(error: unknown): RoundEnd {
    this.standing.failed();
    const now = this.#options.clock.now();
    if (error instanceof CloudError) {
      const isGone = error.kind === "gone";
      if (!isGone) this.#retryLater(error);
      this.#report.tableFailed(error, isGone ? null : this.standing.dueAt - now);
      if (isGone) return "gone";
      return needsCorrection(error) ? "wrong" : "done";
    }
    if (!(error instanceof LedgerError)) throw error;
    this.#retryLater(null);
    this.#report.ledgerFailed(error, this.standing.dueAt - now);
    return "done";
  }

  /** Sets the time before which no call is made. */
  #retryLater(error: CloudError | null): void {
    const { clock } = this.#options;
    // What was refused because the account called too often changed nothing: reading would only call it once more.
    if (error === null || !isOverRate(error)) this.look.view.forget();
    // What needs a correction may be corrected just now: it is read again soon.
    if (error !== null && meaningOf(error).retry === "each-minute" && !needsCorrection(error)) {
      this.#schedule.blocked(eachMinuteMs, clock.now());
    } else this.#schedule.failed(error?.retryAfterMs, clock.random(), clock.now());
  }
}
