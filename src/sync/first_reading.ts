/** What preparing or foreseeing has read of a table: the first reading, once, unless something has come between. */

import type { PreparedTable, TableReading } from "../clouds/cloud.ts";

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

/**
 * What a reconciler is given of it; nothing where the table was not read.
 *
 * @param isCurrent whether this VM is still the one that the tables were prepared for.
 */
export function firstReadingOf(
  { reading }: PreparedTable,
  isCurrent: () => boolean,
): { readonly firstReading?: FirstReading } {
  return reading === undefined ? {} : { firstReading: new FirstReading(reading, isCurrent) };
}
