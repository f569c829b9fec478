/** The changes that the program says it made, as `plan` lists changes. */

/** A change of a route; next hops are parted by commas. */
export interface ListedChange {
  readonly action: string;
  readonly prefix: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** The changes in a log that was written with `-log-format json`, in their order. */
export function loggedChanges(log: string): readonly ListedChange[] {
  return log.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
    .filter(({ event }) => event === "change" || event === "drift")
    .map(({ action, prefix, from, to }) => ({ action, prefix, from: hopsOf(from), to: hopsOf(to) }));
}

/** Changes in an order of their own: those of one wave are made at the same time. */
export function inOrder(changes: readonly ListedChange[]): readonly ListedChange[] {
  return changes.toSorted((left, right) => left.prefix < right.prefix ? -1 : 1);
}

/** A log parts next hops by a comma and a space, and says `none`. */
function hopsOf(text: string): string | null {
  return text === "none" ? null : text.replaceAll(" ", "");
}
