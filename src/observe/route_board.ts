/** The current rows, and what changed in them since they were looked at before. */

import { dropReasonMeanings } from "../routes/drop_reason.ts";
import type { RowsEvent } from "./page/documents.ts";
import type { RouteRow, RouteRows } from "./route_row.ts";

/** More rows than these are not sent one by one: who follows them asks for all. */
const mostChangedRows = 1_000;

/** See the head of this file. */
export class RouteBoard {
  #rows: ReadonlyMap<string, RouteRow> = new Map();
  #leftOut = 0;
  #revision = 0;
  #document: string | null = null;

  /** Counts the changes; 0 before the first rows. */
  get revision(): number {
    return this.#revision;
  }

  /** All rows as the document of `/routes`. */
  get document(): string {
    this.#document ??= `${
      JSON.stringify({
        format: 2,
        revision: this.#revision,
        leftOut: this.#leftOut,
        reasons: dropReasonMeanings,
        rows: [...this.#rows.values()],
      })
    }\n`;
    return this.#document;
  }

  /** Takes the current rows. @returns what changed; null: nothing. */
  update({ rows, leftOut }: RouteRows): RowsEvent | null {
    const before = this.#rows;
    const changed = rows.filter((row) => before.get(row.prefix) !== row);
    const now = new Map(rows.map((row) => [row.prefix, row]));
    const gone = [...before.keys()].filter((prefix) => !now.has(prefix));
    const first = this.#revision === 0;
    if (!first && changed.length + gone.length === 0 && leftOut === this.#leftOut) return null;
    this.#rows = now;
    this.#leftOut = leftOut;
    this.#document = null;
    const from = this.#revision++;
    const tooMany = first || changed.length + gone.length > mostChangedRows;
    return { from, revision: this.#revision, rows: tooMany ? null : changed, gone: tooMany ? [] : gone };
  }

  /** Forgets the rows, which take megabytes, when nobody looks any more; the revision counts on. */
  forget(): void {
    this.#rows = new Map();
    this.#document = null;
  }
}
