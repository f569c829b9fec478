/**
 * Reading a table, from start to end of the process: the executable itself (`routes -count`, which also judges each route) beside a C
 * program that decodes and stores, and beside what a user could pick instead.
 */

import { say } from "../../.ci/shell.ts";
import { binaryPath } from "../system/binary.ts";
import { Namespace } from "../system/namespace.ts";
import { fillTable } from "./command_cost.ts";
import { costsOf } from "./cost.ts";
import { spreadOf } from "./figure.ts";
import { cDump, type Peer, peers } from "./peers.ts";

/** One program at one size. */
export interface DumpFigure {
  readonly program: string;
  readonly routes: number;
  /** Median of the whole process, milliseconds. */
  readonly ms: number;
  /** Median of its user and system time, milliseconds. */
  readonly cpuMs: number;
  readonly routesPerSecond: number;
  /** Against the C program that decodes and stores, medians of the same minutes. */
  readonly timesC: number;
  readonly cpuTimesC: number;
  /** MB (10^6 bytes). */
  readonly peakMb: number;
}

/** What was measured, and what could not be. */
export interface DumpFigures {
  readonly figures: readonly DumpFigure[];
  /** Why, by program. */
  readonly skipped: Readonly<Record<string, string>>;
}

export const ownName = "cloudroutesync routes -count";
export const yardstick = "C, decodes and stores";

/** A program that is ready to run. */
interface Contender extends Pick<Peer, "name" | "most"> {
  readonly command: (routes: number) => readonly string[];
}

/** Runs all programs in turns at each size. */
export async function dumpFigures(sizes: readonly number[], rounds: number): Promise<DumpFigures> {
  const skipped: Record<string, string> = {};
  const contenders = await prepared(skipped);
  const figures: DumpFigure[] = [];
  for (const routes of sizes) {
    await using namespace = await Namespace.create();
    await fillTable(namespace, routes);
    figures.push(...await figuresAt(namespace, routes, contenders, rounds, skipped));
    await say(`Measured the dumps of ${routes} routes`);
  }
  return { figures, skipped };
}

async function prepared(skipped: Record<string, string>): Promise<readonly Contender[]> {
  const c = await cDump();
  const binary = await binaryPath();
  const contenders: Contender[] = [
    { name: yardstick, most: Infinity, command: () => c },
    { name: ownName, most: Infinity, command: () => [binary, "routes", "-count"] },
  ];
  for (const { name, most, prepare } of peers) {
    try {
      contenders.push({ name, most, command: await prepare() });
    } catch (error) {
      const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      skipped[name] = why;
      await say(`Leaves out ${name}: ${skipped[name]}`);
    }
  }
  return contenders;
}

async function figuresAt(
  namespace: Namespace,
  routes: number,
  contenders: readonly Contender[],
  rounds: number,
  skipped: Record<string, string>,
): Promise<readonly DumpFigure[]> {
  const able = contenders.filter(({ name, most }) => {
    if (routes > most) skipped[`${name}, ${routes} routes`] = "it would take minutes";
    return routes <= most;
  });
  const all = await costsOf(namespace, able.map(({ command }) => command(routes)), rounds);
  const medians = all.map(({ ms, cpuMs, peakMb }) => ({
    ms: spreadOf(ms).median,
    cpuMs: spreadOf(cpuMs).median,
    peakMb,
  }));
  const [c] = medians;
  if (c === undefined) throw new Error("Cannot compare: the yardstick was not measured");
  return medians.map(({ ms, cpuMs, peakMb }, index) => ({
    program: able[index]?.name ?? "",
    routes,
    ms,
    cpuMs,
    routesPerSecond: routes / ms * 1000,
    timesC: ms / c.ms,
    cpuTimesC: cpuMs / c.cpuMs,
    peakMb,
  }));
}
