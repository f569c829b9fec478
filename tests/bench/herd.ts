/**
 * `deno task bench:herd [COUNT]`: COUNT (1,000) routers of one account, on a virtual clock; see `tests/model/herd.ts`. Prints a table;
 * `deno task bench herd` keeps it in `result.json`.
 */

import { type AccountShape, accountShapes } from "../model/herd_account.ts";
import { type HerdFigures, herdFigures, type Scenario } from "../model/herd.ts";

/** What came of a scenario in an account, in numbers that a person reads. */
export interface HerdRow {
  readonly account: AccountShape["name"];
  readonly scenario: Scenario;
  readonly routers: number;
  readonly calls: number;
  readonly refused: number;
  readonly callsEachUseful: number;
  /** Seconds: the least in which anybody could make the useful calls, until 99 % and until all are in step; null: nothing is waited for. */
  readonly seconds: { readonly floor: number; readonly most: number; readonly all: number } | null;
  /** Per cent of the calls of another client that are taken, and how many could be if 99 % were in step in 1.3 times the least time. */
  readonly othersPercent: number;
  readonly othersAtMostPercent: number | null;
}

/** Plays all scenarios in all accounts. */
export async function herdRows(count: number): Promise<readonly HerdRow[]> {
  const rows: HerdRow[] = [];
  for (const shape of accountShapes) {
    for (const figures of await herdFigures(shape, count)) rows.push(rowOf(figures, count));
  }
  return rows;
}

function rowOf(figures: HerdFigures, routers: number): HerdRow {
  const { shape: account, scenario, calls, refused, callsEachUseful, floorMs, mostMs, allMs } = figures;
  const seconds = (ms: number): number => Math.round(ms / 1000);
  const percent = (share: number): number => Math.round(share * 100);
  const isTimed = scenario !== "steady";
  return {
    account,
    scenario,
    routers,
    calls,
    refused,
    callsEachUseful: Number(callsEachUseful.toFixed(2)),
    seconds: isTimed ? { floor: seconds(floorMs), most: seconds(mostMs), all: seconds(allMs) } : null,
    othersPercent: percent(figures.othersAccepted),
    othersAtMostPercent: isTimed ? percent(figures.othersBound) : null,
  };
}

/** The rows as cells, beneath their head. */
export function herdCells(rows: readonly HerdRow[]): readonly (readonly string[])[] {
  const head = [
    "account",
    "scenario",
    "calls",
    "refused",
    "calls a useful call",
    "floor s",
    "99 % s",
    "all s",
    "99 % ÷ floor",
    "others %",
    "at most %",
  ];
  return [
    head,
    ...rows.map((row) => [
      row.account,
      row.scenario,
      String(row.calls),
      String(row.refused),
      row.callsEachUseful.toFixed(2),
      ...(row.seconds === null ? ["", "", "", ""] : [
        String(row.seconds.floor),
        String(row.seconds.most),
        String(row.seconds.all),
        (row.seconds.most / row.seconds.floor).toFixed(2),
      ]),
      String(row.othersPercent),
      row.othersAtMostPercent === null ? "" : String(row.othersAtMostPercent),
    ]),
  ];
}

if (import.meta.main) {
  const cells = herdCells(await herdRows(Number(Deno.args[0] ?? 1_000)));
  await Deno.stdout.write(new TextEncoder().encode(tableText(cells)));
}

function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  ).join("\n") + "\n";
}
