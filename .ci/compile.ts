/**
 * Makes the executable: bundles the program, then compiles it with the least permissions.
 *
 *     deno task compile [--target x86_64-unknown-linux-gnu|aarch64-unknown-linux-gnu] [--output FILE] [--entry FILE]
 *
 * The running Deno compiles where it can fetch its `denort`; elsewhere the pair of `denort.ts` does. The same sources and the
 * same Deno make the same bytes, wherever the folder lies.
 */

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { libcPaths } from "../ffi/libc.ts";
import { granted } from "../src/cli/least_power.ts";
import { bundle } from "./bundle.ts";
import { cacheFolder, denortFor, fallbackDeno, fallbackVersion, type Target } from "./denort.ts";
import { run, say, tryRun } from "./shell.ts";

/** Full path of the repository. */
export const repository = resolve(import.meta.dirname ?? ".", "..");
/** Every machine that executables are made for. */
export const targets: readonly Target[] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/** What to compile, and where to. */
export interface CompileOptions {
  readonly target: Target;
  /** The executable's path; its folder is made. */
  readonly output: string;
  /** The program's entry point. */
  readonly entry: string;
}

/** What came of it. */
export interface Compiled {
  /** The version of Deno inside the executable. */
  readonly denoVersion: string;
  /** The files that went in: sources and packages' files. */
  readonly inputs: readonly string[];
}

/**
 * Compiles the program.
 *
 * @throws {Error} if bundling or compiling fails.
 */
export async function compile(options: CompileOptions): Promise<Compiled> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-" });
  try {
    // The folder's name becomes part of the executable, so it must always be the same.
    const chunks = join(folder, "cloudroutesync");
    const bundled = await bundle({
      entry: options.entry,
      folder: chunks,
      commit: await commitOf(repository),
    });
    await forgetTimes(chunks);
    await Deno.mkdir(resolve(options.output, ".."), { recursive: true });
    const denoVersion = await compileChunks(bundled.entry, chunks, options);
    return { denoVersion, inputs: bundled.inputs };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The executable keeps the time of each embedded file; with a fixed one the same sources make the same bytes. */
async function forgetTimes(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) await Deno.utime(join(folder, name), 0, 0);
}

/** @returns the version of Deno that compiled. */
async function compileChunks(entry: string, chunks: string, options: CompileOptions): Promise<string> {
  const args = compileArguments(entry, chunks, options);
  const first = await tryRun([Deno.execPath(), ...args], { folder: chunks });
  if (first.success) return Deno.version.deno;
  // Only the missing download has a way round; whatever else went wrong would go wrong again.
  if (!first.errors.includes("denort")) throw new Error(`Cannot compile ${entry}: ${first.errors.trim()}`);
  await say(`Deno ${Deno.version.deno} cannot fetch its denort here; compiling with Deno ${fallbackVersion}`);
  const cache = cacheFolder(repository);
  const deno = await fallbackDeno(cache);
  await run([deno, ...args], {
    folder: chunks,
    environment: { DENORT_BIN: await denortFor(options.target, cache) },
  });
  return fallbackVersion;
}

/**
 * How V8 is to compile, and what it is to spare. What the program does when a route changes it does seldom, so by V8's defaults most of
 * it would be interpreted for ever; with the first two each function is observed from its first call on and compiled after its 40th. From
 * the kernel's event to the callback that takes away a third of the time, for 2 to 6 MB of memory. The third keeps the part of the heap
 * that new objects go to below 4 MB: less memory where many routes are wanted, and no more time. `--optimize-for-size` saves 2 MB more
 * on AWS and takes twice the time for a write among 100,000 routes.
 */
export const v8Flags: readonly string[] = [
  "--no-lazy-feedback-allocation",
  "--invocation-count-for-maglev=40",
  "--max-semi-space-size=4",
];

/** What the program may do, as flags of `deno compile` and `deno run`: each permission by name. */
export function permissionFlags(): string[] {
  return [
    `--allow-read=${granted.read.join(",")}`,
    `--allow-write=${granted.write.join(",")}`,
    "--allow-net",
    `--allow-env=${granted.environment.join(",")}`,
    // What lies outside the grants reads as unset or missing, rather than ending an SDK that only asks.
    "--ignore-env",
    "--ignore-read",
    `--allow-ffi=${libcPaths.join(",")}`,
    ...(granted.sys.length === 0 ? [] : [`--allow-sys=${granted.sys.join(",")}`]),
  ];
}

/** The command line of `deno compile`. */
function compileArguments(entry: string, chunks: string, options: CompileOptions): string[] {
  return [
    "compile",
    "--quiet",
    "--no-config",
    "--no-lock",
    "--no-check",
    "--no-prompt",
    // The cache would be /tmp/deno-compile-cloudroutesync.cache: whoever makes that file first would have his code run.
    "--no-code-cache",
    `--v8-flags=${v8Flags.join(",")}`,
    ...permissionFlags(),
    `--include=${chunks}`,
    `--target=${options.target}`,
    `--output=${resolve(options.output)}`,
    entry,
  ];
}

/** The commit checked out, with a `+` if files differ from it; `unknown` outside a repository. */
export async function commitOf(folder: string): Promise<string> {
  const commit = await tryRun(["git", "-C", folder, "rev-parse", "--short=12", "HEAD"]);
  if (!commit.success) return "unknown";
  const changes = await run(["git", "-C", folder, "status", "--porcelain", "--untracked-files=no"]);
  return commit.output.trim() + (changes === "" ? "" : "+");
}

function targetOf(text: string): Target {
  const target = targets.find((known) => known === text);
  if (target === undefined) throw new Error(`Cannot compile for "${text}": known are ${targets.join(", ")}`);
  return target;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", default: `${Deno.build.arch}-unknown-linux-gnu` },
      output: { type: "string", default: join(repository, "dist", "cloudroutesync") },
      entry: { type: "string", default: join(repository, "main.ts") },
    },
  });
  const { denoVersion } = await compile({ ...values, target: targetOf(values.target) });
  const { size } = await Deno.stat(values.output);
  await say(`${values.output}: ${(size / 1e6).toFixed(1)} MB, Deno ${denoVersion}, ${values.target}`);
}

if (import.meta.main) await main();
