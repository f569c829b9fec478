/**
 * Rows of one table and family, each a prefix and the number of a body, in paged typed-array columns: 9 bytes a row for
 * IPv4, 21 for IPv6, and no copying while they grow.
 *
 * The order is the one in which the kernel dumps a table, so that a dump is sorted as it comes: IPv4 by address, then
 * the more specific first (fib_trie.c); IPv6 what lies inside a prefix before it, else by address (ip6_fib.c). The
 * rows of one prefix stay in the order in which they came.
 */

import type { Family, Words } from "../../routes/prefix.ts";
import { addressWords, type RouteRun } from "../../routes/route_rows.ts";

const pageBits = 14;
const pageRows = 1 << pageBits;
const pageMask = pageRows - 1;

const noBodies = new Int32Array();

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
  /** The page that rows are added to. */
  #page: Page = { addresses: new Uint32Array(), lengths: new Uint8Array(), bodies: new Int32Array() };
  #count = 0;
  #sorted = true;
  /** The prefix added last, of IPv4; its address as {@linkcode appendAddress} ranks it. */
  #lastRank = -0x80000000;
  #lastLength = 32;

  constructor(family: Family) {
    this.family = family;
    this.#wordsPerAddress = addressWords(family);
  }

  /** Number of rows. */
  get count(): number {
    return this.#count;
  }

  /** Adds a row at the end. */
  append(words: Words, length: number, body: number): void {
    if (this.#wordsPerAddress === 1) return this.appendAddress(words[0] | 0, length, body);
    const page = this.#pageOfNew();
    const row = this.#count++;
    page.lengths[row & pageMask] = length;
    page.bodies[row & pageMask] = body;
    page.addresses.set(words, (row & pageMask) * 4);
    if (this.#sorted && row > 0 && this.compare(row - 1, words, length) > 0) this.#sorted = false;
  }

  /** Adds an IPv4 row at the end. @param address as a signed number. */
  appendAddress(address: number, length: number, body: number): void {
    const { addresses, lengths, bodies } = this.#pageOfNew();
    const at = this.#count++ & pageMask;
    addresses[at] = address;
    lengths[at] = length;
    bodies[at] = body;
    // With the first bit turned over, signed numbers are in the order of the unsigned, and need no floating point.
    const rank = address ^ 0x80000000;
    if (rank < this.#lastRank || (rank === this.#lastRank && length > this.#lastLength)) this.#sorted = false;
    this.#lastRank = rank;
    this.#lastLength = length;
  }

  /** The page that the next row goes to. */
  #pageOfNew(): Page {
    if ((this.#count & pageMask) === 0) this.#page = this.#addPage();
    return this.#page;
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
    if (this.#wordsPerAddress === 1) {
      return index === 0 ? this.#pageOf(row)?.addresses[row & pageMask] ?? 0 : 0;
    }
    return this.#pageOf(row)?.addresses[(row & pageMask) * 4 + index] ?? 0;
  }

  /** Network bits of a row's prefix. */
  length(row: number): number {
    return this.#pageOf(row)?.lengths[row & pageMask] ?? 0;
  }

  /** The row's body. */
  body(row: number): number {
    return this.#pageOf(row)?.bodies[row & pageMask] ?? 0;
  }

  /** The words of a row's address. */
  words(row: number): Words {
    return [this.address(row, 0), this.address(row, 1), this.address(row, 2), this.address(row, 3)];
  }

  /** A row and those behind it on its page; the numbers of the run's rows are those of the page. */
  pageRun(row: number): RouteRun {
    const { addresses, lengths, bodies } = this.#pageOf(row) ?? this.#page;
    const start = row & pageMask;
    return {
      family: this.family,
      addresses,
      lengths,
      bodies,
      start,
      end: Math.min(pageRows, start + this.#count - row),
    };
  }

  /** The rows of some bodies. @param marks by number of body: 1 for those. */
  rowsWith(marks: Uint8Array): readonly number[] {
    const rows: number[] = [];
    this.#pages.forEach(({ bodies }, page) => {
      const first = page * pageRows, end = Math.min(pageRows, this.#count - first);
      for (let at = 0; at < end; at++) if (marks[bodies[at] ?? 0] === 1) rows.push(first + at);
    });
    return rows;
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

  /** Sets the byte of each body that a row has. @param marks by number of body. */
  markBodies(marks: Uint8Array): void {
    for (let row = 0; row < this.#count; row += pageRows) {
      const bodies = this.#pageOf(row)?.bodies ?? noBodies;
      const rows = Math.min(this.#count - row, pageRows);
      for (let at = 0; at < rows; at++) marks[bodies[at] ?? 0] = 1;
    }
  }

  /** The first row that has the prefix of `row`. */
  startOf(row: number): number {
    let start = row;
    while (start > 0 && this.samePrefix(start - 1, row)) start--;
    return start;
  }

  /**
   * How many rows from `row` on equal those of other columns from `otherRow` on.
   *
   * @param bodyInOther what each body of this is called in the other.
   */
  equalRows(row: number, other: RouteColumns, otherRow: number, bodyInOther: Int32Array): number {
    const most = Math.min(this.#count - row, other.#count - otherRow);
    let equal = 0;
    while (equal < most) {
      const left = this.#pageOf(row + equal), right = other.#pageOf(otherRow + equal);
      if (left === undefined || right === undefined) break;
      const leftAt = (row + equal) & pageMask, rightAt = (otherRow + equal) & pageMask;
      const rows = Math.min(most - equal, pageRows - leftAt, pageRows - rightAt);
      const found = equalInPages(left, leftAt, right, rightAt, rows, this.#wordsPerAddress, bodyInOther);
      equal += found;
      if (found < rows) break;
    }
    return equal;
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

  #pageOf(row: number): Page | undefined {
    return this.#pages[row >> pageBits];
  }
}

/** How many of `rows` rows are equal from the start on. */
function equalInPages(
  left: Page,
  leftAt: number,
  right: Page,
  rightAt: number,
  rows: number,
  addressWords: 1 | 4,
  bodyInOther: Int32Array,
): number {
  const shift = rightAt - leftAt;
  const { addresses, lengths, bodies } = left;
  const { addresses: otherAddresses, lengths: otherLengths, bodies: otherBodies } = right;
  for (let row = leftAt; row < leftAt + rows; row++) {
    const other = row + shift;
    if (lengths[row] !== otherLengths[other]) return row - leftAt;
    if (bodyInOther[bodies[row] ?? 0] !== otherBodies[other]) return row - leftAt;
    for (let word = 0; word < addressWords; word++) {
      if (addresses[row * addressWords + word] !== otherAddresses[other * addressWords + word]) {
        return row - leftAt;
      }
    }
  }
  return rows;
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

/** A prefix's place in the kernel's order relative to another's: negative for before. What `compare` does, for plain words. */
export function comparePlaces(
  family: Family,
  words: Words,
  length: number,
  otherWords: Words,
  otherLength: number,
): number {
  const common = family === 4 ? 32 : Math.min(length, otherLength);
  for (let index = 0; index * 32 < common; index++) {
    const left = words[index] ?? 0, right = otherWords[index] ?? 0;
    const ignored = Math.max(0, (index + 1) * 32 - common);
    if ((left ^ right) >>> ignored !== 0) return left - right;
  }
  return otherLength - length;
}
