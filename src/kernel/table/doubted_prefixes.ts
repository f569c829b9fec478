/**
 * Prefixes of which the live table may lack a route that the kernel has: an event has left a doubt about them since they were last read
 * for sure. Of all others the live table knows what the kernel has, but for what the kernel takes away without a word.
 */

import type { Family, Words } from "../../routes/prefix.ts";
import { prefixKey } from "./route_segment.ts";

/** Beyond so many all count: they are rare, and the memory must have a bound. */
const mostKeys = 65_536;

/** The prefixes, by their table too. */
export class DoubtedPrefixes {
  readonly #keys = new Set<string>();
  /** At first nothing was read. */
  #all = true;

  has(family: Family, table: number, words: Words, length: number): boolean {
    return this.#all || (this.#keys.size > 0 && this.#keys.has(keyOf(family, table, words, length)));
  }

  add(family: Family, table: number, words: Words, length: number): void {
    if (this.#all) return;
    if (this.#keys.size < mostKeys) this.#keys.add(keyOf(family, table, words, length));
    else this.#all = true;
  }

  /** Events are missing, of which any prefix may have been the subject. */
  addAll(): void {
    this.#all = true;
  }

  /** All of them were read for sure. */
  clear(): void {
    this.#keys.clear();
    this.#all = false;
  }
}

function keyOf(family: Family, table: number, words: Words, length: number): string {
  return `${family} ${table} ${prefixKey(family, words, length)}`;
}
