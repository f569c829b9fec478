/**
 * What can be counted rather than timed, and so is the same on a busy machine: what a reading of the kernel allocates, the requests that
 * a change costs on each cloud, the code that each cloud loads. `tests/system/cost/` compares them with the last committed result.
 */

import { dirname, join } from "node:path";
import { bundle } from "../../.ci/bundle.ts";
import { repository } from "../../.ci/compile.ts";
import { run } from "../../.ci/shell.ts";
import type { CloudName } from "../../src/clouds/cloud.ts";
import { cloudNames } from "../../src/clouds/registry.ts";
import { add, done, never, ready, replace, withdraw } from "../contract/helpers.ts";
import type { Bench, ContractRow } from "../contract/rig.ts";
import { openSubject } from "../contract/subject.ts";
import type { KernelCounts } from "./kernel_counts.ts";

/** Requests to the cloud; those to the metadata service and for tokens are among them. */
export interface CloudCounts {
  /** From nothing to a table that is made and read. */
  readonly toPrepare: number;
  /** A further reading of the table. */
  readonly toRead: number;
  readonly toAddOne: number;
  readonly toAddTen: number;
  readonly toReplaceOne: number;
  readonly toDeleteOne: number;
}

/** All counts; each may grow only together with a new result. */
export interface Counts {
  readonly kernel: KernelCounts;
  readonly clouds: Partial<Readonly<Record<CloudName, CloudCounts>>>;
  /** Bytes of code that a service of this cloud loads, the program's own included. */
  readonly codeBytes: Readonly<Record<CloudName, number>>;
}

/** With these flags V8 allocates the same in each run: no compiler leaves an allocation out, no collection comes in between. */
const countingFlags = [
  "--expose-gc",
  "--max-opt=0",
  "--no-sparkplug",
  "--single-threaded",
  "--min-semi-space-size=64",
  "--max-semi-space-size=64",
];

/** Counts a reading of the kernel. */
export async function kernelCounts(): Promise<KernelCounts> {
  const program = join(repository, "tests", "bench", "kernel_counts.ts");
  const flags = ["--quiet", "--allow-all", "--no-check", `--v8-flags=${countingFlags.join(",")}`];
  return JSON.parse(await run([Deno.execPath(), "run", ...flags, program])) as KernelCounts;
}

const hosts = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `198.18.${first + index}.0/24`);

/** Counts the requests of one cloud, on its test servers. */
export async function cloudCounts(row: ContractRow): Promise<CloudCounts> {
  await using rig = await row.start();
  await rig.reset();
  const bench: Bench = { row, rig, open: (changed) => openSubject(row.cloud, rig.options(changed)) };
  const self = rig.self[4], other = rig.neighbours.standing[4].id;
  let before = 0;
  const since = async (): Promise<number> => {
    await rig.traffic.settled();
    const count = rig.traffic.count - before;
    before = rig.traffic.count;
    return count;
  };
  await since();
  const on = await ready(bench);
  const toPrepare = await since();
  await on.subject.read(on.table, never);
  const toRead = await since();
  const written = async (...changes: Parameters<typeof done>[1][]): Promise<number> => {
    await done(on, ...changes);
    // `done` reads the table first.
    return await since() - toRead;
  };
  const toAddOne = await written(add("198.19.0.0/24", self));
  const toAddTen = await written(...hosts(0, 10).map((prefix) => add(prefix, self)));
  const state = await on.subject.read(on.table, never);
  await since();
  const toReplaceOne = await written(replace(state, "198.19.0.0/24", other));
  const last = await on.subject.read(on.table, never);
  await since();
  const toDeleteOne = await written(withdraw(last, "198.19.0.0/24"));
  return { toPrepare, toRead, toAddOne, toAddTen, toReplaceOne, toDeleteOne };
}

/** Bytes of the chunks that a service of each cloud loads. */
export async function codeBytes(): Promise<Counts["codeBytes"]> {
  const folder = await Deno.makeTempDir();
  try {
    const { entry } = await bundle({ entry: join(repository, "main.ts"), folder, commit: "counted" });
    const chunks = new Map<string, string>();
    for await (const { name } of Deno.readDir(dirname(entry))) {
      chunks.set(name, await Deno.readTextFile(join(folder, name)));
    }
    const names = [...chunks.keys()];
    const named = (start: string): string => names.find((name) => name.startsWith(`${start}-`)) ?? "";
    const start = ["main.mjs", named("program"), named("run")];
    const sizes = cloudNames.map((cloud) => [cloud, closureBytes(chunks, [...start, named(cloud)])]);
    return Object.fromEntries(sizes) as Record<CloudName, number>; // one entry a name
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Bytes of these chunks and of what they import at their head. */
function closureBytes(chunks: ReadonlyMap<string, string>, start: readonly string[]): number {
  const seen = new Set<string>(start);
  for (const name of seen) {
    const text = chunks.get(name);
    if (text === undefined) throw new Error(`Cannot count the code: there is no chunk "${name}"`);
    for (const [, imported = ""] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) seen.add(imported);
  }
  return [...seen].reduce((sum, name) => sum + new TextEncoder().encode(chunks.get(name)).length, 0);
}
