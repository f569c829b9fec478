/**
 * What is to be known of IPv4 beside the dump of main, found out by another processor while that takes long: what {@linkcode trieFile}
 * says, and what local has, where they share their routes. For either the kernel goes through all of main's.
 */

import type { Family } from "../../routes/prefix.ts";
import { trieCounts, trieFile } from "./route_census.ts";

/**
 * So long into a dump, in milliseconds, it is begun. A dump of a small table is over by then. Before, V8 compiles on the other processor:
 * of two processors none would be left to read, and the kernel does not interrupt its count.
 */
const beginAfterMs = 60;

/** Where the counts come from. */
export interface EarlySources {
  /** Families that the counts are needed for. */
  readonly unproven: ReadonlySet<Family>;
  readonly readText: (path: string) => Promise<string | null>;
  /** Counts the routes of local; null: a dump does. */
  readonly countLocal: (() => Promise<number>) | null;
}

/** See the head of this file. */
export class EarlyCounts implements AsyncDisposable {
  readonly #begun = Promise.withResolvers<void>();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #isBegun = false;
  /** What {@linkcode trieFile} says, once it was begun to ask. */
  readonly trie: Promise<string | null>;
  /** How many routes local has; null: it was not counted. */
  readonly #local: Promise<number | null>;

  constructor({ unproven, readText, countLocal }: EarlySources) {
    this.trie = this.#begun.promise.then(() => readText(trieFile));
    // After the trie, with which it would share a processor.
    this.#local = this.trie.then((text) =>
      countLocal !== null && trieCounts(text ?? "").shared ? countLocal() : null
    );
    // Whoever needs it learns why it failed.
    this.#local.catch(() => {});
    if (unproven.has(4)) this.#timer = setTimeout(() => this.begin(), beginAfterMs);
  }

  /** Begins now, if that was not done. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#isBegun = true;
    this.#begun.resolve();
  }

  /** The dump is over: what was not begun is not needed any more. @returns what was. */
  end(): { readonly trie: Promise<string | null>; readonly local: Promise<number | null> } | null {
    clearTimeout(this.#timer);
    return this.#isBegun ? { trie: this.trie, local: this.#local } : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(Object.values(this.end() ?? {}));
  }
}
