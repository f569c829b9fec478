/**
 * What the page follows: the status each second, rows and changes as they come. Nothing is worked out while nobody looks.
 *
 * | event     | data                                                                                              |
 * | --------- | ------------------------------------------------------------------------------------------------- |
 * | `status`  | `{now, revision, status}`: milliseconds since the epoch, the revision of `/routes`, and the document of `status -output json` |
 * | `changes` | `{whole, changes}`: the newest first; `whole`: these are all that are remembered                   |
 * | `rows`    | `{from, revision, rows, gone}`: what became of revision `from` of `/routes`; `rows` null: ask again |
 */

import type { ChangeRecord } from "../sync/change_history.ts";
import { EventStreams, mostStreams, type StreamEvent } from "./event_streams.ts";
import { RouteBoard } from "./route_board.ts";
import type { RouteRows } from "./route_row.ts";

/** Where the page's facts come from. */
export interface LiveSources {
  /** The document of `status -output json`. */
  readonly status: () => unknown;
  /** The current rows; null if they are those of the last look. @param always whether they are wanted though nothing changed. */
  readonly rows: (always: boolean) => RouteRows | null;
  /** Nobody looks any more: what is kept for the next look may go. */
  readonly forget: () => void;
}

/** How many changes are remembered, of all tables together. */
const mostChanges = 200;
/** How often the status is sent. */
const statusEveryMs = 1_000;
/** News of kernel and cloud come in bursts: the rows are looked at this long after the first of it. */
const gatherMs = 200;
/** How long the rows are kept when nobody follows them. */
const keepRowsMs = 10_000;
/** To look at the rows takes at most one part in so many of the event loop's time. */
const rest = 20;

/** See the head of this file. */
export class LiveStatus {
  readonly #sources: LiveSources;
  readonly #unexpected: (error: unknown) => void;
  readonly #board = new RouteBoard();
  readonly #streams = new EventStreams(() => this.#nobodyLooks());
  /** Tells this process' revisions from those of another one. */
  readonly #run = Date.now().toString(36);
  #changes: readonly Readonly<Record<string, unknown>>[] = [];
  #newChanges: Readonly<Record<string, unknown>>[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #forgetting: ReturnType<typeof setTimeout> | undefined;
  /** Whether the board has no rows since they were forgotten. */
  #isForgotten = true;
  #lookedAt = -Infinity;
  #restMs = 0;

  /** @param unexpected is called with what fails while events are made, which is a defect. */
  constructor(sources: LiveSources, unexpected: (error: unknown) => void) {
    this.#sources = sources;
    this.#unexpected = unexpected;
  }

  /** A change was made in a table. */
  changed(table: string, { at, ...change }: ChangeRecord): void {
    this.#newChanges.unshift({ time: new Date(at).toISOString(), table, ...change });
    if (this.#newChanges.length > mostChanges) this.#newChanges.pop();
    this.news();
  }

  /** Kernel or cloud changed: rows may differ. */
  news(): void {
    if (this.#streams.size === 0 || this.#soon !== undefined) return;
    const wait = Math.max(gatherMs, this.#lookedAt + this.#restMs - performance.now());
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#guarded(() => this.#send());
    }, wait);
  }

  /** Answers `GET /events`; 503 where too many follow already. */
  events(): Response {
    this.#sendChanges();
    const stream = this.#streams.open([this.#statusEvent(), {
      event: "changes",
      data: { whole: true, changes: this.#changes },
    }]);
    if (stream === null) {
      return new Response(`${mostStreams} pages follow this service already: close one\n`, { status: 503 });
    }
    this.#timer ??= setInterval(() => this.#guarded(() => this.#tick()), statusEveryMs);
    return new Response(stream, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  }

  /** Answers `GET /routes`; 304 where nothing changed. @param known the request's `If-None-Match`. */
  routes(known: string | null): Response {
    if (this.#mayLook()) {
      const changes = this.#look();
      if (changes !== null) this.#streams.send({ event: "rows", data: changes });
    }
    const tag = `"${this.#run}-${this.#board.revision}"`;
    const headers = { "content-type": "application/json", etag: tag };
    // A proxy that compresses makes the tag a weak one.
    const isKnown = known !== null &&
      known.split(",").some((each) => each.trim().replace(/^W\//, "") === tag);
    if (this.#streams.size === 0) this.#forgetLater();
    return isKnown
      ? new Response(null, { status: 304, headers })
      : new Response(this.#board.document, { headers });
  }

  /** Ends all event streams. */
  close(): void {
    this.#streams.close();
    this.#nobodyLooks();
    clearTimeout(this.#forgetting);
  }

  #nobodyLooks(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#timer = undefined;
    this.#soon = undefined;
    this.#forgetLater();
  }

  /** The rows are kept for a while: who asks again and again must not have them made each time. */
  #forgetLater(): void {
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => {
      if (this.#streams.size > 0) return;
      this.#board.forget();
      this.#sources.forget();
      this.#isForgotten = true;
      this.#lookedAt = -Infinity;
    }, keepRowsMs);
  }

  #tick(): void {
    this.#streams.send(this.#statusEvent());
    this.#send();
  }

  /** Tells what is new. */
  #send(): void {
    this.#sendChanges();
    if (!this.#mayLook()) return;
    const rows = this.#look();
    if (rows !== null) this.#streams.send({ event: "rows", data: rows });
  }

  #mayLook(): boolean {
    return performance.now() - this.#lookedAt >= this.#restMs;
  }

  #look(): ReturnType<RouteBoard["update"]> {
    const startedAt = performance.now();
    const rows = this.#sources.rows(this.#isForgotten);
    this.#isForgotten = false;
    const changes = rows === null ? null : this.#board.update(rows);
    this.#lookedAt = performance.now();
    this.#restMs = (this.#lookedAt - startedAt) * rest;
    return changes;
  }

  #sendChanges(): void {
    const changes = this.#newChanges;
    if (changes.length === 0) return;
    this.#newChanges = [];
    this.#changes = [...changes, ...this.#changes].slice(0, mostChanges);
    this.#streams.send({ event: "changes", data: { whole: false, changes } });
  }

  #statusEvent(): StreamEvent {
    return {
      event: "status",
      data: { now: Date.now(), revision: this.#board.revision, status: this.#sources.status() },
    };
  }

  /** What fails in a timer would end the process. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#unexpected(error);
    }
  }
}
