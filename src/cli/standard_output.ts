/** The one way to standard output and standard error, and what is done where they take nothing. */

import { systemCause } from "../clouds/system_cause.ts";

/** Standard output, or a file that was asked for, cannot be written. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/**
 * Writes to standard output. A reader that went away (`routes | head -1`) has all that it wanted: the rest is dropped, and the command
 * ends as if it had been read.
 *
 * @returns false: the reader went away. Whoever prints without end stops then.
 * @throws {OutputError} if it cannot be written for another reason.
 */
export function print(text: string): boolean {
  try {
    writeAll(Deno.stdout, text);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) return false;
    throw new OutputError(`Cannot write to standard output: ${systemCause(cause)}`, { cause });
  }
}

/** Writes to standard error; where that cannot be there is nobody left to tell. */
export function printError(text: string): void {
  tryError(statusLine === null ? text : `${clearLine}${text}${statusLine}`);
}

/** To the line's start, and clear it to its end (ECMA-48). */
const clearLine = "\r\x1b[K";
/** What stands at the terminal's bottom; null: nothing. */
let statusLine: string | null = null;

/** Shows a line that stays below all that is written to standard error, which must be a terminal; null takes it away. */
export function showStatusLine(line: string | null): void {
  if (line === statusLine) return;
  statusLine = line;
  tryError(`${clearLine}${line ?? ""}`);
}

function tryError(text: string): void {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // No state of a terminal's or a log's may stop the service.
  }
}

/** Runs what prints. @returns its exit code, or 1 with one sentence if it cannot print. */
export async function whilePrinting(work: () => number | Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    printError(`cloudroutesync: ${error.message}\n`);
    return 1;
  }
}

/** Writes all of it at once: what Deno writes in the background may fail unseen. */
export function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
}
