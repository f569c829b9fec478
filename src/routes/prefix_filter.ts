/** Ordered prefix filters: `-include` and `-exclude`. */

import { addressBits, type Family, matchesBits, parsePrefix, type Prefix, type Words } from "./prefix.ts";

/** Prefixes inside `prefix` whose length is within `shortest` to `longest`. */
export interface PrefixRange {
  readonly prefix: Prefix;
  readonly shortest: number;
  readonly longest: number;
  /** As the user wrote it. */
  readonly text: string;
}

/** One rule of a filter; the first that matches decides. */
export interface FilterRule {
  readonly action: "include" | "exclude";
  readonly range: PrefixRange;
}

/**
 * Parses a range as FRR's prefix-lists write it, or BIRD's prefix sets:
 *
 * - `10.0.0.0/8`: that prefix alone
 * - `10.0.0.0/8 ge 16`: 16 to 32
 * - `10.0.0.0/8 le 24`: 8 to 24
 * - `10.0.0.0/8 ge 16 le 24`: 16 to 24
 * - `10.0.0.0/8+`: 8 to 32, the prefix and all inside
 *
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parsePrefixRange(text: string): PrefixRange {
  const words = text.trim().split(/\s+/);
  const first = words[0] ?? "";
  const all = first.endsWith("+");
  const prefix = parsePrefix(all ? first.slice(0, -1) : first);
  const bits = addressBits(prefix.family);
  const bounds = parseBounds(text, words.slice(1));
  if (all && words.length > 1) {
    throw new SyntaxError(`Cannot parse prefix range "${text}": "+" and ge or le exclude one another`);
  }
  const shortest = bounds.ge ?? prefix.length;
  const longest = bounds.le ?? (all || bounds.ge !== undefined ? bits : prefix.length);
  if (shortest < prefix.length || shortest > longest || longest > bits) {
    throw new SyntaxError(
      `Cannot parse prefix range "${text}": it takes ${prefix.length} <= ge <= le <= ${bits}`,
    );
  }
  return { prefix, shortest, longest, text: text.trim() };
}

/**
 * Applies rules in order.
 *
 * @returns the first rule that matches, or null if none does.
 */
export function firstMatch(
  rules: readonly FilterRule[],
  family: Family,
  words: Words,
  length: number,
): FilterRule | null {
  for (const rule of rules) {
    const { prefix, shortest, longest } = rule.range;
    if (
      prefix.family === family && length >= shortest && length <= longest &&
      matchesBits(prefix.words, words, prefix.length)
    ) return rule;
  }
  return null;
}

/** Whether a prefix passes: the first match decides; with any include, what matches nothing does not pass. */
export function passesFilter(
  rules: readonly FilterRule[],
  family: Family,
  words: Words,
  length: number,
): boolean {
  const match = firstMatch(rules, family, words, length);
  if (match !== null) return match.action === "include";
  return !rules.some((rule) => rule.action === "include");
}

function parseBounds(text: string, words: readonly string[]): { ge?: number; le?: number } {
  const bounds: { ge?: number; le?: number } = {};
  for (let index = 0; index < words.length; index += 2) {
    const keyword = words[index];
    const value = words[index + 1] ?? "";
    if (keyword !== "ge" && keyword !== "le") {
      throw new SyntaxError(`Cannot parse prefix range "${text}": "${keyword}" is neither ge nor le`);
    }
    if (bounds[keyword] !== undefined) {
      throw new SyntaxError(`Cannot parse prefix range "${text}": ${keyword} is given twice`);
    }
    if (!/^[0-9]{1,3}$/.test(value)) {
      throw new SyntaxError(`Cannot parse prefix range "${text}": ${keyword} needs a length, not "${value}"`);
    }
    bounds[keyword] = Number(value);
  }
  return bounds;
}
