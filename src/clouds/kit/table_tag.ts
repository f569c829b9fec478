/** `-route-table tag:KEY=VALUE`: tables that a tag names, however many there are. */

import { NoTableError } from "../cloud_error.ts";

/** A tag that names tables. */
export interface TableTag {
  /** As it was given: `tag:env=prod`. */
  readonly text: string;
  readonly key: string;
  readonly value: string;
}

/** What `-route-table` names. */
export interface NamedTables {
  /** Ids or names, each of one table. */
  readonly ids: readonly string[];
  readonly tags: readonly TableTag[];
}

const form = /^tag:([^=]+)=(.*)$/;

/**
 * Takes a value of `-route-table` as it is.
 *
 * @throws {SyntaxError} if it begins as a tag and is none.
 */
export function parseRouteTable(text: string): string {
  if (!text.startsWith("tag:") || form.test(text)) return text;
  throw new SyntaxError(`"${text}" names no tag: write tag:KEY=VALUE`);
}

/** Splits what `-route-table` names into single tables and tags, each once. */
export function namedTables(given: readonly string[]): NamedTables {
  const all = [...new Set(given)];
  const tags = all.flatMap((text): TableTag[] => {
    const [, key, value] = form.exec(text) ?? [];
    return key === undefined || value === undefined ? [] : [{ text, key, value }];
  });
  return { ids: all.filter((text) => !form.test(text)), tags };
}

/**
 * That no table has any of the tags.
 *
 * @param what what is looked for and where: `route table in vpc-0a1b`.
 */
export function noTaggedTable(tags: readonly TableTag[], what: string): NoTableError {
  const texts = tags.map(({ key, value }) => `${key}=${value}`).join(" or ");
  return new NoTableError(`Cannot find a ${what} with the tag ${texts}: none has it; give one that tag`);
}

/**
 * What people read of one thing among several: its name, or its id where others have the same name or it has none.
 *
 * @param all the things, this one among them.
 */
export function uniqueName(
  { id, name }: { readonly id: string; readonly name: string },
  all: readonly { readonly name: string }[],
): string {
  const isUnique = name !== "" && all.filter((other) => other.name === name).length === 1;
  return isUnique ? name : id;
}
