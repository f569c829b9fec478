/** Durations as Go writes them, or as bare seconds. */

/** As in Go's time.ParseDuration; the micro sign has two code points. */
const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const number = "[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+";
const bareNumber = new RegExp(`^(?:${number})$`);
const numberWithUnit = new RegExp(`(${number})(${Object.keys(unitMs).join("|")})`, "g");

/**
 * Parses `250ms`, `.5s`, `1m30s`, `2h`, or a bare number of seconds.
 *
 * @returns milliseconds.
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parseDuration(text: string): number {
  if (bareNumber.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(numberWithUnit)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new SyntaxError(
      `Cannot parse duration "${text}": it is neither a number of seconds nor like 250ms, 5s or 2m`,
    );
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ""] ?? 0), 0);
}
