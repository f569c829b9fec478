/** A line on a terminal that says how far hundreds of changes have come, and how long they will still take. */

import { durationText } from "../sync/wording.ts";
import type { SyncStatus } from "../sync/sync_status.ts";
import { showStatusLine } from "./standard_output.ts";

/** Fewer changes are done before anybody has read the line. */
const fewestChanges = 10;
/** How often the line is drawn, in milliseconds. */
const drawEveryMs = 200;
/** Characters of the bar. */
const barWidth = 30;

/** How far it has come. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** Since the first change was seen to wait. */
  readonly elapsedMs: number;
}

/** What has come of the tables' changes. */
export function progressOf(statuses: readonly SyncStatus[]): Pick<Progress, "done" | "total"> {
  const sum = (count: (status: SyncStatus) => number): number =>
    statuses.reduce((total, status) => total + count(status), 0);
  const done = sum(({ writes }) => writes.add + writes.replace + writes.delete);
  return { done, total: done + sum(({ pending }) => pending) };
}

/** The line; null where it is not worth one. @param colours whether the terminal may be sent colours. */
export function progressLine({ done, total, elapsedMs }: Progress, colours: boolean): string | null {
  if (total < fewestChanges) return null;
  const filled = Math.floor(barWidth * done / total);
  const [on, off] = colours ? ["\x1b[32m", "\x1b[0m"] : ["", ""];
  const bar = `${on}${"#".repeat(filled)}${off}${"-".repeat(barWidth - filled)}`;
  const left = done === 0 || done === total
    ? ""
    : `, about ${durationText(Math.ceil(elapsedMs / done * (total - done) / 1000) * 1000)} left`;
  return `[${bar}] ${done} of ${total} changes${left}`;
}

/**
 * Draws the line on standard error until it is disposed of; nothing where nobody would see it.
 *
 * @param isSeen whether standard error is a terminal that a person reads.
 */
export function showProgress(isSeen: boolean, statuses: () => readonly SyncStatus[]): Disposable {
  if (!isSeen) return { [Symbol.dispose]: () => {} };
  let startedAt: number | null = null;
  const draw = (): void => {
    const { done, total } = progressOf(statuses());
    if (total > 0) startedAt ??= performance.now();
    showStatusLine(
      progressLine({ done, total, elapsedMs: performance.now() - (startedAt ?? 0) }, !Deno.noColor),
    );
  };
  const timer = setInterval(draw, drawEveryMs);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      showStatusLine(null);
    },
  };
}

/** Whether a person sees the log on a terminal, and wants it as text. */
export function isSeenByPerson(logFormat: "text" | "json"): boolean {
  return logFormat === "text" && Deno.stderr.isTerminal();
}
