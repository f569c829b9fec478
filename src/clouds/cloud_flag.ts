/** Flags that only some clouds have: each cloud declares its own in its folder, and the registry collects them. */

/** What was given for flags: the command line's values, checked one by one. */
export interface FlagReader {
  /** The value given last, else the default. */
  value<T>(flag: string, parse: (text: string) => T): T;
  /** The value given last; null: none. */
  optional<T>(flag: string, parse: (text: string) => T): T | null;
  /** All values, in their order. */
  list<T>(flag: string, parse: (text: string) => T): readonly T[];
}

/** A flag of a cloud. */
export interface CloudFlag<T = unknown> {
  readonly name: string;
  readonly kind: "value" | "list";
  /** What the value is, for the help text: `NUMBER`. */
  readonly value: string;
  /** As the user would write it; "" for none. */
  readonly default: string;
  /** Without the clouds' names, which the help text puts before it. */
  readonly meaning: string;
  /** Takes what was given. Collects what is wrong with it in the reader. */
  readonly read: (reader: FlagReader) => T;
}

/** The flags of a cloud by the names of its options. */
export type CloudFlags = Readonly<Record<string, CloudFlag>>;

/** The options that flags become. */
export type FlagValues<Flags extends CloudFlags> = {
  readonly [Name in keyof Flags]: Flags[Name] extends CloudFlag<infer Value> ? Value : never;
};

/** What help and parser need to know of a flag. */
type FlagTexts = Pick<CloudFlag, "name" | "value" | "meaning">;

/** Takes a text as it is. */
export function asText(text: string): string {
  return text;
}

/**
 * A flag that has a default.
 *
 * @param parse throws a sentence about a text that is no such value.
 */
export function flagWithDefault<T>(
  texts: FlagTexts & { readonly default: string },
  parse: (text: string) => T,
): CloudFlag<T> {
  return { ...texts, kind: "value", read: (reader) => reader.value(texts.name, parse) };
}

/** A flag without a default; null where it is not given. */
export function optionalFlag<T>(texts: FlagTexts, parse: (text: string) => T): CloudFlag<T | null> {
  return { ...texts, kind: "value", default: "", read: (reader) => reader.optional(texts.name, parse) };
}

/** A flag that may be given several times. */
export function listFlag<T>(texts: FlagTexts, parse: (text: string) => T): CloudFlag<readonly T[]> {
  return { ...texts, kind: "list", default: "", read: (reader) => reader.list(texts.name, parse) };
}
