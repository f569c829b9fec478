/** The compiled executable, for tests that drive it as a user would. */

import { join, resolve } from "node:path";
import { compile } from "../../.ci/compile.ts";

const repository = resolve(import.meta.dirname ?? ".", "../..");
const executable = join(repository, "dist", "cloudroutesync");

/** What goes into the executable. */
export const sources: readonly string[] = [
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

/** Why there is no executable and none can be made here, for a test's `ignore`; null if there is one. */
export async function binaryMissing(): Promise<string | null> {
  try {
    await binaryPath();
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `the executable cannot be compiled: ${why}`;
  }
}

async function upToDateBinary(): Promise<string> {
  await Deno.mkdir(join(repository, "dist"), { recursive: true });
  // Parts of the suite run side by side: one of them builds, the others wait for it.
  using building = await Deno.open(join(repository, "dist", ".building"), { write: true, create: true });
  await building.lock(true);
  if (await isOlderThan(executable, sources)) {
    const options = { entry: join(repository, "main.ts"), output: executable } as const;
    await compile({ ...options, target: `${Deno.build.arch}-unknown-linux-gnu` });
  }
  return executable;
}

/** Whether a file is not there, or older than anything at or below these paths of the repository. */
export async function isOlderThan(file: string, paths: readonly string[]): Promise<boolean> {
  const made = await modifiedAt(file);
  const changed = await Promise.all(paths.map((path) => newestBelow(join(repository, path))));
  return made === null || made < Math.max(...changed);
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
