/** What preparing has read of a table: the first reading of a start, once, unless something has come between. */

import type { TableReading } from "../clouds/cloud.ts";

/** So long after it was asked for it counts, in milliseconds. */
const freshForMs = 5_000;

/** See the head of this file. */
export class FirstReading {
  #reading: TableReading | null;
  readonly #isCurrent: () => boolean;

  /** @param isCurrent whether this VM is still the one that the tables were prepared for. */
  constructor(reading: TableReading, isCurrent: () => boolean) {
    this.#reading = reading;
    this.#isCurrent = isCurrent;
  }

  /** Says that the table may have changed. */
  drop(): void {
    this.#reading = null;
  }

  /** Gives it away. @param now milliseconds of the clock. @returns null: the table is to be read. */
  take(now: number): TableReading | null {
    const reading = this.#reading;
    this.#reading = null;
    return reading !== null && this.#isCurrent() && now - reading.at < freshForMs ? reading : null;
  }
}
