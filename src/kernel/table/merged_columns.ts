/** Puts together what two attempts of one dump brought. */

import { RouteColumns } from "./route_columns.ts";

/**
 * The rows of one attempt, and of each prefix that it lacks those of another. A route that the kernel brought twice
 * (it begins at the root again when an IPv6 table changes under it, fib6_dump_table in net/ipv6/ip6_fib.c) is there once.
 *
 * @param preferred in order, as `other`.
 * @returns in order.
 */
export function mergedColumns(preferred: RouteColumns, other: RouteColumns): RouteColumns {
  const result = new RouteColumns(preferred.family);
  let row = 0, otherRow = 0;
  while (row < preferred.count || otherRow < other.count) {
    const order = row === preferred.count
      ? 1
      : otherRow === other.count
      ? -1
      : preferred.compare(row, other.words(otherRow), other.length(otherRow));
    if (order <= 0) {
      const end = preferred.endOf(row);
      copyDistinct(preferred, row, end, result);
      row = end;
    }
    if (order < 0) continue;
    const end = other.endOf(otherRow);
    if (order > 0) copyDistinct(other, otherRow, end, result);
    otherRow = end;
  }
  return result;
}

/** Copies the rows of one prefix, each body once. */
function copyDistinct(from: RouteColumns, start: number, end: number, to: RouteColumns): void {
  const words = from.words(start), length = from.length(start);
  const bodies = new Set<number>();
  for (let row = start; row < end; row++) bodies.add(from.body(row));
  for (const body of bodies) to.append(words, length, body);
}
