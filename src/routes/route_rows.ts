/**
 * The kernel's routes in columns: a million routes as a million objects would take a hundred times the memory, and the time to make
 * them. All that routes have besides their prefix is a body, and a body is a number: a full Internet table shares a few hundred.
 */

import type { KernelRoute } from "../kernel/kernel_table.ts";
import { type Family, matchesBits, type Prefix, prefixOf, type Words } from "./prefix.ts";

/** Some rows of the columns, each one route. The rows of a prefix stand together in the kernel's order, and are all in one run. */
export interface RouteRun {
  readonly family: Family;
  /** Network addresses, unsigned, the most significant word first: one word a row of IPv4, four of IPv6. */
  readonly addresses: Uint32Array;
  /** Network bits. */
  readonly lengths: Uint8Array;
  /** Numbers of bodies. */
  readonly bodies: Int32Array;
  /** The first row. */
  readonly start: number;
  /** The row after the last one. */
  readonly end: number;
}

/** All routes at one moment. Read them in one go: they change between two turns of the event loop. */
export interface RouteRows {
  /** Bodies are numbered from 0; beyond this are only few, such as have come since, or are none of the kernel's. */
  readonly bodyCount: number;

  /**
   * Every route once: those of one table after the other's, in the kernel's order. A prefix that several tables have comes with all its
   * routes, as `KernelTable.routesOf` orders them, where the first of these tables has it.
   *
   * @param without prefixes that are left out.
   */
  runs(without?: readonly Prefix[]): Iterable<RouteRun>;

  /** The route that a prefix and a body make. */
  routeOf(prefix: Prefix, body: number): KernelRoute;

  /** The bodies of the routes of exactly this prefix. */
  bodiesOf(prefix: Prefix): readonly number[];
}

/** The routes of each prefix as objects, one array a prefix. */
export function* routesByPrefix(rows: RouteRows): Generator<readonly KernelRoute[]> {
  for (const run of rows.runs()) {
    for (let row = run.start, count = 0; row < run.end; row += count) {
      count = rowsOfPrefix(run, row);
      const prefix = prefixAt(run, row);
      yield Array.from(run.bodies.subarray(row, row + count), (body) => rows.routeOf(prefix, body));
    }
  }
}

/** The parts of runs that lie inside one of some ranges. */
export function* runsInside(runs: Iterable<RouteRun>, ranges: readonly Prefix[]): Generator<RouteRun> {
  for (const run of runs) {
    for (let row = run.start, from = row; row <= run.end; row++) {
      if (row < run.end && isInside(run, row, ranges)) continue;
      if (from < row) yield { ...run, start: from, end: row };
      from = row + 1;
    }
  }
}

function isInside(run: RouteRun, row: number, ranges: readonly Prefix[]): boolean {
  const words = wordsAt(run, row), length = run.lengths[row] ?? 0;
  return ranges.some((range) =>
    range.family === run.family && range.length <= length && matchesBits(range.words, words, range.length)
  );
}

/** The address of a row. */
export function wordsAt({ family, addresses }: RouteRun, row: number): Words {
  if (family === 4) return [addresses[row] ?? 0, 0, 0, 0];
  const word = (index: number): number => addresses[row * 4 + index] ?? 0;
  return [word(0), word(1), word(2), word(3)];
}

/** The prefix of a row. */
export function prefixAt(run: RouteRun, row: number): Prefix {
  return prefixOf(run.family, wordsAt(run, row), run.lengths[row] ?? 0);
}

/** Words of an address in {@linkcode RouteRun.addresses}. */
export function addressWords(family: Family): 1 | 4 {
  return family === 4 ? 1 : 4;
}

/** A run of the routes of one prefix. */
export function runOf({ family, words, length }: Prefix, bodies: readonly number[]): RouteRun {
  const address = words.slice(0, addressWords(family));
  return {
    family,
    addresses: Uint32Array.from(bodies.flatMap(() => address)),
    lengths: new Uint8Array(bodies.length).fill(length),
    bodies: Int32Array.from(bodies),
    start: 0,
    end: bodies.length,
  };
}

/** The number of rows from `row` on that have its prefix. */
export function rowsOfPrefix(run: RouteRun, row: number): number {
  let next = row + 1;
  while (next < run.end && samePrefix(run, row, next)) next++;
  return next - row;
}

/** Whether two rows have the same prefix. */
export function samePrefix({ family, addresses, lengths }: RouteRun, left: number, right: number): boolean {
  if (lengths[left] !== lengths[right]) return false;
  // The difference fits into a small integer where the addresses do not.
  if (family === 4) return ((addresses[left] ?? 0) ^ (addresses[right] ?? 0)) === 0;
  for (let word = 0; word < 4; word++) {
    if (addresses[left * 4 + word] !== addresses[right * 4 + word]) return false;
  }
  return true;
}
