/** Names prefixes in a sentence. */

/** @returns the first `most` of the texts, and how many more there are: `10.0.0.0/8, 10.1.0.0/16 and 4 more`. */
export function prefixList(texts: readonly string[], most: number): string {
  const more = texts.length > most ? ` and ${texts.length - most} more` : "";
  return `${texts.slice(0, most).join(", ")}${more}`;
}
