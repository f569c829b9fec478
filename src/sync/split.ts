/** Parts a list in two. */

/**
 * Those items that pass the test and those that do not, each in the order in which they came.
 *
 * @param test called once for each item.
 */
export function split<T>(items: readonly T[], test: (item: T) => boolean): [yes: T[], no: T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
