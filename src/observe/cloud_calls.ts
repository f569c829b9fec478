/** What the calls to the cloud came to: how long they took, when the last one of a kind was good. For status and metrics. */

import type { CloudErrorKind } from "../clouds/cloud_error.ts";

/** What a connection is asked for; see `CloudConnection`. */
export type CloudOperation =
  | "identify"
  | "locate"
  | "foresee"
  | "prepare"
  | "resolve"
  | "dead"
  | "read"
  | "write"
  | "forwarding"
  | "remove"
  | "check";

/** How a call ended: `error` is a defect, `abandoned` means that nobody waited for its end. */
export type CloudResult = "ok" | CloudErrorKind | "error" | "abandoned";

/** One call that has ended. */
export interface CloudCall {
  readonly operation: CloudOperation;
  /** The table's name, of a reading and a write. */
  readonly table: string | null;
  readonly result: CloudResult;
  readonly milliseconds: number;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
}

/** All calls of one operation. */
export interface CallFigures {
  readonly calls: number;
  readonly failed: number;
  readonly lastMs: number;
  readonly meanMs: number;
}

/** See the head of this file. */
export class CloudCalls {
  readonly #onCall: (call: CloudCall) => void;
  readonly #figures = new Map<CloudOperation, CallFigures>();
  readonly #lastRead = new Map<string, number>();
  readonly #lastWrite = new Map<string, number>();

  /** @param onCall is called with each call too: the metrics. */
  constructor(onCall: (call: CloudCall) => void = () => {}) {
    this.#onCall = onCall;
  }

  /** By operation, in the order in which they first ended. */
  get figures(): Readonly<Record<string, CallFigures>> {
    return Object.fromEntries(this.#figures);
  }

  /** When the table was last read well, in milliseconds since the epoch; null: not yet. */
  lastRead(table: string): number | null {
    return this.#lastRead.get(table) ?? null;
  }

  /** When something was last written to the table; null: not yet. */
  lastWrite(table: string): number | null {
    return this.#lastWrite.get(table) ?? null;
  }

  /** Takes note of a call. */
  ended(call: CloudCall): void {
    const { operation, table, result, milliseconds, at } = call;
    this.#onCall(call);
    if (result === "abandoned") return;
    const before = this.#figures.get(operation) ?? { calls: 0, failed: 0, lastMs: 0, meanMs: 0 };
    const calls = before.calls + 1;
    this.#figures.set(operation, {
      calls,
      failed: before.failed + (result === "ok" ? 0 : 1),
      lastMs: milliseconds,
      meanMs: before.meanMs + (milliseconds - before.meanMs) / calls,
    });
    if (result !== "ok" || table === null) return;
    if (operation === "read") this.#lastRead.set(table, at);
    if (operation === "write") this.#lastWrite.set(table, at);
  }
}
