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

  /** Gives a prefix other routes. */
  change(words: Words, length: number, routes: readonly number[]): void {
    this.#size += routes.length - this.routesOf(words, length).length;
    const row = this.#columns.find(words, length);
    if (row >= 0) {
      this.#shadowed ??= new Uint8Array(this.#columns.count);
      this.#shadowed.fill(1, row, this.#columns.endOf(row));
    }
    const key = prefixKey(this.family, words, length);
    if (routes.length === 0) this.#overlay.delete(key);
    else this.#overlay.set(key, { words: [words[0], words[1], words[2], words[3]], length, routes });
  }

  /**
   * Every prefix with its routes, those of the dump first.
   *
   * @param accept prefixes without any body that it accepts are passed over.
   */
  *prefixes(accept: (body: number) => boolean = () => true): Generator<PrefixRoutes> {
    const columns = this.#columns;
    for (let row = 0, end = 0; row < columns.count; row = end) {
      end = columns.endOf(row);
      if (this.#isShadowed(row)) continue;
      let accepted = false;
      for (let index = row; index < end && !accepted; index++) accepted = accept(columns.body(index));
      if (accepted) {
        yield { words: columns.words(row), length: columns.length(row), routes: this.#rows(row, end) };
      }
    }
    for (const changed of this.#overlay.values()) if (changed.routes.some(accept)) yield changed;
  }

  /**
   * Whether nothing differs from another segment, told quickly: both untouched since their dumps, row by row the same.
   *
   * @param bodyOf what a body of this segment is called in the other.
   */
  equals(other: RouteSegment, bodyOf: (body: number) => number): boolean {
    const left = this.#columns, right = other.#columns;
    if (this.#shadowed !== null || other.#shadowed !== null) return false;
    if (this.#overlay.size + other.#overlay.size > 0 || left.count !== right.count) return false;
    const addressWords = this.family === 4 ? 1 : 4;
    for (let row = 0; row < left.count; row++) {
      if (left.length(row) !== right.length(row) || bodyOf(left.body(row)) !== right.body(row)) return false;
      for (let index = 0; index < addressWords; index++) {
        if (left.address(row, index) !== right.address(row, index)) return false;
      }
    }
    return true;
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

/** A key that no other prefix of the family has. */
export function prefixKey(family: Family, words: Words, length: number): number | string {
  return family === 4 ? words[0] * 64 + length : `${words[0]},${words[1]},${words[2]},${words[3]}/${length}`;
}
