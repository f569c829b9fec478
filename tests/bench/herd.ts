/**
 * `deno task bench:herd [COUNT]`: COUNT (1,000) routers of one account, on a virtual clock; see `tests/model/herd.ts`. Prints a table.
 */

import { accountShapes } from "../model/herd_account.ts";
import { type HerdFigures, herdFigures } from "../model/herd.ts";

const columns = [
  "account",
  "scenario",
  "calls",
  "refused",
  "calls a useful call",
  "floor s",
  "99 % s",
  "all s",
  "99 % ÷ floor",
  "all ÷ floor",
  "others %",
  "at most %",
];

if (import.meta.main) {
  const count = Number(Deno.args[0] ?? 1_000);
  const rows = [columns];
  for (const shape of accountShapes) {
    for (const figures of await herdFigures(shape, count)) rows.push(rowOf(figures));
  }
  await Deno.stdout.write(new TextEncoder().encode(tableText(rows)));
}

function rowOf(figures: HerdFigures): string[] {
  const {
    shape,
    scenario,
    calls,
    refused,
    callsEachUseful,
    floorMs,
    mostMs,
    allMs,
    othersAccepted,
    othersBound,
  } = figures;
  const seconds = (ms: number): string => (ms / 1000).toFixed(0);
  const timed = scenario !== "steady";
  return [
    shape,
    scenario,
    String(calls),
    String(refused),
    callsEachUseful.toFixed(2),
    timed ? seconds(floorMs) : "",
    timed ? seconds(mostMs) : "",
    timed ? seconds(allMs) : "",
    timed ? (mostMs / floorMs).toFixed(2) : "",
    timed ? (allMs / floorMs).toFixed(2) : "",
    (othersAccepted * 100).toFixed(0),
    timed ? (othersBound * 100).toFixed(0) : "",
  ];
}

function tableText(rows: readonly (readonly string[])[]): string {
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  ).join("\n") + "\n";
}
