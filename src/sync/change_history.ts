/** The last changes of a table, and how many there were of each cause. */

import type { ChangeCause } from "./change_causes.ts";

/** One change that was made. */
export interface ChangeRecord {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly action: "add" | "replace" | "delete";
  readonly prefix: string;
  /** Next hops as people read them; null: no route. */
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: ChangeCause;
  /** From the kernel's event to the cloud's answer; null where no event of the kernel was the cause. */
  readonly milliseconds: number | null;
}

/** How many changes are remembered. */
const mostChanges = 200;

/** See the head of this file. */
export class ChangeHistory {
  #changes: readonly ChangeRecord[] = [];
  readonly #causes: Record<ChangeCause, number> = {
    kernel: 0,
    start: 0,
    drift: 0,
    adopt: 0,
    peer: 0,
    cleanup: 0,
  };
  #recent: ChangeRecord[] = [];

  /** The last ones, the newest first. */
  get changes(): readonly ChangeRecord[] {
    if (this.#recent.length > 0) {
      this.#changes = [...this.#recent.toReversed(), ...this.#changes].slice(0, mostChanges);
      this.#recent = [];
    }
    return this.#changes;
  }

  /** How many there were since the start, by cause. */
  get causes(): Readonly<Record<ChangeCause, number>> {
    return this.#causes;
  }

  add(change: ChangeRecord): void {
    this.#causes[change.cause]++;
    this.#recent.push(change);
    if (this.#recent.length > mostChanges) this.#recent.shift();
  }
}
