/** Looks up the values of flags, and collects what is wrong with them. */

import { parseDuration } from "../async/duration.ts";
import type { FlagReader } from "../clouds/cloud_flag.ts";
import type { GivenValue } from "./command_line.ts";
import { type Flag, flags } from "./flags.ts";

/** See the head of this file. */
export class ValueReader implements FlagReader {
  readonly #values: readonly GivenValue[];
  readonly errors: string[] = [];

  constructor(values: readonly GivenValue[]) {
    this.#values = values;
  }

  /** Whether a flag was given at all. */
  given(flag: string): boolean {
    return this.#values.some((value) => value.flag === flag);
  }

  boolean(flag: string): boolean {
    return this.value(flag, (text) => {
      if (["true", "1", "t"].includes(text.toLowerCase())) return true;
      if (["false", "0", "f"].includes(text.toLowerCase())) return false;
      throw new SyntaxError(`"${text}" is neither true nor false`);
    });
  }

  /** In milliseconds. */
  duration(flag: string, leastMs: number): number {
    return this.value(flag, (text) => {
      const ms = parseDuration(text);
      if (ms < leastMs) throw new RangeError(`"${text}" is shorter than ${leastMs} ms`);
      return ms;
    });
  }

  /** The last value that was given, else the default. */
  value<T>(flag: string, parse: (text: string) => T): T {
    const given = this.#values.findLast((value) => value.flag === flag);
    const fallback = defaultOf(flag);
    return given === undefined ? parse(fallback) : this.#parse(given, given.value, parse) ?? parse(fallback);
  }

  /** The last value that was given; null: none was. */
  optional<T>(flag: string, parse: (text: string) => T): T | null {
    const given = this.#values.findLast((value) => value.flag === flag);
    return given === undefined ? null : this.#parse(given, given.value, parse);
  }

  /** All values; a comma separates several in one. */
  list<T>(flag: string, parse: (text: string) => T): readonly T[] {
    if (this.given(flag)) return this.ordered([flag], parse);
    return itemsOf(defaultOf(flag)).map(parse);
  }

  /** All values of several flags in the order in which they were given. */
  ordered<T>(flagNames: readonly string[], parse: (text: string, flag: string) => T): readonly T[] {
    return this.#values.filter((given) => flagNames.includes(given.flag)).flatMap((given) =>
      itemsOf(given.value).flatMap((item) =>
        this.#parse(given, item, (text) => parse(text, given.flag)) ?? []
      )
    );
  }

  #parse<T>(given: GivenValue, text: string, parse: (text: string) => T): T | null {
    try {
      return parse(text);
    } catch (error) {
      this.errors.push(`${given.source}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }
}

function itemsOf(text: string): readonly string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

function defaultOf(name: string): string {
  return flags.find((flag: Flag) => flag.name === name)?.default ?? "";
}
