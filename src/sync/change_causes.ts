/** What made a change necessary, for log, status and metrics. Times are milliseconds of the loop's clock. */

import type { PlannedChange } from "./planned_change.ts";

/**
 * - `kernel`: the kernel's routes changed.
 * - `start`: it was so when the run began: a first start, or what changed while nothing ran.
 * - `drift`: somebody else changed the table.
 * - `adopt`: a foreign route is taken over.
 * - `cleanup`: all of ours is withdrawn, by the command or by `-withdraw-on-exit`.
 * - `peer`: taken over from another router of the group, or handed over to one.
 */
export type ChangeCause = "kernel" | "start" | "drift" | "adopt" | "peer" | "cleanup";

/** A cause, and how long ago the kernel said so; null where it was not the kernel, or a setting changed what it means. */
export interface KnownCause {
  readonly cause: ChangeCause;
  readonly milliseconds: number | null;
}

/** See the head of this file. */
export class ChangeCauses {
  /** When the kernel's news of each prefix came that is not settled yet; null: at a time that is not known. */
  readonly #news = new Map<string, number | null>();
  #started = false;
  #cleaning = false;

  /** What is wanted for a canonical prefix changed. @param at when the kernel said so; null: it was not one event. */
  news(prefix: string, at: number | null): void {
    if (!this.#news.has(prefix)) this.#news.set(prefix, at);
  }

  /** This is as wanted now, or never will be: its next change has another cause. */
  settled(prefix: string): void {
    this.#news.delete(prefix);
  }

  /** All was in step once: what the table lacks from now on, somebody took. */
  inStep(): void {
    this.#started = true;
  }

  /** All that is ours goes from now on. */
  cleanUp(): void {
    this.#cleaning = true;
  }

  /** The cause of a change that was made just now. */
  of({ prefix, why, takesFrom }: PlannedChange, now: number): KnownCause {
    if (this.#cleaning) return { cause: "cleanup", milliseconds: null };
    if (why === "adopted") return { cause: "adopt", milliseconds: null };
    const known = this.#timed(prefix.text, now);
    const isOfGroup = why === "taken-over" || why === "handed-over" || takesFrom !== undefined;
    return isOfGroup ? { ...known, cause: "peer" } : known;
  }

  #timed(prefix: string, now: number): KnownCause {
    const at = this.#news.get(prefix);
    // The first comparison makes up for the past, whatever the kernel said meanwhile.
    if (at !== undefined && (this.#started || at !== null)) {
      return { cause: "kernel", milliseconds: at === null ? null : now - at };
    }
    return { cause: this.#started ? "drift" : "start", milliseconds: null };
  }
}
