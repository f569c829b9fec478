/** The kept routes of one kernel table and family: the rows of the last dump, and over them what events have changed. */

import type { Family, Words } from "../routes/prefix.ts";
import { RouteColumns } from "./route_columns.ts";

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
  /** One byte a row: 1 if the overlay speaks for its prefix. Made with the first event. */
  #shadowed: Uint8Array | null = null;
  readonly #overlay = new Map<number | string, PrefixRoutes>();
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

  /** Forgets all, for a dump that must begin anew. */
  clear(): void {
    this.#columns = new RouteColumns(this.family);
    this.#size = 0;
  }

  /** Ends the dump: from here on routes can be looked up and changed. */
  seal(): void {
    this.#columns = this.#columns.sorted();
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
    this.#shadowed.fill(1, row, this.#columns.endOf(row));
  }

  /**
   * Every prefix with its routes, those of the dump first.
   *
   * @param wanted by number of body, 1 for the wanted: prefixes without any are passed over. Absent: all come.
   */
  *prefixes(wanted?: Uint8Array): Generator<PrefixRoutes> {
    const columns = this.#columns;
    for (let row = 0, end = 0; row < columns.count; row = end) {
      const start = wanted === undefined ? row : columns.nextOf(row, wanted);
      if (start === columns.count) break;
      // The wanted route need not be the prefix's first.
      const first = wanted === undefined ? start : columns.startOf(start);
      end = columns.endOf(start);
      if (this.#isShadowed(first)) continue;
      yield { words: columns.words(first), length: columns.length(first), routes: this.#rows(first, end) };
    }
    for (const changed of this.#overlay.values()) {
      if (changed.routes.some((body) => wanted === undefined || wanted[body] === 1)) yield changed;
    }
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
    return this.#shadowed !== null && this.#shadowed[row] === 1;
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
