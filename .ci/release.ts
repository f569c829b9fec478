/**
 * Makes all that a release consists of, in dist/release.
 *
 *     deno task release [--folder FOLDER] [--machine x86_64|aarch64]… [--level 0…9]
 *
 * The same commit makes the same bytes, wherever and whenever, but for two things that the bill of materials names: the version
 * of Deno (where the running Deno can fetch its `denort` it compiles itself, elsewhere the older pair of `denort.ts` does), and
 * the image's libraries, which are Debian's of the day. Compressors count too: the same versions of xz, gzip and dpkg.
 */

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import configuration from "../deno.json" with { type: "json" };
import { repository } from "./compile.ts";
import { type Machine, machines } from "./release/machine.ts";
import { makeRelease } from "./release/make_release.ts";
import { say } from "./shell.ts";

function machineOf(name: string): Machine {
  const machine = machines.find((known) => known.name === name);
  if (machine !== undefined) return machine;
  throw new Error(
    `Cannot release for "${name}": known are ${machines.map((known) => known.name).join(", ")}`,
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      folder: { type: "string", default: join(repository, "dist", "release") },
      machine: { type: "string", multiple: true, default: machines.map(({ name }) => name) },
      // How hard xz and gzip try: 9 takes four minutes for both machines.
      level: { type: "string", default: "9" },
    },
  });
  const folder = resolve(values.folder);
  await makeRelease({
    repository,
    folder,
    machines: values.machine.map(machineOf),
    version: configuration.version,
    level: Number(values.level),
    report: say,
  });
  await say(`${folder}:\n${(await Deno.readTextFile(join(folder, "SHA256SUMS"))).trimEnd()}`);
}

if (import.meta.main) await main();
