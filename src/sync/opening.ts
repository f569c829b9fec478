/** What keeps the tables from being open: calls to the cloud and this machine's files are retried, and the last failure is remembered. */

import { getLogger } from "@logtape/logtape";
import { backOffMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import { OpenTableError } from "./open_table_error.ts";
import { retryUntil } from "./retry.ts";
import { durationText } from "./wording.ts";

const log = getLogger(["cloudroutesync", "sync"]);

/** See the head of this file. */
export class Opening {
  readonly #clock: Clock;
  readonly #onNews: () => void;
  #lastError: Error | null = null;
  #nextTryAt: number | null = null;
  #done = false;

  /** @param onNews is called when {@linkcode error} may be another one. */
  constructor(clock: Clock, onNews: () => void = () => {}) {
    this.#clock = clock;
    this.#onNews = onNews;
  }

  /** What went wrong last; null while the cloud is silent, and once the tables are open. */
  get error(): Error | null {
    return this.#done ? null : this.#lastError;
  }

  /** When that is tried again, in milliseconds of the clock; null: it is under way, or nothing went wrong. */
  get nextTryAt(): number | null {
    return this.error === null ? null : this.#nextTryAt;
  }

  /** Whether the tables of this run were found, so that it is known where routes of ours may stand. */
  get done(): boolean {
    return this.#done;
  }

  /** The tables are open. */
  finish(): void {
    this.#done = true;
    this.#onNews();
  }

  /** Retries a call until it works, and remembers what the cloud answers meanwhile. */
  async retrying<T>(
    call: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    giveUpAt = Infinity,
  ): Promise<T> {
    const remembering = async (inner: AbortSignal): Promise<T> => {
      try {
        return await call(inner);
      } catch (error) {
        if (error instanceof CloudError && !inner.aborted) this.#lastError = error;
        throw error;
      }
    };
    const result = await retryUntil(remembering, this.#clock, signal, {
      giveUpAt,
      hasWorked: this.#done,
      onWait: (until) => {
        this.#nextTryAt = until;
        this.#onNews();
      },
    });
    this.#lastError = null;
    this.#onNews();
    return result;
  }

  /** Retries what may heal on this machine, such as a full disk. @throws {OpenTableError} for what no waiting heals. */
  async retryingHere<T>(open: () => Promise<T>, stop: AbortSignal): Promise<T> {
    for (let failures = 1;; failures++) {
      stop.throwIfAborted();
      try {
        const opened = await open();
        this.#lastError = null;
        return opened;
      } catch (error) {
        if (!(error instanceof OpenTableError) || !error.heals) throw error;
        const wait = backOffMs(failures, undefined, this.#clock.random());
        if (error.message !== this.#lastError?.message) {
          log.warn("{message}; retrying in {wait}", {
            event: "retry",
            message: error.message,
            wait: durationText(Math.max(wait, 1)),
          });
        }
        this.#lastError = error;
        this.#nextTryAt = this.#clock.now() + wait;
        this.#onNews();
        await this.#clock.sleep(wait, stop);
      }
    }
  }
}
