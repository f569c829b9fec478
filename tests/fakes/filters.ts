/** Filters written as on the command line. */

import { parsePrefix } from "../../src/routes/prefix.ts";
import { type FilterRule, parsePrefixRange, passesFilter } from "../../src/routes/prefix_filter.ts";

/** Makes rules of `include RANGE` and `exclude RANGE`, in order. */
export function filterOf(...texts: readonly string[]): readonly FilterRule[] {
  return texts.map((text) => {
    const space = text.indexOf(" ");
    const action = text.slice(0, space);
    if (action !== "include" && action !== "exclude") throw new SyntaxError(`"${text}" is no rule`);
    return { action, range: parsePrefixRange(text.slice(space + 1)) };
  });
}

/** Whether a prefix passes the rules. */
export function passes(rules: readonly FilterRule[], text: string): boolean {
  const { family, words, length } = parsePrefix(text);
  return passesFilter(rules, family, words, length);
}
