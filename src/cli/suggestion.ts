/** The word that was probably meant, for "did you mean". */

/** More differences than this, or than a third of the letters, and it was another word. */
const mostDifferences = 2;

/**
 * Finds the known word that a mistyped one is nearest to; dashes and underscores do not count.
 *
 * @returns null if none is near.
 */
export function suggestion(word: string, known: readonly string[]): string | null {
  const typed = plain(word);
  if (typed.length < 3) return null;
  const near = known.map((name) => ({ name, away: distance(typed, plain(name)) }))
    .filter(({ name, away }) => away <= Math.min(mostDifferences, Math.ceil(plain(name).length / 3)))
    .toSorted((left, right) => left.away - right.away);
  if (near[0] !== undefined) return near[0].name;
  return typed.length <= 3 ? null : known.find((name) => plain(name).startsWith(typed)) ?? null;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Letters to insert, delete, change or swap with their neighbour (optimal string alignment distance). */
function distance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      const swapped = row > 1 && column > 1 && left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1];
      current.push(Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      ));
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
