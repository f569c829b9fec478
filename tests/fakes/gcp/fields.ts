/**
 * Google's partial responses (`fields=nextPageToken,items(name,tags)`,
 * https://cloud.google.com/compute/docs/api/how-tos/performance#partial-response): the fake sends no more than was
 * asked for, so that a field which the program reads but forgot to ask for is missing in its tests too.
 */

type Mask = Map<string, Mask>;

/** What is left of a value under a mask. */
export function maskFields(value: unknown, fields: string): unknown {
  const reader = { text: fields, at: 0 };
  return applyMask(value, readList(reader));
}

interface Reader {
  readonly text: string;
  at: number;
}

/** Reads `a,b/c,d(e,f)` up to the end or the closing parenthesis. */
function readList(reader: Reader): Mask {
  const mask: Mask = new Map();
  while (reader.at < reader.text.length) {
    readPath(reader, mask);
    const mark = reader.text[reader.at++];
    if (mark === ")" || mark === undefined) break;
    if (mark !== ",") throw new SyntaxError(`Cannot read fields "${reader.text}": "${mark}" at ${reader.at}`);
  }
  return mask;
}

function readPath(reader: Reader, mask: Mask): void {
  const name = /^[\w*-]+/.exec(reader.text.slice(reader.at))?.[0];
  if (name === undefined) {
    throw new SyntaxError(`Cannot read fields "${reader.text}": no name at ${reader.at}`);
  }
  reader.at += name.length;
  const inner = mask.get(name) ?? new Map<string, Mask>();
  mask.set(name, inner);
  const mark = reader.text[reader.at];
  if (mark !== "/" && mark !== "(") return;
  reader.at++;
  if (mark === "/") return readPath(reader, inner);
  for (const [key, value] of readList(reader)) inner.set(key, value);
}

function applyMask(value: unknown, mask: Mask): unknown {
  if (mask.size === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => applyMask(item, mask));
  const kept = Object.entries(value).flatMap(([name, inner]) => {
    const below = mask.get(name) ?? mask.get("*");
    return below === undefined ? [] : [[name, applyMask(inner, below)] as const];
  });
  return Object.fromEntries(kept);
}
