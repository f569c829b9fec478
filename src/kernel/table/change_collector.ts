/** Gathers what a batch of news changes, and what it leaves in doubt. */

import { comparePrefixes, type Family, type Prefix, prefixOf, type Words } from "../../routes/prefix.ts";
import type { KernelChange } from "../kernel_table.ts";
import { prefixKey } from "./route_segment.ts";

/** Over so many prefixes a change is "all": naming them would cost more than looking at the whole table. */
const namedPrefixes = 1024;

/** Why the kernel must be asked again, and how sure the answer to the first question is. */
export interface Doubt {
  readonly why: string;
  /**
   * Whether the kernel may still be at work on what it has announced (it tells of an address before it drops the
   * routes that needed it), so that one dump is not enough.
   */
  readonly unfinished: boolean;
}

/** One batch. */
export class ChangeCollector {
  readonly #prefixes = new Map<number | string, Prefix>();
  #all = false;
  #interfaces = false;
  #doubt: Doubt | null = null;

  /** The routes of a prefix may have changed. */
  prefix(family: Family, words: Words, length: number): void {
    if (this.#all) return;
    const key = prefixKey(family, words, length);
    if (this.#prefixes.has(key)) return;
    if (this.#prefixes.size === namedPrefixes) return this.all();
    this.#prefixes.set(key, prefixOf(family, words, length));
  }

  /** Any prefix may have changed. */
  all(): void {
    this.#all = true;
    this.#prefixes.clear();
  }

  /** Whether any prefix may have changed, so that naming more is of no use. */
  get isAll(): boolean {
    return this.#all;
  }

  /** Links or addresses have changed. */
  interfaces(): void {
    this.#interfaces = true;
  }

  /** The kernel must be asked again. */
  doubt(why: string, unfinished: boolean): void {
    if (this.#doubt === null || (unfinished && !this.#doubt.unfinished)) this.#doubt = { why, unfinished };
  }

  /** Takes the doubt away, to be seen to. */
  takeDoubt(): Doubt | null {
    const doubt = this.#doubt;
    this.#doubt = null;
    return doubt;
  }

  /**
   * Takes the changes away.
   *
   * @param receivedAt see {@linkcode KernelChange.receivedAt}.
   * @returns null if nothing has changed.
   */
  takeChange(receivedAt: number): KernelChange | null {
    if (!this.#all && !this.#interfaces && this.#prefixes.size === 0) return null;
    const change = { prefixes: this.#takePrefixes(), receivedAt, interfacesChanged: this.#interfaces };
    this.#prefixes.clear();
    this.#all = this.#interfaces = false;
    return change;
  }

  #takePrefixes(): readonly Prefix[] | "all" {
    if (this.#all) return "all";
    return [...this.#prefixes.values()].sort(comparePrefixes);
  }
}
