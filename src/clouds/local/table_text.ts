/**
 * The text of the embedded cloud's file, one line a route. A new version of the table takes over the bytes of each route that stayed as
 * it was: among 100,000 routes a change of one would otherwise cost the making of 7 MB of text.
 */

import type { LocalDocument, LocalRoute } from "./local_file.ts";

const separator = ",\n";
const newLine = separator.charCodeAt(1);
const end = "\n  ]\n}\n";

/** The text of one version of the table. */
export class TableText {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #routes: readonly LocalRoute[];
  /** Where the line of each route begins, and at last where one more would. */
  readonly #starts: Uint32Array;

  private constructor(bytes: Uint8Array<ArrayBuffer>, routes: readonly LocalRoute[], starts: Uint32Array) {
    this.bytes = bytes;
    this.#routes = routes;
    this.#starts = starts;
  }

  /**
   * Writes a table.
   *
   * @param before an earlier version, of which the lines are taken for the routes that are the same objects.
   */
  static of({ routes, ...head }: LocalDocument, before: TableText | null = null): TableText {
    const start = `${JSON.stringify(head, null, 2).replace(/\n}$/, "")},\n  "routes": [`;
    const encoder = new TextEncoder();
    if (routes.length === 0) {
      return new TableText(encoder.encode(`${start}]\n}\n`), routes, new Uint32Array(1));
    }
    const pieces = before === null ? [encodedLines(routes)] : piecesOf(routes, before);
    const parts = [encoder.encode(`${start}\n`)];
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) parts.push(encoder.encode(separator));
      parts.push(piece.bytes);
    }
    parts.push(encoder.encode(end));
    return new TableText(joined(parts), routes, startsOf(pieces, routes.length, parts[0]?.length ?? 0));
  }

  /** The route at an index of this version; undefined behind the last. */
  route(index: number): LocalRoute | undefined {
    return this.#routes[index];
  }

  /** The lines of some routes. @param to the index behind the last. */
  lines(from: number, to: number): Piece {
    const starts = this.#starts.subarray(from, to + 1);
    const first = starts[0] ?? 0;
    return { bytes: this.bytes.subarray(first, (starts[to - from] ?? 0) - separator.length), starts, first };
  }
}

/** Lines that follow one another, without the separator behind the last. */
interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each line begins, and at last where one more would. */
  readonly starts: Uint32Array;
  /** What `starts` says of the first byte. */
  readonly first: number;
}

/**
 * The lines of a table, of which those that an earlier version has in the same order are views of its bytes. What is changed keeps its
 * place, what is new stands at the end: so the two are gone through side by side.
 */
function piecesOf(routes: readonly LocalRoute[], before: TableText): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (let index = 0; index < routes.length;) {
    const taken = at;
    while (index < routes.length && before.route(at) === routes[index]) {
      at++;
      index++;
    }
    if (at > taken) pieces.push(before.lines(taken, at));
    const written = index;
    for (let route = routes[index]; route !== undefined; route = routes[++index]) {
      at = placeOf(route, before, at);
      if (before.route(at) === route) break;
      // The line that it had before goes.
      at++;
    }
    if (index > written) pieces.push(encodedLines(routes.slice(written, index)));
  }
  return pieces;
}

/** The line of an earlier version, from one on, that has a route's prefix; behind the last if none has. */
function placeOf({ prefix }: LocalRoute, before: TableText, at: number): number {
  let place = at;
  for (let known = before.route(place); known !== undefined; known = before.route(place)) {
    if (known.prefix === prefix) break;
    place++;
  }
  return place;
}

function encodedLines(routes: readonly LocalRoute[]): Piece {
  const text = routes.map((route) => `    ${JSON.stringify(route)}`).join(separator);
  const bytes = new TextEncoder().encode(text);
  const starts = new Uint32Array(routes.length + 1);
  // JSON has no line break within a line.
  for (let line = 1; line < routes.length; line++) {
    starts[line] = bytes.indexOf(newLine, starts[line - 1]) + 1;
  }
  starts[routes.length] = bytes.length + separator.length;
  return { bytes, starts, first: 0 };
}

/** Where each line begins once the pieces stand behind one another. @param at where the first does. */
function startsOf(pieces: readonly Piece[], count: number, at: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  let line = 0, offset = at;
  for (const piece of pieces) {
    for (const start of piece.starts.subarray(0, -1)) starts[line++] = start - piece.first + offset;
    offset += piece.bytes.length + separator.length;
  }
  starts[count] = offset;
  return starts;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
