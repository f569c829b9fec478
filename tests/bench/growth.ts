/** Tells what has become more since the last result. */

/**
 * Compares counts by name.
 *
 * @param tolerance the share by which a count may be larger.
 * @returns a sentence for each that is larger, and for each that was not counted before or is not any more.
 */
export function growths(
  now: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
  tolerance: number,
): readonly string[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  return names.flatMap((name) => {
    const [count, last] = [now[name], before[name]];
    if (count === undefined) return [`${name} is not counted any more`];
    if (last === undefined) return [`${name} was not counted before`];
    return count > last * (1 + tolerance) ? [`${name} is ${count}, it was ${last}`] : [];
  });
}
