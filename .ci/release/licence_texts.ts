/** The licences of what the executable is made of, in full: most of them must go with every copy. */

import { join } from "node:path";

/** What files with a licence or a notice are called. */
const names = /^(licen[cs]e|copying|notice)/i;

/**
 * The texts, package by package.
 *
 * @param inputs paths of the bundled files; those below node_modules name the packages.
 * @param repository where the paths begin.
 */
export async function licenceTexts(inputs: readonly string[], repository: string): Promise<string> {
  const folders = new Set(inputs.flatMap((path) => packageFolder.exec(path)?.[0] ?? []));
  const parts: string[] = [];
  for (const folder of [...folders].sort()) parts.push(await textOf(join(repository, folder)));
  return `${head}\n${parts.join("\n")}`;
}

const head =
  `The executable of cloudroutesync (Apache-2.0) contains Deno (MIT, https://github.com/denoland/deno), of whose own parts
LICENSE.md there tells, and the following packages.
`;

/** A package's folder in Deno's node_modules, with or without a scope. */
const packageFolder = /node_modules\/\.deno\/[^/]+\/node_modules\/(@[^/]+\/)?[^/]+/;

async function textOf(folder: string): Promise<string> {
  // npm's own form; a wrong one shows in the release.
  const { name, version, license } = JSON.parse(await Deno.readTextFile(join(folder, "package.json"))) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const files = (await Array.fromAsync(Deno.readDir(folder)))
    .filter((entry) => entry.isFile && names.test(entry.name)).map((entry) => entry.name).sort();
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(join(folder, file))));
  return [`${"=".repeat(80)}\n${name} ${version}: ${license}\n`, ...texts].join("\n");
}
