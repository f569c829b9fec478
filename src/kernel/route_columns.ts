/**
 * Rows of one table and family, each a prefix and the number of a body, in paged typed-array columns: 9 bytes a row for
 * IPv4, 21 for IPv6, and no copying while they grow.
 *
 * The order is the one in which the kernel dumps a table, so that a dump is sorted as it comes: IPv4 by address, then
 * the more specific first (fib_trie.c); IPv6 what lies inside a prefix before it, else by address (ip6_fib.c). The
 * rows of one prefix stay in the order in which they came.
 */

import type { Family, Words } from "../routes/prefix.ts";

const pageBits = 14;
const pageRows = 1 << pageBits;
const pageMask = pageRows - 1;

interface Page {
  readonly addresses: Uint32Array;
  readonly lengths: Uint8Array;
  readonly bodies: Int32Array;
}

/** Rows that are only ever added to. */
export class RouteColumns {
  readonly family: Family;
  readonly #wordsPerAddress: 1 | 4;
  readonly #pages: Page[] = [];
  #count = 0;
  #sorted = true;

  constructor(family: Family) {
    this.family = family;
    this.#wordsPerAddress = family === 4 ? 1 : 4;
  }

  /** Number of rows. */
  get count(): number {
    return this.#count;
  }

  /** Adds a row at the end. */
  append(words: Words, length: number, body: number): void {
    const row = this.#count;
    if (this.#sorted && row > 0 && this.compare(row - 1, words, length) > 0) this.#sorted = false;
    const page = this.#pages[row >> pageBits] ?? this.#addPage();
    const at = row & pageMask;
    page.lengths[at] = length;
    page.bodies[at] = body;
    if (this.#wordsPerAddress === 1) page.addresses[at] = words[0];
    else page.addresses.set(words, at * 4);
    this.#count = row + 1;
  }

  #addPage(): Page {
    const page = {
      addresses: new Uint32Array(pageRows * this.#wordsPerAddress),
      lengths: new Uint8Array(pageRows),
      bodies: new Int32Array(pageRows),
    };
    this.#pages.push(page);
    return page;
  }

  /** Word `index` of a row's address, unsigned. */
  address(row: number, index: number): number {
    if (this.#wordsPerAddress === 1) return index === 0 ? this.#page(row)?.addresses[row & pageMask] ?? 0 : 0;
    return this.#page(row)?.addresses[(row & pageMask) * 4 + index] ?? 0;
  }

  /** Network bits of a row's prefix. */
  length(row: number): number {
    return this.#page(row)?.lengths[row & pageMask] ?? 0;
  }

  /** The row's body. */
  body(row: number): number {
    return this.#page(row)?.bodies[row & pageMask] ?? 0;
  }

  /** The words of a row's address. */
  words(row: number): Words {
    return [this.address(row, 0), this.address(row, 1), this.address(row, 2), this.address(row, 3)];
  }

  /** Whether two rows have the same prefix. */
  samePrefix(left: number, right: number): boolean {
    if (this.length(left) !== this.length(right)) return false;
    for (let index = 0; index < this.#wordsPerAddress; index++) {
      if (this.address(left, index) !== this.address(right, index)) return false;
    }
    return true;
  }

  /** The first row after `row` that has another prefix. */
  endOf(row: number): number {
    let end = row + 1;
    while (end < this.#count && this.samePrefix(row, end)) end++;
    return end;
  }

  /** The first row of a prefix, or -1. The rows must be in order. */
  find(words: Words, length: number): number {
    let low = 0, high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, words, length) < 0) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.compare(low, words, length) === 0 ? low : -1;
  }

  /** Where a row stands relative to a prefix in the kernel's order: negative for before. */
  compare(row: number, words: Words, length: number): number {
    if (this.#wordsPerAddress === 1) {
      return this.address(row, 0) - words[0] || length - this.length(row);
    }
    return compareNested(this, row, words, length);
  }

  /**
   * The same rows in order; these ones if they are so already, which a dump of one table is.
   */
  sorted(): RouteColumns {
    if (this.#sorted) return this;
    const rows = Uint32Array.from({ length: this.#count }, (_, row) => row);
    // The sort is stable, so the rows of one prefix keep their order.
    rows.sort((left, right) => this.compare(left, this.words(right), this.length(right)) || left - right);
    const result = new RouteColumns(this.family);
    for (const row of rows) result.append(this.words(row), this.length(row), this.body(row));
    return result;
  }

  #page(row: number): Page | undefined {
    return this.#pages[row >> pageBits];
  }
}

/** IPv6's order: of two prefixes one inside the other the inner first, others by address. */
function compareNested(columns: RouteColumns, row: number, words: Words, length: number): number {
  const rowLength = columns.length(row);
  let rest = Math.min(rowLength, length);
  for (let index = 0; index < 4 && rest > 0; index++, rest -= 32) {
    const left = columns.address(row, index), right = words[index] ?? 0;
    const ignored = rest >= 32 ? 0 : 32 - rest;
    if ((left ^ right) >>> ignored !== 0) return left - right;
  }
  return length - rowLength;
}
