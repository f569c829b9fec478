/** The compiled executable, for tests that drive it as a user would. */

import { join, resolve } from "node:path";
import { compile } from "../../.ci/compile.ts";

const repository = resolve(import.meta.dirname ?? ".", "../..");
const executable = join(repository, "dist", "cloudroutesync");

/** What goes into the executable. */
const sources = [
  "main.ts",
  "src",
  "ffi",
  "deno.json",
  "deno.lock",
  ".ci/bundle.ts",
  ".ci/compile.ts",
  ".ci/denort.ts",
];

let building: Promise<string> | null = null;

/**
 * The executable's path. It is built as `deno task compile` does if it is missing or older than its sources.
 *
 * @throws {Error} if it cannot be built.
 */
export function binaryPath(): Promise<string> {
  building ??= upToDateBinary();
  return building;
}

/** Why there is no executable, for a test's `ignore`; with `CI` set it is always null: there it must be had. */
export async function binaryMissing(): Promise<string | null> {
  if (Deno.env.has("CI")) return null;
  try {
    await binaryPath();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function upToDateBinary(): Promise<string> {
  const built = await modifiedAt(executable);
  const changed = await Promise.all(sources.map((source) => newestBelow(join(repository, source))));
  if (built === null || built < Math.max(...changed)) {
    const options = { entry: join(repository, "main.ts"), output: executable } as const;
    await compile({ ...options, target: `${Deno.build.arch}-unknown-linux-gnu` });
  }
  return executable;
}

/** When the newest file at or below a path changed, in milliseconds since the epoch. */
async function newestBelow(path: string): Promise<number> {
  let newest = await modifiedAt(path) ?? 0;
  if (!(await Deno.stat(path)).isDirectory) return newest;
  for await (const entry of Deno.readDir(path)) {
    newest = Math.max(newest, await newestBelow(join(path, entry.name)));
  }
  return newest;
}

async function modifiedAt(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
