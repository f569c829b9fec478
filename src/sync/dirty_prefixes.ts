/** The canonical prefixes that may not be as wanted, and those of which news came since the round began. */

import { eachOf, finish, itemsAStep, type Steps } from "../async/steps.ts";

/** See the head of this file. */
export class DirtyPrefixes {
  #dirty = new Set<string>();
  #all = true;
  /** Whether everything was asked for again since it began to be gathered. */
  #allAgain = false;
  #arrived = new Set<string>();
  #gatheredNews = new Set<string>();
  /** News that is yet to be taken in, the oldest first, and of how many prefixes. */
  readonly #later: { readonly taking: Steps<void>; readonly prefixes: number }[] = [];

  /** News of a prefix came. */
  arrive(prefix: string): void {
    this.#arrived.add(prefix);
  }

  /**
   * News came. That of few prefixes is taken in at once; that of so many that it would hold the event loop when the next round begins.
   *
   * @param taking takes it in.
   * @param prefixes of how many prefixes it is.
   */
  hear(taking: Steps<void>, prefixes: number): void {
    if (prefixes <= itemsAStep) finish(taking);
    else this.#later.push({ taking, prefixes });
  }

  /** Takes in the news that was too much to be taken in when it came. */
  *takingIn(): Steps<void> {
    for (let next = this.#later[0]; next !== undefined; next = this.#later[0]) {
      yield* next.taking;
      this.#later.shift();
    }
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
   * @returns what arrived.
   */
  *gathering(everything: () => readonly Iterable<string>[]): Steps<ReadonlySet<string>> {
    this.#allAgain = false;
    for (const prefixes of this.#all ? everything() : []) {
      yield* eachOf(prefixes, (prefix) => this.#dirty.add(prefix));
    }
    this.#all = this.#allAgain;
    const arrived = this.#arrived;
    this.#arrived = new Set();
    yield* eachOf(arrived, (prefix) => this.#dirty.add(prefix));
    if (this.#gatheredNews.size === 0) this.#gatheredNews = arrived;
    else yield* eachOf(arrived, (prefix) => this.#gatheredNews.add(prefix));
    return arrived;
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

  /** Those that arrived since the round began, as far as they are taken in. */
  get news(): ReadonlySet<string> {
    return this.#arrived;
  }

  /** How many arrived, with those that are yet to be taken in. */
  get newsCount(): number {
    return this.#later.reduce((sum, { prefixes }) => sum + prefixes, this.#arrived.size);
  }

  /** Whether all must be compared. */
  get isAll(): boolean {
    return this.#all;
  }

  /** Whether nothing is left and nothing came. */
  get isClean(): boolean {
    return !this.#all && this.#dirty.size === 0 && this.newsCount === 0;
  }
}
