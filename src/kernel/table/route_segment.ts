/** The kept routes of one kernel table and family: the rows of the last dump, and over them what events have changed. */

import type { Family, Words } from "../../routes/prefix.ts";
import type { RouteRun } from "../../routes/route_rows.ts";
import { mergedColumns } from "./merged_columns.ts";
import { comparePlaces, RouteColumns } from "./route_columns.ts";
import { apartRow, columnRuns, hiddenRow, RunBuilder } from "./route_runs.ts";

/** A prefix and its routes, as numbers of bodies in the kernel's order. */
export interface PrefixRoutes {
  readonly words: Words;
  readonly length: number;
  readonly routes: readonly number[];
}

const noRoutes: readonly number[] = [];

export class RouteSegment {
  readonly family: Family;
  readonly table: number;
  #columns: RouteColumns;
  /** One byte a row: {@linkcode hiddenRow} if the overlay speaks for its prefix. Made with the first event. */
  #shadowed: Uint8Array | null = null;
  readonly #overlay = new Map<number | string, PrefixRoutes>();
  /** What earlier attempts of the dump brought. */
  #earlier: RouteColumns[] = [];
  #size = 0;

  constructor(family: Family, table: number) {
    this.family = family;
    this.table = table;
    this.#columns = new RouteColumns(family);
  }

  /** Number of routes. */
  get size(): number {
    return this.#size;
  }

  /** Number of prefixes that events have changed since the dump. */
  get changedSinceDump(): number {
    return this.#overlay.size;
  }

  /** Adds a route of a dump. */
  append(words: Words, length: number, body: number): void {
    this.#columns.append(words, length, body);
    this.#size++;
  }

  /** Adds an IPv4 route of a dump. @param address as a signed number. */
  appendAddress(address: number, length: number, body: number): void {
    this.#columns.appendAddress(address, length, body);
    this.#size++;
  }

  /** Begins an attempt of the dump: what an earlier one brought is laid aside. */
  begin(): void {
    if (this.#size > 0) this.#earlier.push(this.#columns);
    this.#columns = new RouteColumns(this.family);
    this.#size = 0;
  }

  /** Adds the prefixes that earlier attempts brought and the last did not. */
  merge(): void {
    for (const earlier of this.#earlier.toReversed()) this.#add(earlier.sorted());
  }

  /**
   * Drops what came twice, which it may where the table has changed under the dump.
   *
   * @param isAlone whether there is never another route of a prefix that is like this body.
   * @returns whether another dump must tell what is right: there may be two such routes, or the prefix has others, whose order is in doubt.
   */
  dropRepeats(isAlone: (body: number) => boolean): boolean {
    const columns = this.#columns.sorted();
    let isDoubtful = false;
    for (let row = 0, end = 0; row < columns.count; row = end) {
      end = columns.endOf(row);
      if (isDoubtful || end - row === 1) continue;
      const bodies = new Set(Array.from({ length: end - row }, (_, at) => columns.body(row + at)));
      const isRepeated = bodies.size < end - row;
      isDoubtful = isRepeated && (bodies.size > 1 || !isAlone(columns.body(row)));
    }
    this.#add(new RouteColumns(this.family));
    return isDoubtful;
  }

  /** Ends the dump: from here on routes can be looked up and changed. */
  seal(): void {
    this.#columns = this.#columns.sorted();
    this.#earlier = [];
  }

  #add(other: RouteColumns): void {
    this.#columns = mergedColumns(this.#columns.sorted(), other);
    this.#size = this.#columns.count;
  }

  /** The routes of a prefix. */
  routesOf(words: Words, length: number): readonly number[] {
    if (this.#overlay.size > 0) {
      const changed = this.#overlay.get(prefixKey(this.family, words, length));
      if (changed !== undefined) return changed.routes;
    }
    const row = this.#columns.find(words, length);
    return row < 0 || this.#isShadowed(row) ? noRoutes : this.#rows(row, this.#columns.endOf(row));
  }

  /**
   * Gives a prefix other routes.
   *
   * @param before what {@linkcode routesOf} gives for it.
   */
  change(words: Words, length: number, before: readonly number[], routes: readonly number[]): void {
    this.#size += routes.length - before.length;
    const key = prefixKey(this.family, words, length);
    const changed = this.#overlay.get(key);
    // What the overlay speaks for it has hidden the rows of already.
    const row = changed === undefined || routes.length === 0 ? this.#columns.find(words, length) : -1;
    if (row >= 0) this.#shadow(row);
    // An empty entry hides the rows of the dump.
    if (routes.length === 0 && row < 0) this.#overlay.delete(key);
    else this.#overlay.set(key, { words: changed?.words ?? copyOf(words), length, routes });
  }

  /** Hides the rows of a prefix. @param row the first of them. */
  #shadow(row: number): void {
    this.#shadowed ??= new Uint8Array(this.#columns.count);
    this.#shadowed.fill(hiddenRow, row, this.#columns.endOf(row));
  }

  /** Whether another segment has no route of the prefix that a dump of this one would end with. */
  endsBeyond(other: RouteSegment): boolean {
    const last = this.#lastPrefix();
    return last !== null && other.routesOf(last.words, last.length).length === 0;
  }

  #lastPrefix(): PrefixRoutes | null {
    const columns = this.#columns;
    let row = columns.count - 1;
    while (row >= 0 && this.#isShadowed(row)) row--;
    let last = row < 0 ? null : { words: columns.words(row), length: columns.length(row), routes: noRoutes };
    for (const changed of this.#overlay.values()) {
      if (changed.routes.length === 0) continue;
      const later = last === null ||
        comparePlaces(this.family, changed.words, changed.length, last.words, last.length) > 0;
      if (later) last = changed;
    }
    return last;
  }

  /** The prefixes that have a route of one of these bodies, with all their routes. @param marks by number of body: 1 for those. */
  prefixesWith(marks: Uint8Array): readonly PrefixRoutes[] {
    const columns = this.#columns;
    const found = new Map<number | string, PrefixRoutes>();
    const add = (words: Words, length: number): void => {
      const key = prefixKey(this.family, words, length);
      if (!found.has(key)) found.set(key, { words, length, routes: this.routesOf(words, length) });
    };
    for (const row of columns.rowsWith(marks)) {
      if (!this.#isShadowed(row)) add(columns.words(row), columns.length(row));
    }
    for (const { words, length, routes } of this.#overlay.values()) {
      if (routes.some((body) => marks[body] === 1)) add(words, length);
    }
    return [...found.values()];
  }

  /** Sets the byte of each body that a route has, or had since the dump. @param marks by number of body. */
  markBodies(marks: Uint8Array): void {
    this.#columns.markBodies(marks);
    for (const { routes } of this.#overlay.values()) for (const body of routes) marks[body] = 1;
  }

  /** Every prefix with its routes, those of the dump first. */
  *prefixes(): Generator<PrefixRoutes> {
    const columns = this.#columns;
    for (let row = 0, end = 0; row < columns.count; row = end) {
      end = columns.endOf(row);
      if (this.#isShadowed(row)) continue;
      yield { words: columns.words(row), length: columns.length(row), routes: this.#rows(row, end) };
    }
    for (const changed of this.#overlay.values()) if (changed.routes.length > 0) yield changed;
  }

  /**
   * All rows in runs, those of the dump first.
   *
   * @param apart prefixes, by {@linkcode prefixKey}, whose routes `routesOf` gives instead.
   */
  *runs(
    apart: ReadonlyMap<number | string, { readonly words: Words; readonly length: number }>,
    routesOf: (words: Words, length: number) => readonly number[],
  ): Generator<RouteRun> {
    yield* columnRuns(this.#columns, this.#marksOf(apart.values()), routesOf);
    const built = new RunBuilder(this.family);
    for (const [key, { words, length, routes }] of this.#overlay) {
      if (routes.length > 0) built.add(words, length, apart.has(key) ? routesOf(words, length) : routes);
      if (built.isFull) yield* built.take();
    }
    yield* built.take();
  }

  /** What each row is marked with, see {@linkcode columnRuns}. */
  #marksOf(apart: Iterable<{ readonly words: Words; readonly length: number }>): Uint8Array | null {
    let marks = this.#shadowed;
    for (const { words, length } of apart) {
      const row = this.#columns.find(words, length);
      if (row < 0 || this.#isShadowed(row)) continue;
      if (marks === this.#shadowed) marks = marks?.slice() ?? new Uint8Array(this.#columns.count);
      marks?.fill(apartRow, row, this.#columns.endOf(row));
    }
    return marks;
  }

  /**
   * Visits every prefix whose routes may differ from another segment's; once or more often.
   *
   * @param bodyInOther what each body of this segment is called in the other.
   * @param visit returns false to end the walk.
   */
  compare(
    other: RouteSegment,
    bodyInOther: Int32Array,
    visit: (words: Words, length: number) => boolean,
  ): void {
    for (const { words, length } of this.#overlay.values()) if (!visit(words, length)) return;
    for (const { words, length } of other.#overlay.values()) if (!visit(words, length)) return;
    compareColumns(this.#columns, other.#columns, bodyInOther, visit);
  }

  #isShadowed(row: number): boolean {
    return this.#shadowed !== null && this.#shadowed[row] === hiddenRow;
  }

  #rows(start: number, end: number): readonly number[] {
    const routes: number[] = [];
    for (let row = start; row < end; row++) routes.push(this.#columns.body(row));
    return routes;
  }
}

/** Walks two sorted columns side by side. */
function compareColumns(
  left: RouteColumns,
  right: RouteColumns,
  bodyInRight: Int32Array,
  visit: (words: Words, length: number) => boolean,
): void {
  let row = 0, other = 0;
  for (;;) {
    const equal = left.equalRows(row, right, other, bodyInRight);
    row += equal;
    other += equal;
    if (row === left.count && other === right.count) return;
    const order = row === left.count
      ? 1
      : other === right.count
      ? -1
      : left.compare(row, right.words(other), right.length(other));
    const [columns, at] = order <= 0 ? [left, row] as const : [right, other] as const;
    if (!visit(columns.words(at), columns.length(at))) return;
    if (order <= 0) row = left.endOf(row);
    if (order >= 0) other = right.endOf(other);
  }
}

/** The words of a decoder stay until its next message only. */
function copyOf(words: Words): Words {
  return [words[0], words[1], words[2], words[3]];
}

/** A key that no other prefix of the family has. */
export function prefixKey(family: Family, words: Words, length: number): number | string {
  return family === 4 ? words[0] * 64 + length : `${words[0]},${words[1]},${words[2]},${words[3]}/${length}`;
}
