/** Limits inserts and deletes: a few at once, below Google's rate, none after a failure that the next call would meet too. */

import type { AdaptiveLimiter } from "../../async/adaptive_limiter.ts";
import type { Clock } from "../../async/clock.ts";
import { CloudError } from "../cloud_error.ts";

const mostAtOnce = 16;
/** So many in a row without an answer, or with a 5xx, and the API counts as out of reach. */
const mostUnavailable = 3;

/** What is sent. A full quota stops inserts alone, for deletes free places; so does a permission that one of the two lacks. */
export type Mutation = "insert" | "delete";

/**
 * The limiter of one write. The first failure that the next call would meet too stops it: later calls fail with that error and are
 * not sent, so that a full quota or a rate limit is not hit a hundred times over.
 */
export class MutationLimiter {
  readonly #rate: Pick<AdaptiveLimiter, "wait" | "accepted" | "refused">;
  readonly #clock: Pick<Clock, "now">;
  readonly #waiting: (() => void)[] = [];
  #free = mostAtOnce;
  #unavailable = 0;
  readonly #stopped = new Map<Mutation, CloudError>();

  /** @param rate paces all writes of a run. */
  constructor(
    rate: Pick<AdaptiveLimiter, "wait" | "accepted" | "refused">,
    clock: Pick<Clock, "now">,
  ) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /**
   * Sends as soon as few enough calls are under way and the rate allows it.
   *
   * @throws {CloudError} of the call, or the one that stopped this mutation.
   */
  async send<T>(mutation: Mutation, send: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#takeSlot();
    try {
      this.#refuseIfStopped(mutation);
      await this.#rate.wait(signal);
      this.#refuseIfStopped(mutation);
      return await this.#sent(mutation, send);
    } finally {
      this.#freeSlot();
    }
  }

  /** Sends, and takes note of the answer. A call that was not sent says nothing of the rate. */
  async #sent<T>(mutation: Mutation, send: () => Promise<T>): Promise<T> {
    const sentAt = this.#clock.now();
    try {
      const answer = await send();
      this.#rate.accepted();
      this.#unavailable = 0;
      return answer;
    } catch (error) {
      if (error instanceof CloudError) this.#note(mutation, error, sentAt);
      throw error;
    }
  }

  /** Takes note of an operation's bad end, which came after its sending: a full quota, or one of a minute, hits the next one too. */
  ended(mutation: Mutation, error: CloudError): void {
    if (error.kind === "quota") this.#stop(mutation, error);
    // It was sent some time ago, beside the calls whose refusal is known already: of those one counts.
    if (error.kind === "throttled") this.#note(mutation, error, -Infinity);
  }

  async #takeSlot(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the slot to the call that has waited longest. */
  #freeSlot(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  #refuseIfStopped(mutation: Mutation): void {
    const cause = this.#stopped.get(mutation);
    if (cause === undefined) return;
    const { kind, status, code, retryAfterMs, action, limit } = cause;
    const details = { status, code, retryAfterMs, action, limit, cause };
    throw new CloudError(kind, `Not sent, since an earlier call failed: ${cause.message}`, details);
  }

  #note(mutation: Mutation, error: CloudError, sentAt: number): void {
    if (error.kind === "unavailable") this.#unavailable++;
    if (error.kind === "throttled") this.#rate.refused(sentAt, error.retryAfterMs);
    if (error.kind === "throttled" || this.#unavailable >= mostUnavailable) {
      this.#stop("insert", error);
      this.#stop("delete", error);
    } else if (error.kind === "denied" || error.kind === "quota") this.#stop(mutation, error);
  }

  #stop(mutation: Mutation, error: CloudError): void {
    if (!this.#stopped.has(mutation)) this.#stopped.set(mutation, error);
  }
}
