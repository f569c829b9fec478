/** How many routes there are, by protocol and by what becomes of them. */

import type { ColumnJudge } from "./column_judge.ts";
import { type DropReason, reasonOf, wantedOutcome } from "./drop_reason.ts";
import type { Family } from "./prefix.ts";
import type { RouteRows, RouteRun } from "./route_rows.ts";

/** Numbers of outcomes. */
const outcomeCount = wantedOutcome + 1;

/** Counts the routes of runs; see the head of this file. */
export class VerdictCounts {
  readonly #judge: ColumnJudge;
  /** By body and outcome. */
  readonly #counts: Readonly<Record<Family, Uint32Array>>;
  /** By body and outcome likewise, of bodies beyond the columns' number of them. */
  readonly #beyond: Readonly<Record<Family, Map<number, number>>> = { 4: new Map(), 6: new Map() };
  #total = 0;

  /** @param rows the columns whose runs are counted. */
  constructor(judge: ColumnJudge, { bodyCount }: Pick<RouteRows, "bodyCount">) {
    this.#judge = judge;
    const counts = (): Uint32Array => new Uint32Array(bodyCount * outcomeCount);
    this.#counts = { 4: counts(), 6: counts() };
  }

  /** Adds the routes of a run. */
  add(run: RouteRun): void {
    const outcomes = this.#judge.outcomes(run);
    const { start, end, bodies } = run;
    const counts = this.#counts[run.family], beyond = this.#beyond[run.family];
    for (let row = start; row < end; row++) {
      const at = (bodies[row] ?? 0) * outcomeCount + (outcomes[row - start] ?? 0);
      const count = counts[at];
      if (count === undefined) beyond.set(at, (beyond.get(at) ?? 0) + 1);
      else counts[at] = count + 1;
    }
    this.#total += end - start;
  }

  /** Number of routes. */
  get total(): number {
    return this.#total;
  }

  /** Number of routes by protocol (`rtm_protocol`), the most first. */
  protocols(): ReadonlyMap<number, number> {
    return this.#sums((family, body) => this.#judge.routeOf(family, body).protocol);
  }

  /** Number of routes by reason, the most first; `wanted` for those that have none. */
  verdicts(): ReadonlyMap<DropReason | "wanted", number> {
    return this.#sums((_family, _body, outcome) => reasonOf(outcome) ?? "wanted");
  }

  /** Likewise, of the routes that are not wanted. */
  dropped(): ReadonlyMap<DropReason, number> {
    const dropped = new Map<DropReason, number>();
    for (const [reason, count] of this.verdicts()) if (reason !== "wanted") dropped.set(reason, count);
    return dropped;
  }

  #sums<Key>(keyOf: (family: Family, body: number, outcome: number) => Key): ReadonlyMap<Key, number> {
    const sums = new Map<Key, number>();
    for (const family of [4, 6] as const) {
      const add = (count: number, at: number): void => {
        if (count === 0) return;
        const key = keyOf(family, Math.floor(at / outcomeCount), at % outcomeCount);
        sums.set(key, (sums.get(key) ?? 0) + count);
      };
      this.#counts[family].forEach(add);
      this.#beyond[family].forEach(add);
    }
    return new Map([...sums].sort(([, left], [, right]) => right - left));
  }
}
