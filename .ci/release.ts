/**
 * Makes what a release consists of, in dist/release: an executable for each machine, SHA256SUMS and the bill of materials.
 *
 *     deno task release
 *
 * The same commit and the same Deno make the same bytes. They differ where Deno does: where the running Deno can fetch its
 * `denort` it compiles itself, elsewhere the older pair of `denort.ts` does; the bill names the version.
 */

import { join } from "node:path";
import configuration from "../deno.json" with { type: "json" };
import { compile, repository, targets } from "./compile.ts";
import { digest } from "./denort.ts";
import { billOfMaterials, type LockFile } from "./sbom.ts";
import { say } from "./shell.ts";

const folder = join(repository, "dist", "release");
const stem = `cloudroutesync-${configuration.version}`;

/** Compiles for every machine. @returns the names of the executables, the version of Deno and the bundled files. */
async function executables(): Promise<
  { readonly names: readonly string[]; readonly denoVersion: string; readonly inputs: readonly string[] }
> {
  const names: string[] = [];
  let denoVersion = "";
  let inputs: readonly string[] = [];
  for (const target of targets) {
    const name = `${stem}-linux-${target.split("-")[0]}`;
    ({ denoVersion, inputs } = await compile({
      target,
      output: join(folder, name),
      entry: join(repository, "main.ts"),
    }));
    names.push(name);
  }
  return { names, denoVersion, inputs };
}

async function main(): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) await Deno.remove(join(folder, name));
  const { names, denoVersion, inputs } = await executables();
  // Deno writes this file; a wrong shape ends here.
  const lock = JSON.parse(await Deno.readTextFile(join(repository, "deno.lock"))) as LockFile;
  const bill = await billOfMaterials({ lock, bundledFiles: inputs, denoVersion, repository });
  const billName = `${stem}.cdx.json`;
  await Deno.writeTextFile(join(folder, billName), `${JSON.stringify(bill, null, 2)}\n`);
  const sums = await Promise.all(
    [...names, billName].map(async (name) =>
      `${await digest(await Deno.readFile(join(folder, name)))}  ${name}\n`
    ),
  );
  await Deno.writeTextFile(join(folder, "SHA256SUMS"), sums.join(""));
  await say(`${folder}:\n${sums.join("").trimEnd()}`);
}

if (import.meta.main) await main();
