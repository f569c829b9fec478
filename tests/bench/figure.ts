/** What a bench measured, as a line of a table. */

/** One line. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** What it should be at most, or "" where nothing is promised. */
  readonly limit: string;
}

/** Least, median and 99th percentile of what was measured. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly p99: number;
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { least: at(0), median: at(0.5), p99: at(0.99) };
}

/** The lines, aligned as the kernel's bench aligns its own. */
export function figuresText(figures: readonly Figure[]): string {
  return figures.map(({ what, value, limit }) => `${what.padEnd(28)} ${value.padEnd(66)} ${limit}`.trimEnd())
    .join("\n") + "\n";
}
