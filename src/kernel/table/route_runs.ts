/** Hands out the rows of columns in runs (`RouteRun`), without copying them where it can be helped. */

import type { Family, Words } from "../../routes/prefix.ts";
import { addressWords, type RouteRun } from "../../routes/route_rows.ts";
import type { RouteColumns } from "./route_columns.ts";

/** Rows of one run at most, where runs are put together. */
const builtRows = 4096;

/** What a row is marked with. */
export const hiddenRow = 1, apartRow = 2;

/** Puts prefixes together to runs of their own. */
export class RunBuilder {
  readonly #family: Family;
  #addresses: number[] = [];
  #lengths: number[] = [];
  #bodies: number[] = [];

  constructor(family: Family) {
    this.#family = family;
  }

  /** Whether it holds enough to be taken. */
  get isFull(): boolean {
    return this.#bodies.length >= builtRows;
  }

  /** Adds the routes of a prefix. */
  add(words: Words, length: number, bodies: Iterable<number>): void {
    for (const body of bodies) {
      for (let word = 0; word < addressWords(this.#family); word++) this.#addresses.push(words[word] ?? 0);
      this.#lengths.push(length);
      this.#bodies.push(body);
    }
  }

  /** What was added since the last time; nothing if that is nothing. */
  *take(): Generator<RouteRun> {
    if (this.#bodies.length === 0) return;
    yield {
      family: this.#family,
      addresses: Uint32Array.from(this.#addresses),
      lengths: Uint8Array.from(this.#lengths),
      bodies: Int32Array.from(this.#bodies),
      start: 0,
      end: this.#bodies.length,
    };
    this.#addresses = [];
    this.#lengths = [];
    this.#bodies = [];
  }
}

/**
 * The rows of sorted columns.
 *
 * @param marks by row, the same for all rows of a prefix: 0 for those that come as they are, {@linkcode hiddenRow} for those that do not
 * come. Null: all come.
 * @param apart the routes that come in the place of a prefix's rows marked {@linkcode apartRow}.
 */
export function* columnRuns(
  columns: RouteColumns,
  marks: Uint8Array | null,
  apart: (words: Words, length: number) => Iterable<number>,
): Generator<RouteRun> {
  const built = new RunBuilder(columns.family);
  for (let row = 0; row < columns.count;) {
    const mark = marks?.[row] ?? 0;
    if (mark !== 0) {
      const words = columns.words(row), length = columns.length(row);
      if (mark === apartRow) built.add(words, length, apart(words, length));
      yield* built.take();
      row = columns.endOf(row);
      continue;
    }
    const run = columns.pageRun(row);
    const end = endOfUnmarked(marks, row, row + run.end - run.start);
    // Rows of a prefix that lie on two pages must come together.
    const cut = end < columns.count && columns.samePrefix(end - 1, end) ? columns.startOf(end - 1) : end;
    if (cut > row) yield { ...run, end: run.start + cut - row };
    row = cut;
    if (cut === end) continue;
    const next = columns.endOf(row);
    built.add(columns.words(row), columns.length(row), bodiesOf(columns, row, next));
    yield* built.take();
    row = next;
  }
}

function endOfUnmarked(marks: Uint8Array | null, row: number, end: number): number {
  if (marks === null) return end;
  let next = row;
  while (next < end && marks[next] === 0) next++;
  return next;
}

function* bodiesOf(columns: RouteColumns, start: number, end: number): Generator<number> {
  for (let row = start; row < end; row++) yield columns.body(row);
}
