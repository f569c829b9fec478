/** How the monitor is doing: what it has read, and what failed. */

/** A moment's picture. Times are `performance.now` milliseconds. */
export interface KernelHealth {
  /** End of the last good dump. */
  readonly lastDumpAt: number | null;
  /** How long it took, milliseconds. */
  readonly lastDumpMs: number;
  /** Why it was made. */
  readonly lastDumpWhy: string;
  /** The last error, or what the last good dump could not see; null since a good and whole dump. */
  readonly lastError: Error | null;
  /** Good dumps. */
  readonly dumps: number;
  /** Good dumps by why they were made: one of the few sentences of {@linkcode lastDumpWhy}. */
  readonly dumpsByWhy: Readonly<Record<string, number>>;
  readonly failedDumps: number;
  /** Times that the kernel has thrown events away. */
  readonly overruns: number;
  /** Messages received as events. */
  readonly events: number;
}

/** The record that the monitor keeps. */
export class HealthRecord implements KernelHealth {
  lastDumpAt: number | null = null;
  lastDumpMs = 0;
  lastDumpWhy = "";
  lastError: Error | null = null;
  dumps = 0;
  dumpsByWhy: Readonly<Record<string, number>> = {};
  failedDumps = 0;
  overruns = 0;
  events = 0;

  /**
   * A dump has ended well.
   *
   * @param error what it could not see.
   */
  dumped(startedAt: number, now: number, why: string, error: Error | null): void {
    this.lastDumpAt = now;
    this.lastDumpMs = now - startedAt;
    this.lastDumpWhy = why;
    this.lastError = error;
    this.dumps++;
    this.dumpsByWhy = { ...this.dumpsByWhy, [why]: (this.dumpsByWhy[why] ?? 0) + 1 };
  }

  /** A copy. */
  snapshot(): KernelHealth {
    return { ...this };
  }
}
