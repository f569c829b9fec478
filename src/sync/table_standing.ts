/** How one table stands: what the last comparison found, since when all is in step, and when what failed is tried again. */

import type { Clock } from "../async/clock.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import { type Comparison, nothingCompared } from "./comparison.ts";
import type { TableIndex } from "./ownership.ts";
import type { Schedule } from "./schedule.ts";
import { comparisonFacts, type SyncStatus } from "./sync_status.ts";
import type { TableChanges } from "./table_changes.ts";
import type { TableLook } from "./table_look.ts";
import type { TableReport } from "./table_report.ts";

/** What the standing of a table is derived from. */
export interface TableStandingParts {
  readonly clock: Clock;
  /** What the kernel wants, by canonical prefix; live. */
  readonly wanted: ReadonlyMap<string, WantedRoute>;
  readonly look: TableLook;
  readonly changes: TableChanges;
  readonly report: TableReport;
  /** The current one. */
  readonly schedule: () => Schedule;
}

/** A table as last read and compared. */
export interface TableSight extends Pick<SyncStatus, "table" | "errors" | "known"> {
  readonly comparison: Comparison;
  readonly index: TableIndex;
}

/** See the head of this file. */
export class TableStanding {
  readonly #parts: TableStandingParts;
  #comparison: Comparison | null = null;
  /** The comparison whose changes are being made just now: a slow cloud takes its time, and they are pending all the while. */
  #underWay: Comparison | null = null;
  #inStepAt: number | null = null;
  #inStepSince: number | null = null;
  /** When the current hold ends, in milliseconds of the clock and, worked out once a hold, since the epoch. */
  #holdEndsAt: number | null = null;
  #heldUntil: number | null = null;

  constructor(parts: TableStandingParts) {
    this.#parts = parts;
  }

  /** When the next round is due, in milliseconds of the clock; news may bring it forward. */
  get dueAt(): number {
    const { look, schedule } = this.#parts;
    // A recheck that was asked for during a write forgot the state, which the write's answer has shown since.
    return schedule().dueAt(look.view.state !== null && !look.dirty.isAll, look.askAt);
  }

  /** Whether all that is wanted is there, and nothing of ours that is not wanted. */
  get isInStep(): boolean {
    const { view, dirty } = this.#parts.look;
    return this.#comparison !== null && view.state !== null && dirty.isClean;
  }

  /** Whether only a foreign route, a quota or a hold stands in the way. */
  get isStuck(): boolean {
    const { view, dirty } = this.#parts.look;
    if (this.#comparison === null || view.state === null) return false;
    if (dirty.isAll || dirty.newsCount > 0) return false;
    const { fitted, waiting, notRetryable, damped, unresolved } = this.#comparison;
    return [fitted.waves, waiting, notRetryable, damped, unresolved].every(({ length }) => length === 0);
  }

  /** The table as last read and compared, for who looks at single prefixes. */
  get sight(): TableSight {
    const { report, look: { view } } = this.#parts;
    const { table, errors } = report.facts;
    return { table, errors, comparison: this.#latest, index: view.index, known: view.reads > 0 };
  }

  /** How things stand. */
  get status(): SyncStatus {
    const { report, changes, wanted, look: { view, dirty } } = this.#parts;
    const facts = comparisonFacts(this.#latest, dirty.newsCount);
    const { isInStep } = this;
    return {
      ...report.facts,
      ...facts,
      pending: facts.pending - (this.#underWay === null ? 0 : changes.doneNow),
      known: view.isKnown,
      waitsFor: view.waitsFor,
      damped: this.#damped(),
      heldUntil: this.#heldUntil,
      nextTryAt: report.facts.errors.size === 0 ? null : this.#onWallClock(this.dueAt),
      nextTries: this.#nextTries(),
      inStep: isInStep,
      wanted: wanted.size,
      owned: view.index.own.size,
      foreign: view.index.foreignCount,
      problems: view.problems,
      ownSubnets: view.ownSubnets.map(({ text }) => text),
      peerRoutes: view.index.peers.size,
      quotas: view.state?.quotas ?? [],
      reads: view.reads,
      inStepAt: this.#inStepAt,
      inStepSince: isInStep ? this.#inStepSince : null,
    };
  }

  /** The changes of a comparison are being made from now on. */
  begin(comparison: Comparison): void {
    this.#underWay = comparison;
  }

  /** The changes were made. @param after what is left to do. */
  made(after: Comparison): void {
    this.#comparison = after;
    const { heldUntil } = after.decision;
    if (heldUntil === this.#holdEndsAt) return;
    this.#holdEndsAt = heldUntil;
    this.#heldUntil = heldUntil === null ? null : this.#onWallClock(heldUntil);
  }

  /** A round came to its end. @param wrote whether it changed anything. @returns whether all is in step. */
  concluded(wrote: boolean): boolean {
    this.#underWay = null;
    if (!this.isInStep) {
      this.#inStepSince = null;
      return false;
    }
    this.#inStepAt = this.#parts.clock.now();
    if (this.#inStepSince === null || wrote) this.#inStepSince = Date.now();
    return true;
  }

  /** The changes could not even be begun: they wait. */
  notBegun(): void {
    this.#comparison = this.#underWay ?? this.#comparison;
  }

  /** A round failed as a whole. */
  failed(): void {
    this.#inStepSince = null;
  }

  /** No change is being made any more, however the round ended. */
  end(): void {
    this.#underWay = null;
  }

  get #latest(): Comparison {
    return this.#underWay ?? this.#comparison ?? nothingCompared;
  }

  #damped(): SyncStatus["damped"] {
    const { changes: { flaps }, clock } = this.#parts;
    const now = clock.now();
    return this.#latest.damped.map((change) => ({
      prefix: change.prefix.text,
      until: this.#onWallClock(flaps.payableAt(change, now)),
    }));
  }

  /** A time that has passed was put off: by a failure of the whole table, or since the round is under way. */
  #nextTries(): ReadonlyMap<string, number> {
    const { clock, report, schedule } = this.#parts;
    const [now, dueAt, { notBefore }] = [clock.now(), this.dueAt, schedule()];
    const laterThanNow = (at: number): number => at > now ? Math.max(at, notBefore) : Math.max(now, dueAt);
    return new Map(
      Array.from(report.nextTries, ([key, at]) => [key, this.#onWallClock(laterThanNow(at))]),
    );
  }

  /** A time of the clock in milliseconds since the epoch. */
  #onWallClock(at: number): number {
    return Math.round(Date.now() + at - this.#parts.clock.now());
  }
}
