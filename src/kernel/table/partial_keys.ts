/** IPv6 prefixes of which a dump may not show all that the kernel has, see `RouteEvent.partial`. */

import type { Words } from "../../routes/prefix.ts";
import { prefixKey } from "./route_segment.ts";

/** Beyond so many all count: they are rare, and the memory must have a bound. */
const mostKeys = 65_536;

/** Prefixes of one table with the metric that the routes in question share. */
export class PartialKeys {
  readonly #keys = new Set<string>();
  #all = false;

  has(table: number, words: Words, length: number, metric: number): boolean {
    return this.#all || (this.#keys.size > 0 && this.#keys.has(keyOf(table, words, length, metric)));
  }

  set(table: number, words: Words, length: number, metric: number, partial: boolean): void {
    if (this.#all) return;
    const key = keyOf(table, words, length, metric);
    if (!partial) this.#keys.delete(key);
    else if (this.#keys.size < mostKeys) this.#keys.add(key);
    else this.#all = true;
  }
}

function keyOf(table: number, words: Words, length: number, metric: number): string {
  return `${table} ${metric} ${prefixKey(6, words, length)}`;
}
