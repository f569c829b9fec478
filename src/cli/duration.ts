/** Durations as Go writes them, or as bare seconds. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Parses `250ms`, `5s`, `1m30s`, `2h`, or a bare number of seconds.
 *
 * @returns milliseconds.
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parseDuration(text: string): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new SyntaxError(
      `Cannot parse duration "${text}": it is neither a number of seconds nor like 250ms, 5s or 2m`,
    );
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ""] ?? 0), 0);
}
