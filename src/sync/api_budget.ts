/**
 * How often the API of an account is called: one adaptive limiter for each kind of call, shared by all tables of this process. What
 * other processes take of the account it learns from refusals alone.
 */

import { AdaptiveLimiter, type AfterRefusal, type CallRate } from "../async/adaptive_limiter.ts";
import type { Clock } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import type { CloudTraits } from "../clouds/cloud.ts";
import { CloudError, isOverRate } from "../clouds/cloud_error.ts";

/** Kinds of calls that clouds count apart; a cloud that writes several changes in one call has `write` alone. */
export type ApiAction = "read" | "write" | "add" | "replace" | "delete";

/** How a limiter stands, for status and metrics. */
export interface LimiterState {
  readonly action: ApiAction;
  /** Calls a second at the moment, and with no refusal. */
  readonly perSecond: number;
  readonly fullPerSecond: number;
  /** Calls that wait for their turn. */
  readonly waiting: number;
  /** Before when no call is made since the last one was refused, in milliseconds of the loop's clock; null: it was not refused. */
  readonly throttledUntil: number | null;
  /** Calls that were refused since the start. */
  readonly refused: number;
}

/** Of calls whose limits the cloud does not document, or keeps itself: no process needs as many, so that only refusals count. */
const anyRate: CallRate = { perSecond: 50, burst: 1_000 };

/** A reading that comes late costs no packets, so that those that are refused make way at once, and widely. */
const afterRefusedRead: AfterRefusal = { spacingMs: 10_000, longestFirstWaitMs: Infinity };
/** A write may be a failover: one that was refused by chance is in time all the same. Where readings are refused too it was no chance. */
const afterRefusedWrite: AfterRefusal = { spacingMs: 33_000, longestFirstWaitMs: 10_000 };

/** How long after a refusal the account counts as short of calls, in milliseconds. */
const shortForMs = 900_000;

/** What is known of one kind of call. */
interface ActionUse {
  readonly limiter: AdaptiveLimiter;
  readonly full: CallRate;
  refused: number;
}

/** See the head of this file. */
export class ApiBudget {
  readonly #traits: Pick<CloudTraits, "rate">;
  readonly #clock: Clock;
  readonly #uses = new Map<ApiAction, ActionUse>();
  /** What the cloud asked for (Retry-After) counts for all kinds of calls. */
  #notBefore = 0;

  constructor(cloud: { readonly traits: Pick<CloudTraits, "rate"> }, clock: Clock) {
    this.#traits = cloud.traits;
    this.#clock = clock;
  }

  /** Waits until a call may be made, in the order of asking. @throws the signal's reason. */
  async wait(action: ApiAction, signal: AbortSignal): Promise<void> {
    await this.waitForCloud(signal);
    await this.#useOf(action).limiter.wait(signal);
    await this.waitForCloud(signal);
  }

  /** Waits only as long as the cloud asked for: before what may need no call. @throws the signal's reason. */
  async waitForCloud(signal: AbortSignal): Promise<void> {
    while (this.#clock.now() < this.#notBefore) {
      await delay(this.#notBefore - this.#clock.now(), signal, this.#clock);
    }
  }

  /**
   * Takes note of how a call ended.
   *
   * @param sentAt when it was sent, in milliseconds of the clock.
   * @param error null: it was taken.
   * @returns the earliest time of the next call, in milliseconds from now; undefined: at once.
   */
  ended(action: ApiAction, sentAt: number, error: CloudError | null): number | undefined {
    const use = this.#useOf(action);
    const now = this.#clock.now();
    if (error?.retryAfterMs !== undefined) {
      this.#notBefore = Math.max(this.#notBefore, now + error.retryAfterMs);
    }
    if (error !== null && isOverRate(error)) {
      use.refused++;
      use.limiter.refused(sentAt, error.retryAfterMs, this.isShort);
      return Math.max(0, (use.limiter.throttledUntil ?? now) - now, error.retryAfterMs ?? 0);
    }
    // An API that is out of reach says nothing of its limits.
    if (error?.kind !== "unavailable" && error?.kind !== "throttled") use.limiter.accepted();
    return error?.retryAfterMs;
  }

  /**
   * Whether calls that read are spaced out, since one was refused: what is looked after now and then, and changes no packet's way, then
   * leaves the account to those that have something to do.
   */
  get isShort(): boolean {
    const use = this.#uses.get("read");
    if (use === undefined || use.limiter.perSecond >= use.full.perSecond) return false;
    return this.#clock.now() - use.limiter.refusedAt < shortForMs;
  }

  /** How the limiters stand whose kind of call was made. */
  get states(): readonly LimiterState[] {
    return [...this.#uses].map(([action, { limiter, full, refused }]) => ({
      action,
      perSecond: limiter.perSecond,
      fullPerSecond: full.perSecond,
      waiting: limiter.waiting,
      throttledUntil: limiter.throttledUntil,
      refused,
    }));
  }

  #useOf(action: ApiAction): ActionUse {
    let use = this.#uses.get(action);
    if (use === undefined) {
      const full = action === "read" ? anyRate : this.#traits.rate ?? anyRate;
      const after = action === "read" ? afterRefusedRead : afterRefusedWrite;
      const limiter = new AdaptiveLimiter(full, this.#clock, after);
      use = { limiter, full, refused: 0 };
      this.#uses.set(action, use);
    }
    return use;
  }
}

/** The kind of call that makes these changes. */
export function writeAction(
  { batch }: Pick<CloudTraits, "batch">,
  [first]: readonly { readonly action: "add" | "replace" | "delete" }[],
): ApiAction {
  return batch > 1 || first === undefined ? "write" : first.action;
}
