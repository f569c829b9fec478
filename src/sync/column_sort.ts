/**
 * Sorts many items by several numbers each, in steps. Pure.
 *
 * `Array.sort` calls back for each comparison and cannot pause. Here each number is put into a column and sorted by its digits, the
 * least significant first (radix sort): a million prefixes take a tenth of the time. What comes in order already, as the
 * kernel's tables do, is only looked through.
 */

import { itemsAStep, type Steps } from "../async/steps.ts";
import type { Prefix } from "../routes/prefix.ts";

/** A number of an item to sort by: an unsigned integer of 32 bits. */
export type SortKey<T> = (item: T) => number;

/** Up to so many items are sorted by comparing their rows: counting digits costs more than it saves. */
const mostCompared = 1_024;
const digitBits = 16;
const digits = 1 << digitBits;

/** Keys by which prefixes are ordered as by {@linkcode comparePrefixes}. */
export const prefixKeys: readonly SortKey<{ readonly prefix: Prefix }>[] = [
  ({ prefix: { family } }) => family,
  ({ prefix: { words } }) => words[0],
  ({ prefix: { words } }) => words[1],
  ({ prefix: { words } }) => words[2],
  ({ prefix: { words } }) => words[3],
  ({ prefix: { length } }) => length,
];

/**
 * The items in order; those with the same keys stay as they are to one another.
 *
 * @param keys the most significant first.
 */
export function* sorting<T>(items: readonly T[], keys: readonly SortKey<T>[]): Steps<readonly T[]> {
  // Each item is looked at once: those of a large table lie all over the memory.
  const columns = keys.map(() => new Uint32Array(items.length));
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    for (let each = 0; each < keys.length && item !== undefined; each++) {
      const [column, key] = [columns[each], keys[each]];
      if (column !== undefined && key !== undefined) column[index] = key(item);
    }
    if (index % itemsAStep === 0) yield;
  }
  if (yield* isSorted(columns, items.length)) return items;
  let order = new Uint32Array(items.length);
  for (let index = 0; index < order.length; index++) order[index] = index;
  if (items.length <= mostCompared) {
    order.sort((left, right) => compareRows(columns, left, right) || left - right);
  } else {
    for (const column of columns.toReversed()) {
      for (const shift of [0, digitBits]) order = yield* byDigit(column, shift, order);
    }
  }
  const sorted: T[] = [];
  for (const index of order) {
    const item = items[index];
    if (item !== undefined) sorted.push(item);
    if (sorted.length % itemsAStep === 0) yield;
  }
  return sorted;
}

function compareRows(columns: readonly Uint32Array[], left: number, right: number): number {
  for (const column of columns) {
    const difference = (column[left] ?? 0) - (column[right] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function* isSorted(columns: readonly Uint32Array[], count: number): Steps<boolean> {
  for (let row = 1; row < count; row++) {
    if (compareRows(columns, row - 1, row) > 0) return false;
    if (row % itemsAStep === 0) yield;
  }
  return true;
}

/** Orders what `order` names by one digit of a column; where all have the same one, as words of IPv4 have, nothing is moved. */
function* byDigit(
  column: Uint32Array,
  shift: number,
  order: Uint32Array<ArrayBuffer>,
): Steps<Uint32Array<ArrayBuffer>> {
  const digitOf = (index: number): number => ((column[index] ?? 0) >>> shift) & (digits - 1);
  const places = new Uint32Array(digits);
  for (let index = 0; index < column.length; index++) {
    const digit = digitOf(index);
    places[digit] = (places[digit] ?? 0) + 1;
    if (index % itemsAStep === 0) yield;
  }
  if (places[digitOf(0)] === column.length) return order;
  let place = 0;
  for (let digit = 0; digit < digits; digit++) {
    const count = places[digit] ?? 0;
    places[digit] = place;
    place += count;
  }
  const moved = new Uint32Array(order.length);
  for (let from = 0; from < order.length; from++) {
    const index = order[from] ?? 0;
    const digit = digitOf(index);
    const to = places[digit] ?? 0;
    places[digit] = to + 1;
    moved[to] = index;
    if (from % itemsAStep === 0) yield;
  }
  return moved;
}
