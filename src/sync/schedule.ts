/** When the next round is due. Times are milliseconds of one monotonic clock and come in as arguments. */

import { backOffMs, doubledMs, jitteredMs } from "../async/back_off.ts";

/** The durations that the schedule keeps, in milliseconds. */
export interface ScheduleSettings {
  /** `-coalesce`: how long the first news waits for company. */
  readonly coalesceMs: number;
  /** `-withdraw-delay`: how long the kernel must be quiet before a withdrawal. */
  readonly withdrawDelayMs: number;
  /** `-audit`, or `-sync` in periodic mode: how often the cloud is read though nothing happened. */
  readonly auditMs: number;
}

/** A withdrawal waits for quiet at most this many times `-withdraw-delay`: 1 s with the default of 250 ms. */
const longestWithdrawDelays = 4;
/**
 * How soon a table is read again after this router took a prefix over from another one: a write or a withdrawal that the other had under
 * way may come after, and the prefix would be without a route until the next audit.
 */
const afterTakeOverMs = [2_000, 10_000] as const;
/** How soon a table in which something stands in the way is read again: doubling, and once a minute in the end. */
const firstRecheckMs = 2_000;
const longestRecheckMs = 60_000;

/** What a round left to be done later. */
export interface RoundRest {
  /** Whether withdrawals wait for the kernel to be quiet. */
  readonly waiting: boolean;
  /** When the guard lets the first held withdrawal go; null if none is held. */
  readonly heldUntil: number | null;
  /** When the first change may be made that waits since its prefix flaps; null if none does. */
  readonly dampedUntil: number | null;
  /** Whether something stands in the way that is only seen to be gone by reading the table again. */
  readonly stuck: boolean;
  /** When a change that is not retryable now is worth another try; null if there is none. */
  readonly retryableAt: number | null;
}

/** Keeps the times of one table's loop. */
export class Schedule {
  #settings: ScheduleSettings;
  #newsAt: number | null = null;
  #lastNewsAt: number;
  #withdrawalsSince: number | null = null;
  #heldUntil: number | null = null;
  #dampedUntil: number | null = null;
  #waiting = false;
  #auditAt: number;
  #recheckAt: number | null = null;
  #rechecks = 0;
  /** When to look again after a prefix was taken over. */
  #looks: readonly number[] = [];
  #notBefore = 0;
  #failures = 0;

  constructor(settings: ScheduleSettings, now: number) {
    this.#settings = settings;
    this.#lastNewsAt = now;
    this.#auditAt = now;
  }

  /** Before this no call is made, in milliseconds of the clock. */
  get notBefore(): number {
    return this.#notBefore;
  }

  /** Other durations count from now on; what waits goes on waiting, by them. */
  reconfigure(settings: ScheduleSettings): void {
    this.#settings = settings;
  }

  /** The kernel said something. @returns whether this may bring the next round forward. */
  news(now: number): boolean {
    this.#lastNewsAt = now;
    if (this.#newsAt !== null) return false;
    this.#newsAt = now;
    return true;
  }

  /** A round begins: what arrives from here on is news for the next. */
  beginRound(): void {
    this.#newsAt = null;
  }

  /** Whether the table must be read though it was read before. */
  mustRead(now: number): boolean {
    return now >= Math.min(this.#auditAt, this.#recheckAt ?? Infinity, ...this.#looks);
  }

  /** The table was read. @param random a number from 0 up to 1: routers that were started together are not to read together for ever. */
  wasRead(random: number, now: number): void {
    this.#auditAt = now + jitteredMs(this.#settings.auditMs, random);
    this.#recheckAt = null;
    this.#looks = this.#looks.filter((at) => at > now);
  }

  /** A prefix was taken over from another router of the group. */
  tookOver(now: number): void {
    this.#looks = afterTakeOverMs.map((ms) => now + ms);
  }

  /** Whether the kernel has been quiet long enough, or the withdrawals have waited long enough. */
  withdrawalsDue(any: boolean, now: number): boolean {
    this.#withdrawalsSince = any ? this.#withdrawalsSince ?? now : null;
    return now >= this.#withdrawAt();
  }

  /** What the round left to be done later. */
  left(rest: RoundRest, now: number): void {
    this.#waiting = rest.waiting;
    this.#heldUntil = rest.heldUntil;
    this.#dampedUntil = rest.dampedUntil;
    if (!rest.stuck) {
      this.#rechecks = 0;
      this.#recheckAt = rest.retryableAt;
      return;
    }
    if (this.#recheckAt !== null) return;
    const wait = doubledMs(firstRecheckMs, this.#rechecks++, longestRecheckMs);
    this.#recheckAt = Math.min(now + wait, rest.retryableAt ?? Infinity);
  }

  /** A call failed in a way that may heal. */
  failed(retryAfterMs: number | undefined, random: number, now: number): void {
    this.#failures++;
    this.#notBefore = now + backOffMs(this.#failures, retryAfterMs, random);
  }

  /** A call failed in a way that only people can heal. */
  blocked(forMs: number, now: number): void {
    this.#notBefore = now + forMs;
  }

  /** Everything that was called worked. */
  succeeded(): void {
    this.#failures = 0;
  }

  /**
   * When the next round is due.
   *
   * @param known whether the table's state is known; if not it must be read as soon as calls are allowed.
   * @param askAt when the cloud is to be asked for dead routers.
   */
  dueAt(known: boolean, askAt = Infinity): number {
    if (!known) return this.#notBefore;
    const soonest = Math.min(
      this.#newsAt === null ? Infinity : this.#newsAt + this.#settings.coalesceMs,
      this.#heldUntil ?? Infinity,
      this.#dampedUntil ?? Infinity,
      this.#waiting ? this.#withdrawAt() : Infinity,
      this.#recheckAt ?? Infinity,
      this.#auditAt,
      askAt,
      ...this.#looks,
    );
    return Math.max(this.#notBefore, soonest);
  }

  #withdrawAt(): number {
    const delay = this.#settings.withdrawDelayMs;
    const since = this.#withdrawalsSince ?? -Infinity;
    return Math.min(this.#lastNewsAt + delay, since + longestWithdrawDelays * delay);
  }
}
