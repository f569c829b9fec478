/**
 * `deno task bench [SECTION…] [-routes N]`: measures, prints a table, and writes `result.json` and `result.svg`. Run it as root on a
 * quiet machine; with sections named, the others stay as they are. `-routes` makes all tables smaller, to try the bench itself; then nothing
 * is written.
 */

import { parseArgs } from "node:util";
import { say } from "../../.ci/shell.ts";
import type { CloudName } from "../../src/clouds/cloud.ts";
import { commandFigures } from "./command_cost.ts";
import { countedRows } from "./counted_rows.ts";
import { type CloudCounts, cloudCounts, codeBytes, kernelCounts } from "./counts.ts";
import { dumpFigures } from "./dump_bench.ts";
import { herdRows } from "./herd.ts";
import { kernelFigures } from "./kernel_bench.ts";
import { commitNow, loadNow, type Machine, thisMachine } from "./machine.ts";
import { plannerFigures } from "./planner.ts";
import { type Presence, presenceMissing, presenceOn, presentClouds } from "./presence.ts";
import { flapFigure, reactionFigures } from "./reaction.ts";
import {
  type Measured,
  readResult,
  type Result,
  type SectionName,
  type Sections,
  writeResult,
} from "./result.ts";
import { resultSvg } from "./result_svg.ts";
import { resultText } from "./result_text.ts";
import { startFigures } from "./start.ts";

/** How much is measured. */
interface Extent {
  /** Of the largest table. */
  readonly routes: number;
  /** A tenth of all repetitions. */
  readonly isTrial: boolean;
}

/** How each section is measured, in the order of the table. */
const measures: { readonly [Name in SectionName]: (extent: Extent) => Promise<Sections[Name]> } = {
  dump: ({ routes, isTrial }) => dumpFigures(sizesTo(routes), isTrial ? 3 : 5),
  commands: ({ routes }) => commandFigures(routes),
  reaction: ({ isTrial }) => reactionFigures(isTrial ? 20 : 200),
  flap: async ({ routes }) => {
    const size = Math.min(routes, 100_000);
    return [await flapFigure(size, false), await flapFigure(size, true)];
  },
  kernel: ({ routes, isTrial }) => kernelFigures(routes, isTrial ? 1 : 60),
  presence: ({ isTrial }) => allPresences(isTrial ? 0 : 60),
  start: ({ isTrial }) => startFigures(isTrial ? 3 : 21),
  planner: ({ routes, isTrial }) => plannerFigures(sizesTo(routes), isTrial ? 1 : 3),
  herd: ({ isTrial }) => herdRows(isTrial ? 20 : 1_000),
  // Last: the clouds' SDKs are opened in this process, and set HOME.
  counts: async () => ({
    kernel: await kernelCounts(),
    clouds: await allCloudCounts(),
    codeBytes: await codeBytes(),
  }),
};

// Object.keys() forgets the type of the keys.
const sectionNames = Object.keys(measures) as SectionName[];

if (import.meta.main) Deno.exit(await bench());

async function bench(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args.map((word) => word.replace(/^-(?=routes)/, "--")),
    options: { routes: { type: "string", default: "1000000" } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !sectionNames.some((known) => known === name));
  if (unknown.length > 0) {
    await say(`Cannot measure ${unknown.join(", ")}: sections are ${sectionNames.join(", ")}`);
    return 2;
  }
  const routes = Number(values.routes);
  const extent = { routes, isTrial: routes < 1_000_000 };
  const here = await thisMachine();
  const before = kept();
  // Where sections stay, they stay figures of the machine that they were measured on.
  let result: Result = {
    machine: positionals.length > 0 ? before?.machine ?? here : here,
    sections: before?.sections ?? {},
  };
  for (const name of sectionNames) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    await say(`Measures ${name}`);
    const section = {
      ...await measured(name, extent),
      ...(isSame(here, result.machine) ? {} : { machine: here }),
    };
    result = { ...result, sections: { ...result.sections, [name]: section } };
    if (!extent.isTrial) await writeResult(result);
  }
  await Deno.stdout.write(new TextEncoder().encode(resultText(result)));
  if (!extent.isTrial) {
    await Deno.writeTextFile(new URL("result.svg", import.meta.url), resultSvg(readResult()));
  }
  return 0;
}

/** What was measured before; null if nothing was. */
function kept(): Result | null {
  try {
    return readResult();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function isSame(left: Machine, right: Machine): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

async function measured<Name extends SectionName>(name: Name, extent: Extent): Promise<Measured<Name>> {
  const before = loadNow();
  const figures = await measures[name](extent);
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await commitNow(),
    load: [before, loadNow()],
    figures,
  };
}

function sizesTo(routes: number): readonly number[] {
  return [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= routes);
}

async function allCloudCounts(): Promise<Partial<Record<CloudName, CloudCounts>>> {
  const counts: Partial<Record<CloudName, CloudCounts>> = {};
  for (const row of countedRows) {
    const missing = row.missing();
    if (missing === null) counts[row.cloud] = await cloudCounts(row);
    else await say(`Leaves out ${row.cloud}: ${missing}`);
  }
  return counts;
}

/** All clouds side by side: what is looked at is idle. */
async function allPresences(seconds: number): Promise<Sections["presence"]> {
  const presences: Partial<Record<typeof presentClouds[number], Record<"defaults" | "event", Presence>>> = {};
  const there = presentClouds.filter((cloud) => presenceMissing(cloud) === null);
  const all = (flags: readonly string[]): Promise<Presence[]> =>
    Promise.all(there.map((cloud) => presenceOn(cloud, flags, seconds)));
  const defaults = await all([]), event = await all(["-event"]);
  for (const [index, cloud] of there.entries()) {
    const [one, other] = [defaults[index], event[index]];
    if (one !== undefined && other !== undefined) presences[cloud] = { defaults: one, event: other };
  }
  return presences;
}
