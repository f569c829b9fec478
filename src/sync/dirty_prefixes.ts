/** The canonical prefixes that may not be as wanted, and those of which news came since the round began. */

import { eachOf, type Steps } from "../async/steps.ts";

/** See the head of this file. */
export class DirtyPrefixes {
  #dirty = new Set<string>();
  #all = true;
  /** Whether everything was asked for again since it began to be gathered. */
  #allAgain = false;
  readonly #arrived = new Set<string>();
  #gatheredNews = new Set<string>();

  /** News of prefixes came. */
  arrive(prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.#arrived.add(prefix);
  }

  /** Anything may be other than wanted. */
  addAll(): void {
    this.#all = true;
    this.#allAgain = true;
  }

  /**
   * Moves what arrived, or everything, into the set to compare.
   *
   * @param everything sets of canonical prefixes that are all there are together.
   */
  *gathering(everything: () => readonly Iterable<string>[]): Steps<void> {
    this.#allAgain = false;
    for (const prefixes of this.#all ? everything() : []) {
      yield* eachOf(prefixes, (prefix) => this.#dirty.add(prefix));
    }
    this.#all = this.#allAgain;
    for (const prefix of this.#arrived) {
      this.#dirty.add(prefix);
      this.#gatheredNews.add(prefix);
    }
    this.#arrived.clear();
  }

  /** What of the set came as news since this was last asked, and not since everything was to be compared. */
  takeGatheredNews(): ReadonlySet<string> {
    const news = this.#gatheredNews;
    this.#gatheredNews = new Set();
    return news;
  }

  /** The set to compare, as last gathered. */
  get gathered(): ReadonlySet<string> {
    return this.#dirty;
  }

  /** Keeps these alone. @returns those that are settled. */
  *keeping(left: Set<string>): Steps<readonly string[]> {
    const settled: string[] = [];
    yield* eachOf(this.#dirty, (prefix) => {
      if (!left.has(prefix)) settled.push(prefix);
    });
    this.#dirty = left;
    return settled;
  }

  /** Those that arrived since the round began. */
  get news(): ReadonlySet<string> {
    return this.#arrived;
  }

  /** Whether all must be compared. */
  get isAll(): boolean {
    return this.#all;
  }

  /** Whether nothing is left and nothing came. */
  get isClean(): boolean {
    return !this.#all && this.#dirty.size === 0 && this.#arrived.size === 0;
  }
}
