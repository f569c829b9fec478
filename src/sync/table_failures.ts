/** What fails in one table, and when each is tried again: logged once when it begins, and once when it works again. */

import { getLogger } from "@logtape/logtape";
import { CloudError, errorFacts } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";
import { ofTable, remedyOf, withoutStop } from "./error_text.ts";
import { ToldErrors } from "./told_errors.ts";
import { durationText } from "./wording.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** The key of errors that concern the table as a whole. */
export const wholeTable = "";
/** The key of errors of this VM's ledger. */
export const ledger = "ledger";
/** The key of errors in finding out who the neighbours are. */
export const neighbours = "neighbours";
/** The keys of errors that concern no one prefix; all others are canonical prefixes. */
export const unnamed: ReadonlySet<string> = new Set([wholeTable, ledger, neighbours]);

/** See the head of this file. */
export class TableFailures {
  readonly #table: string;
  readonly #now: () => number;
  readonly #errors = new Map<string, Error>();
  /** By key when what fails now began to fail, in milliseconds of the clock. */
  readonly #failingSince = new Map<string, number>();
  /** By key when what failed is tried again, in milliseconds of the clock, as it was known when it failed. */
  readonly #nextTries = new Map<string, number>();
  /** By key what was logged of the table as a whole, its ledger and its neighbours. */
  readonly #told = new Map<string, ToldErrors>();
  #count = 0;

  /** @param table its name. @param now milliseconds of the clock, which never jump. */
  constructor(table: string, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** The current errors, by key. */
  get errors(): ReadonlyMap<string, Error> {
    return this.#errors;
  }

  /** When what failed is tried again, by key, in milliseconds of the clock; left out: not by itself. */
  get nextTries(): ReadonlyMap<string, number> {
    return this.#nextTries;
  }

  /** How many failures there were since the start. */
  get count(): number {
    return this.#count;
  }

  /** What failed works again. @returns for how many milliseconds it failed; null: it did not. */
  recovered(key: string): number | null {
    this.#errors.delete(key);
    this.#told.delete(key);
    this.#nextTries.delete(key);
    const since = this.#failingSince.get(key);
    this.#failingSince.delete(key);
    return since === undefined ? null : this.#now() - since;
  }

  /** What failed works again, which is logged. @param sentence without the table's name. */
  logRecovery(key: string, sentence: string): void {
    const failedFor = this.recovered(key);
    if (failedFor === null) return;
    log.info("{table}: {sentence}, after {duration}", {
      event: "recovered",
      table: this.#table,
      sentence,
      duration: durationText(failedFor),
      milliseconds: Math.round(failedFor),
    });
  }

  /**
   * Remembers an error, and logs it unless it was logged since the failing began, or for another prefix.
   *
   * @param retryMs when it is tried again, from now; null: not by itself.
   */
  fail(key: string, error: Error, retryMs: number | null): void {
    this.#count++;
    const isNews = this.#isNews(key, error) && !this.#isLoggedElsewhere(key, error);
    this.#errors.set(key, error);
    if (retryMs === null) this.#nextTries.delete(key);
    else this.#nextTries.set(key, this.#now() + retryMs);
    if (!this.#failingSince.has(key)) this.#failingSince.set(key, this.#now());
    if (!isNews) return this.#logBackOff(key, error, retryMs);
    const { message, ...facts } = errorFacts(error);
    const remedy = remedyOf(error);
    log.warn("{sentence}{request}{remedy}{again}", {
      event: "failure",
      ...facts,
      table: this.#table,
      ...(unnamed.has(key) ? {} : { prefix: key }),
      sentence: ofTable(this.#table, this.#ofPrefix(key, withoutStop(message))),
      message,
      request: facts.requestId === undefined ? "" : ` (request ${facts.requestId})`,
      remedy: remedy === undefined ? "" : `; ${remedy}`,
      again: retryMs === null ? "" : `; retrying in ${durationText(Math.max(retryMs, 1))}`,
    });
  }

  /** Of a prefix the last error alone is remembered: there may be a million. */
  #isNews(key: string, error: Error): boolean {
    if (!unnamed.has(key)) return this.#errors.get(key)?.message !== error.message;
    const told = this.#told.get(key) ?? new ToldErrors();
    this.#told.set(key, told);
    return told.isNews(error);
  }

  /** What fails on is logged with -debug alone; of the table as a whole, since a thousand changes may fail together. */
  #logBackOff(key: string, { message }: Error, retryMs: number | null): void {
    if (!unnamed.has(key) || retryMs === null) return;
    log.debug("Still failing: {sentence}; retrying in {wait}", {
      event: "back-off",
      table: this.#table,
      sentence: ofTable(this.#table, withoutStop(message)),
      wait: durationText(Math.max(retryMs, 1)),
    });
  }

  /** A sentence that names the prefix where it concerns one. */
  #ofPrefix(key: string, message: string): string {
    return unnamed.has(key) || message.includes(key) ? message : `${key}: ${message}`;
  }

  /** Whether another prefix fails for the same reason, such as a permission: changes that were under way together all meet it. */
  #isLoggedElsewhere(key: string, error: Error): boolean {
    if (!(error instanceof CloudError) || unnamed.has(key)) return false;
    const { scope } = meaningOf(error);
    if (scope === "change") return false;
    for (const [other, known] of this.#errors) {
      if (other === key || unnamed.has(other) || !(known instanceof CloudError)) continue;
      const isOneFamily = scope !== "family" || other.includes(":") === key.includes(":");
      const isSame = known.kind === error.kind && known.action === error.action && known.code === error.code;
      if (isOneFamily && isSame) return true;
    }
    return false;
  }
}
