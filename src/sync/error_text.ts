/** What is said of an error besides its own words: what helps, and when it is tried again. Pure. */

import { CloudError } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";
import { LedgerError } from "./ledger.ts";

/** What a person can do about an error, where its message does not say it. */
export function remedyOf(error: Error): string | undefined {
  if (error instanceof LedgerError) return error.remedy;
  if (!(error instanceof CloudError)) return undefined;
  const remedy = error.remedy ?? meaningOf(error).remedy;
  return remedy === undefined || error.message.includes(remedy) ? undefined : remedy;
}

/**
 * An error as one sentence: what failed and why, what helps, and when it is tried again. Of a missing permission clouds say much before
 * they name it: here it is named at once, and the cloud's own words are in the log and in the document of `status`.
 *
 * @param nextTryAt in milliseconds since the epoch; null: not by itself.
 */
export function errorText(error: Error, nextTryAt: number | null): string {
  const remedy = remedyOf(error);
  const parts = [briefOf(error)];
  if (remedy !== undefined) parts.push(remedy);
  if (nextTryAt !== null) parts.push(`next try ${clockText(nextTryAt)}`);
  return parts.join("; ");
}

function briefOf(error: Error): string {
  const end = error.message.indexOf(": ");
  if (error instanceof CloudError && error.kind === "denied" && error.action !== undefined && end > 0) {
    return `${error.message.slice(0, end)}: permission ${error.action} is missing`;
  }
  return withoutStop(error.message);
}

/** A sentence to which another one is added: clouds end some with a full stop. */
export function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

/** `08:04:09 UTC`. @param at milliseconds since the epoch. */
export function clockText(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

/** A sentence of a table, which is named before it unless the sentence names it. */
export function ofTable(table: string, sentence: string): string {
  return sentence.includes(table) ? sentence : `${table}: ${sentence}`;
}
