/** A release of this machine, made as `deno task release` does but packed in a hurry. */

import { join } from "node:path";
import configuration from "../../../deno.json" with { type: "json" };
import { commitOf, repository } from "../../../.ci/compile.ts";
import { type Machine, machines } from "../../../.ci/release/machine.ts";
import { tryRun } from "../../../.ci/shell.ts";
import { programMissing } from "../../needs.ts";
import { isOlderThan, sources } from "../binary.ts";

/** The version in the files' names. */
export const version = configuration.version;
/** This machine. */
export const machine: Machine = machines.find(({ name }) => name === Deno.build.arch) ??
  machines[0] as Machine;
/** The executable's name in a release. */
export const executableName = `cloudroutesync-${version}-linux-${machine.name}`;

const folder = join(repository, "dist", "test-release");
const mark = join(folder, ".commit");

/** What keeps a release from being made or tried here; null for what does not. For `skips()`. */
export const releaseMissing: readonly (string | null)[] = [
  Deno.uid() === 0 ? null : "only root can try an installation",
  programMissing("xz", "xz-utils"),
  programMissing("dpkg-deb", "dpkg"),
  programMissing("apt-get", "apt"),
  programMissing("readelf", "binutils"),
];

/** The release's folder. It is made if there is none of this commit, or its sources have changed. */
export async function releaseFolder(): Promise<string> {
  const commit = await commitOf(repository);
  if (
    await markOf() !== commit || await isOlderThan(mark, [...sources, ".ci", "terraform", "CHANGELOG.md"])
  ) {
    await makeRelease(repository, folder);
    await Deno.writeTextFile(mark, commit);
  }
  return folder;
}

/** Makes a release of this machine from sources that lie anywhere. @throws {Error} with what the task printed. */
export async function makeRelease(from: string, to: string): Promise<void> {
  const task = ["run", "--allow-all", "--no-check", ".ci/release.ts"];
  const options = [`--folder=${to}`, `--machine=${machine.name}`, "--level=0"];
  const { success, errors } = await tryRun([Deno.execPath(), ...task, ...options], {
    folder: from,
    environment: { GIT_OPTIONAL_LOCKS: "0" },
  });
  if (!success) throw new Error(`Cannot make a release of ${from}: ${errors}`);
}

async function markOf(): Promise<string | null> {
  try {
    return await Deno.readTextFile(mark);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
