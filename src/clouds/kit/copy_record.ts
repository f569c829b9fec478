/**
 * Which entries of our table are copies of a former table's, as text for the table's tags: routes have no tags of their own on AWS
 * and Azure. An entry that is changed by hand is no known copy any more.
 */

import { createHash } from "node:crypto";

/** A tag's value takes 256 characters on AWS and on Azure. */
const valueLength = 256;
/** 36 bits of an entry's SHA-256: among 1,000 copies one entry in 68 million is taken for a copy by accident. */
const markLength = 6;
const marksPerValue = Math.floor(valueLength / markLength);
/** A resource takes 50 tags on AWS and on Azure; others than ours need some. */
const mostValues = 24;

/** Marks of entries; see the head of this file. */
export class CopyRecord {
  readonly #marks: ReadonlySet<string>;

  private constructor(marks: Iterable<string>) {
    this.#marks = new Set(marks);
  }

  /** Reads the values of tags; what is no mark is passed over. */
  static parse(values: readonly string[]): CopyRecord {
    return new CopyRecord(values.flatMap((value) => value.match(/[A-Za-z0-9_-]{6}/g) ?? []));
  }

  /** The record of these entries. */
  static of(entries: readonly (readonly [key: string, value: string])[]): CopyRecord {
    return new CopyRecord(entries.map(([key, value]) => markOf(key, value)));
  }

  has(key: string, value: string): boolean {
    return this.#marks.has(markOf(key, value));
  }

  /** The values for tags, in order. What does not fit (over 1,008 entries) is left out, so that it is never removed. */
  values(): readonly string[] {
    const marks = [...this.#marks].sort().slice(0, marksPerValue * mostValues);
    return Array.from(
      { length: Math.ceil(marks.length / marksPerValue) },
      (_, index) => marks.slice(index * marksPerValue, (index + 1) * marksPerValue).join(""),
    );
  }
}

function markOf(key: string, value: string): string {
  return createHash("sha256").update(`${key}\t${value}`).digest("base64url").slice(0, markLength);
}
