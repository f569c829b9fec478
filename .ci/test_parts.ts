/**
 * The whole suite in parts that run side by side, each a `deno test` of its own: most tests wait for a kernel, a daemon or a server,
 * so one after another would leave the processors idle. Files of one folder run in order, as they may share servers.
 */

import { join } from "node:path";
import { forEachPooled } from "../src/async/pool.ts";
import { say } from "./shell.ts";

/** The parts that take longest, longest first: they begin first, so that none of them runs alone at the end. */
const longest: readonly string[] = [
  "tests/system/kernel",
  "tests/system/ha",
  "tests/system/aws",
  "tests/system/local",
  "tests/contract",
  "tests/system/openstack",
  "tests/system/systemd",
  "tests/system/release",
  "tests/system/azure",
  "tests/system/gcp",
  "tests/system/bgp",
];

/** What `deno test` counted. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** What came of one part. */
export interface PartResult {
  readonly part: string;
  readonly success: boolean;
  /** Null where no test ran to the end. */
  readonly counts: Counts | null;
  readonly seconds: number;
}

/**
 * The parts of the suite, in the order in which they begin.
 *
 * @param folders every folder below tests/, and below tests/system, that holds tests.
 */
export function partsOf(folders: readonly string[]): readonly string[] {
  const rest = folders.filter((folder) => !longest.includes(folder)).sort();
  return [...longest.filter((folder) => folders.includes(folder)), ...rest];
}

/** Reads the closing line of `deno test`: `ok | 12 passed (3 steps) | 0 failed | 1 ignored (5s)`. */
export function countsOf(output: string): Counts | null {
  const closing = output.match(/^(?:ok|FAILED) \| \d+ passed.*$/gm)?.at(-1);
  if (closing === undefined) return null;
  const count = (word: string): number => Number(new RegExp(`\\| (\\d+) ${word}`).exec(closing)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
}

/** One closing line for all parts, as `deno test` writes it, after a line for each. */
export function summaryOf(results: readonly PartResult[], seconds: number): string {
  const sum = (key: keyof Counts): number =>
    results.reduce((total, { counts }) => total + (counts?.[key] ?? 0), 0);
  const lost = results.filter(({ success, counts }) => !success && (counts?.failed ?? 0) === 0);
  const lines = results.map(({ part, success, seconds }) =>
    `${success ? "ok" : "FAILED"} ${part} (${seconds.toFixed(0)}s)`
  );
  const verdict = results.every(({ success }) => success) ? "ok" : "FAILED";
  // A part that ended without a failed test, or without any, counts as one.
  const failed = sum("failed") + lost.length;
  const closing = `${verdict} | ${sum("passed")} passed | ${failed} failed | ${sum("ignored")} ignored`;
  return [...lines, "", `${closing} (${seconds.toFixed(0)}s)`].join("\n");
}

/**
 * Runs the whole suite and prints each part's output when it ends.
 *
 * @param options options for each `deno test`.
 * @param jobs how many parts run side by side.
 * @returns whether all of it passed.
 */
export async function runParts(
  repository: string,
  options: readonly string[],
  jobs: number,
): Promise<boolean> {
  const begun = performance.now();
  const parts = partsOf(await testFolders(repository));
  const results: PartResult[] = [];
  await forEachPooled(parts, jobs, async (part) => {
    results.push(await runPart(repository, part, options));
  });
  await say(summaryOf(results, secondsSince(begun)));
  return results.every(({ success }) => success);
}

async function runPart(repository: string, part: string, options: readonly string[]): Promise<PartResult> {
  const begun = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // `deno task check` checks the types of all parts, once.
    args: ["test", "--no-check", "--allow-all", part, ...options],
    cwd: repository,
    env: { NO_COLOR: "1" },
  }).output();
  const output = new TextDecoder().decode(stdout);
  await say(`\n=== ${part}\n${output}${new TextDecoder().decode(stderr)}`);
  return { part, success, counts: countsOf(output), seconds: secondsSince(begun) };
}

function secondsSince(begun: number): number {
  return (performance.now() - begun) / 1000;
}

/** The folders of tests: those of tests/system one by one. */
async function testFolders(repository: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const above of ["tests", "tests/system"]) {
    for await (const { name, isDirectory } of Deno.readDir(join(repository, above))) {
      const folder = `${above}/${name}`;
      if (isDirectory && folder !== "tests/system" && await holdsTests(join(repository, folder))) {
        found.push(folder);
      }
    }
  }
  return found;
}

async function holdsTests(folder: string): Promise<boolean> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name.endsWith("_test.ts")) return true;
    if (isDirectory && await holdsTests(join(folder, name))) return true;
  }
  return false;
}
