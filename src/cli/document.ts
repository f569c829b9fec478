/** The documents that `-output json` prints. */

/** Grows when a document changes so that its readers must. */
const documentFormat = 2;

/** A document as a line of JSON; `format` comes first. */
export function documentText(document: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ format: documentFormat, ...document })}\n`;
}

/** What a document begins with that is written piece by piece. */
export function documentHead(): string {
  return `{"format":${documentFormat}`;
}
