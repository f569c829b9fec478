/** The gate that inserts and deletes pass: a few at once, below Google's rate, none after a failure that would hit all. */

import { TokenBucket } from "../../sync/token_bucket.ts";
import { CloudError } from "../cloud_error.ts";
import { pause } from "./pause.ts";

/**
 * Below Google's 1,500 calls a minute and project: the burst and a minute's tokens are 1,500 together
 * (https://cloud.google.com/compute/api-quota).
 */
export const mutationPace = { perSecond: 20, burst: 300 } as const;

const mostAtOnce = 16;
/** So many in a row without an answer, or with a 5xx, and the API counts as out of reach. */
const mostUnavailable = 3;

/** What is sent. A full quota stops inserts alone, for deletes make room; so does a permission that one of the two lacks. */
export type Mutation = "insert" | "delete";

/**
 * The gate for one write; it is closed by the first failure that the next call would meet too, and what comes
 * then is told the same without being sent: a full quota or a rate limit is not hit a hundred times over.
 */
export class SendGate {
  readonly #bucket: TokenBucket;
  readonly #waiting: (() => void)[] = [];
  #free = mostAtOnce;
  #unavailable = 0;
  readonly #closed = new Map<Mutation, CloudError>();

  /** @param bucket paces all writes of a run; its clock is `performance.now()`. */
  constructor(bucket: TokenBucket) {
    this.#bucket = bucket;
  }

  /**
   * Sends when there is room.
   *
   * @throws {CloudError} of the call, or the one that closed the gate.
   */
  async pass<T>(mutation: Mutation, send: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter();
    try {
      this.#refuseIfClosed(mutation);
      await pause(this.#bucket.take(performance.now()), signal);
      this.#refuseIfClosed(mutation);
      const answer = await send();
      this.#unavailable = 0;
      return answer;
    } catch (error) {
      if (error instanceof CloudError) this.#note(mutation, error);
      throw error;
    } finally {
      this.#leave();
    }
  }

  /** Takes note of an operation's bad end, which came after its sending: a full quota hits the next one too. */
  ended(mutation: Mutation, error: CloudError): void {
    if (error.kind === "quota") this.#close(mutation, error);
  }

  /** Opens the gate again if it was a full quota that closed it; what else closed it holds on. */
  roomMade(): void {
    for (const [mutation, { kind }] of this.#closed) if (kind === "quota") this.#closed.delete(mutation);
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place on, so that who waits goes in the order of coming. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  #refuseIfClosed(mutation: Mutation): void {
    const cause = this.#closed.get(mutation);
    if (cause === undefined) return;
    const { kind, status, code, retryAfterMs, action, limit } = cause;
    const details = { status, code, retryAfterMs, action, limit, cause };
    throw new CloudError(kind, `Not sent, since an earlier call failed: ${cause.message}`, details);
  }

  #note(mutation: Mutation, error: CloudError): void {
    if (error.kind === "unavailable") this.#unavailable++;
    if (error.kind === "throttled" || this.#unavailable >= mostUnavailable) {
      this.#close("insert", error);
      this.#close("delete", error);
    } else if (error.kind === "denied" || error.kind === "quota") this.#close(mutation, error);
  }

  #close(mutation: Mutation, error: CloudError): void {
    if (!this.#closed.has(mutation)) this.#closed.set(mutation, error);
  }
}
