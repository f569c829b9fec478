/**
 * Keeps calls of one kind below what a cloud takes of an account that many processes share.
 *
 * It begins at the rate that the cloud documents. A refused call makes it space its calls: the first spacing follows from what the
 * cloud accepted lately, each further refusal widens it, each accepted call narrows it, until the full rate is back.
 *
 * What it is after: an empty bucket gives as much as a full one to those who ask, so that a herd of processes loses no time by asking
 * too often, but everybody else of the account gets nothing meanwhile. All go well once the herd asks as often as the bucket is
 * refilled, each process once in (processes ÷ refill) seconds. None knows how many they are, only how often it was refused:
 *
 * - One refusal is chance, two in a row are a herd. The second widens the spacing most, to be near the right one with few refused calls;
 *   further ones, which are seen near it, widen it little, since whoever waits for too long is the last to be done.
 * - An accepted call narrows it by half, a refusal right after by less than twice: the spacing swings about the right one, and grows
 *   short where the herd has gone.
 * - Waits after a refusal have a lower border of three quarters of the spacing: nobody is back while the others still wait in vain.
 *
 * `tests/bench/herd.ts` drives a thousand of them. The factors below are those that came out best for 500 to 1,700 agents of EC2's and
 * ARM's limits.
 */

import { abortable } from "./abortable.ts";
import { between } from "./back_off.ts";
import type { Clock } from "./clock.ts";
import { RateLimiter } from "./rate_limiter.ts";

/** A token bucket. */
export interface CallRate {
  readonly perSecond: number;
  /** So many calls at once. */
  readonly burst: number;
}

/** What a limiter does with a refused call. */
export interface AfterRefusal {
  /** Spacing after a refusal, in milliseconds, where the cloud accepted nothing lately. */
  readonly spacingMs: number;
  /** The longest wait after the first refusal in a row, in milliseconds, where it may be chance. */
  readonly longestFirstWaitMs: number;
}

/** A pause this long, in milliseconds, is what is left of a quota of a minute. */
const pauseMs = 10_000;
const minuteMs = 60_000;
/** The minute that a quota is of is as good as just begun where less than this is gone of it, in milliseconds. */
const shortestGoneMs = 20_000;
/** The least spacing of one whom the quota of a minute has refused twice. */
const shortestOfMinuteMs = 30_000;
const longestSpacingMs = 300_000;
/** What a refusal does to the spacing: right after an accepted call, the second in a row, and each further one. */
const widenedAfterSuccess = 1.7;
const widenedBySecond = 3;
const widenedByFurther = 1.3;
/** What an accepted call does to the spacing at most, and where it followed from a minute's quota: that is for a call of each router. */
const narrowed = 0.45;
const narrowedOfMinute = 0.3;
/** The same in calls a second, as a share of the full rate: near that it grows by no more than this. */
const regained = 0.1;
/** How far back accepted calls count, in milliseconds, and which share of their rate the first spacing lets through. */
const lately = 10_000;
const lowered = 0.5;
/** Waits after a refusal and after an accepted call, in shares of the spacing: spread, so that those refused together part. */
const afterRefusal = [0.75, 1.15] as const;
const afterSuccess = [0.5, 1.5] as const;

/** See the head of this file. */
export class AdaptiveLimiter {
  readonly #full: CallRate;
  readonly #after: AfterRefusal;
  readonly #clock: Clock;
  #bucket: RateLimiter;
  /** Milliseconds from call to call on average; null: the bucket alone limits. */
  #spacingMs: number | null = null;
  /** Whether the spacing followed from a minute's quota. */
  #isOfMinute = false;
  #nextAt = 0;
  /** No call is made before, since one was refused. */
  #closedUntil = 0;
  #refusedAt = -Infinity;
  #inARow = 0;
  /** Times of the calls accepted {@linkcode lately}. */
  #accepted: number[] = [];
  #waiting = 0;
  /** Ends when the one who asked last has had its turn. */
  #last: Promise<void> = Promise.resolve();
  /** Wakes the one whose turn it is when the time of the next call is another. */
  #wake: (() => void) | null = null;

  constructor(full: CallRate, clock: Clock, after: AfterRefusal) {
    this.#full = full;
    this.#after = after;
    this.#clock = clock;
    this.#bucket = new RateLimiter(full, clock.now());
  }

  /** Waits for the turn of one call, in the order of asking. @throws the signal's reason as soon as it is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting === 0 && this.#waitMs() === 0) return this.#take();
    const before = this.#last;
    const { promise, resolve: pass } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#waiting++;
    try {
      await abortable(before, signal);
      for (let ms = this.#waitMs(); ms > 0; ms = this.#waitMs()) await this.#sleep(ms, signal);
      this.#take();
    } finally {
      this.#waiting--;
      void before.then(pass);
    }
  }

  /** Takes note that a call was accepted, however it ended. */
  accepted(): void {
    const now = this.#clock.now();
    this.#inARow = 0;
    this.#accepted.push(now);
    this.#forgetOld(now);
    if (this.#spacingMs === null) return;
    const perSecond = 1000 / this.#spacingMs;
    const factor = this.#isOfMinute ? narrowedOfMinute : narrowed;
    const more = Math.min(perSecond / factor, perSecond + regained * this.#full.perSecond);
    if (more < this.#full.perSecond) {
      // What is left of the wait is for the wider spacing.
      this.#nextAt = Math.min(this.#nextAt, now + this.#draw(afterSuccess) * 1000 / more);
      this.#spacingMs = 1000 / more;
    } else {
      this.#spacingMs = null;
      this.#nextAt = 0;
      this.#bucket = new RateLimiter(this.#full, now, 0);
    }
    this.#wake?.();
  }

  /**
   * Takes note that a call was refused because the account called too often.
   *
   * @param sentAt when it was sent: of calls that were under way together one counts.
   * @param retryAfterMs when the cloud takes calls again, in milliseconds from now, where it says so.
   * @param isSure whether it is known otherwise that the account is short of calls, so that this was no chance.
   */
  refused(sentAt: number, retryAfterMs = 0, isSure = false): void {
    const now = this.#clock.now();
    const soonest = now + retryAfterMs;
    if (sentAt > this.#refusedAt || this.#spacingMs === null) {
      // At the end of its minute a quota that is used up again tells to wait for a short time.
      this.#isOfMinute = retryAfterMs >= pauseMs ||
        (this.#isOfMinute && this.#spacingMs !== null && retryAfterMs > 0);
      this.#spacingMs = this.#widened(now, retryAfterMs);
      this.#inARow++;
      this.#refusedAt = now;
      this.#closedUntil = soonest + this.#refusedWaitMs(this.#spacingMs, isSure);
    } else this.#closedUntil = Math.max(this.#closedUntil, soonest);
    this.#nextAt = 0;
    this.#wake?.();
  }

  /** Calls a second at the moment. */
  get perSecond(): number {
    return this.#spacingMs === null ? this.#full.perSecond : 1000 / this.#spacingMs;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Before when no call is made, in milliseconds of the clock; null: the cloud refused none lately. */
  get throttledUntil(): number | null {
    return this.#closedUntil > this.#clock.now() ? this.#closedUntil : null;
  }

  /** When a call was refused last, in milliseconds of the clock; -Infinity: never. */
  get refusedAt(): number {
    return this.#refusedAt;
  }

  /** Milliseconds until the next call may be made. */
  #waitMs(): number {
    const now = this.#clock.now();
    const bucketMs = this.#spacingMs === null ? this.#bucket.waitMs(now) : 0;
    return Math.max(this.#closedUntil - now, this.#nextAt - now, bucketMs, 0);
  }

  #take(): void {
    const now = this.#clock.now();
    if (this.#spacingMs === null) this.#bucket.take(now);
    else this.#nextAt = now + this.#spacingMs * this.#draw(afterSuccess);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const waker = new AbortController();
    const wake = (): void => waker.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    if (!signal.aborted) await this.#clock.sleep(ms, waker.signal);
    signal.removeEventListener("abort", wake);
    this.#wake = null;
    signal.throwIfAborted();
  }

  /** Waits that are cut, or follow a quota's minute, draw from nothing on, so that they spread all the same. */
  #refusedWaitMs(spacingMs: number, isSure: boolean): number {
    const { longestFirstWaitMs } = this.#after;
    if (this.#inARow === 1 && !isSure && spacingMs > longestFirstWaitMs) {
      return longestFirstWaitMs * this.#clock.random();
    }
    return spacingMs * (this.#isOfMinute ? this.#clock.random() : this.#draw(afterRefusal));
  }

  #widened(now: number, retryAfterMs: number): number {
    if (this.#isOfMinute) return spreadOfMinuteMs(this.#spacingMs, retryAfterMs);
    if (this.#spacingMs !== null) {
      return Math.min(longestSpacingMs, this.#spacingMs * this.#widening);
    }
    this.#forgetOld(now);
    return Math.min(this.#after.spacingMs, lately / (this.#accepted.length * lowered));
  }

  get #widening(): number {
    if (this.#inARow === 0) return widenedAfterSuccess;
    return this.#inARow === 1 ? widenedBySecond : widenedByFurther;
  }

  #forgetOld(now: number): void {
    const first = this.#accepted.findIndex((at) => now - at <= lately);
    this.#accepted = first < 0 ? [] : this.#accepted.slice(first);
  }

  #draw(borders: readonly [number, number]): number {
    return between(borders, this.#clock.random());
  }
}

/**
 * Over how long those spread whom a minute's quota refuses, in milliseconds. A quota that is used up after half of its minute was asked
 * for twice what it allows: spread over two minutes, that is what two allow, and three minutes at most, since a router that is alone
 * waits as long. Whoever was spaced already was too often there by the same share.
 */
function spreadOfMinuteMs(spacingMs: number | null, leftMs: number): number {
  const asked = minuteMs / Math.max(shortestGoneMs, minuteMs - leftMs);
  if (spacingMs === null) return minuteMs * asked;
  return Math.min(longestSpacingMs, Math.max(shortestOfMinuteMs, spacingMs * asked));
}
