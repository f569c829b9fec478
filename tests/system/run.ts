/** One process of the executable, from its start to its end. */

import type { CommandResult } from "./namespace.ts";
import { patienceMs, until } from "./until.ts";

/** How a run ended. */
export interface RunEnd {
  readonly code: number;
  readonly log: string;
}

/** See the head of this file. */
export class Run {
  readonly pid: number;
  readonly ended: Promise<RunEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  #log = "";

  /** @param child a process whose standard output and error are pipes. */
  constructor(child: Deno.ChildProcess) {
    this.pid = child.pid;
    this.#child = child;
    this.#stdout = new Response(child.stdout).text();
    this.ended = this.#end();
  }

  /** What it logged so far. */
  get log(): string {
    return this.#log;
  }

  /** Its resident memory, in bytes. */
  async residentBytes(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.pid}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) * 1024;
  }

  /** Waits until it logs this. */
  async untilLog(pattern: RegExp): Promise<void> {
    await until(`the log says ${pattern}`, () => pattern.test(this.#log));
  }

  /** Sends a signal and waits for the end. @throws {Error} if it has ended before: nothing told it to. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<RunEnd> {
    const told = this.#signal(signal);
    const end = await this.ended;
    if (!told) throw new Error(`Cannot stop the executable: it ended by itself with ${end.code}\n${end.log}`);
    return end;
  }

  /** Ends it where it stands; does nothing if it has ended. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.ended;
  }

  /** Waits for the end; what does not end by itself is killed, and its exit code tells so. */
  async result(): Promise<CommandResult> {
    const tooLong = setTimeout(() => this.#signal("SIGKILL"), 2 * patienceMs);
    const { code, log } = await this.ended;
    clearTimeout(tooLong);
    return { code, stdout: await this.#stdout, stderr: log };
  }

  async #end(): Promise<RunEnd> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) this.#log += text;
    const { code } = await this.#child.status;
    await this.#stdout;
    return { code, log: this.#log };
  }

  /** Whether it was there to be told. */
  #signal(signal: Deno.Signal): boolean {
    try {
      this.#child.kill(signal);
      return true;
    } catch (error) {
      // What Deno throws for a process that has ended.
      if (error instanceof TypeError) return false;
      throw error;
    }
  }
}
