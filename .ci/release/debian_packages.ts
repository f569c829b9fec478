/**
 * Debian's packages for the image, of either machine whatever this one is.
 *
 * apt fetches them from this machine's own sources and checks their signatures, with a state and a cache of its own. The image
 * so has the libraries that Debian has on the day; the bill of materials names their versions and checksums.
 */

import { join } from "node:path";
import { digest } from "../denort.ts";
import { run } from "../shell.ts";
import type { Machine } from "./machine.ts";

/** The packages, and the licence of what is taken out of each. */
const licences: Readonly<Record<string, string>> = {
  "base-files": "GPL-2.0-or-later",
  "ca-certificates": "MPL-2.0",
  libc6: "LGPL-2.1-or-later",
  "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
};

/** A package, fetched and unpacked. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly licence: string;
  /** SHA-256 of the package's file, hexadecimal. */
  readonly sha256: string;
  /** The package's own account of itself. */
  readonly control: string;
}

/**
 * Fetches the packages and unpacks them.
 *
 * @param root an empty folder; it holds what is in all packages afterwards.
 * @throws {Error} if apt cannot fetch them.
 */
export async function unpackDebianPackages(
  machine: Machine,
  root: string,
): Promise<readonly DebianPackage[]> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-apt-" });
  try {
    await fetchPackages(machine, folder);
    const packages: DebianPackage[] = [];
    for (const file of await packageFiles(folder)) {
      await run(["dpkg-deb", "--extract", file, root]);
      const unpacked = await describe(file);
      if (unpacked !== null) packages.push(unpacked);
    }
    return packages;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function fetchPackages({ architecture }: Machine, folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "state/lists/partial"), { recursive: true });
  await Deno.mkdir(join(folder, "cache/archives/partial"), { recursive: true });
  const settings = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State=${folder}/state`,
    "Dir::State::status=/dev/null",
    `Dir::Cache=${folder}/cache`,
    // The folder is root's, and apt's user for downloads cannot write to it.
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
  ];
  const apt = ["apt-get", "--quiet=2", ...settings.flatMap((setting) => ["-o", setting])];
  await run([...apt, "update"], { folder });
  await run([...apt, "download", ...Object.keys(licences)], { folder });
  await run([...apt, "download", await licenceHolder(folder)], { folder });
}

/** The package, named after gcc's version, that has the text of libgcc's licence. */
async function licenceHolder(folder: string): Promise<string> {
  const file = (await packageFiles(folder)).find((path) => path.includes("/libgcc-s1_")) ?? "";
  const dependencies = await run(["dpkg-deb", "--field", file, "Depends"]);
  const name = /gcc-\d+-base/.exec(dependencies)?.[0];
  if (name === undefined) {
    throw new Error(`Cannot find the licence of libgcc-s1: it depends on ${dependencies}`);
  }
  return name;
}

/** Full paths of the packages in a folder, by name. */
async function packageFiles(folder: string): Promise<readonly string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  return names.filter((name) => name.endsWith(".deb")).sort().map((name) => join(folder, name));
}

/** What a package says of itself; null for the one that has a licence's text and nothing else of use. */
async function describe(file: string): Promise<DebianPackage | null> {
  const control = await run(["dpkg-deb", "--field", file]);
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(control)?.[1] ?? "";
  const name = field("Package");
  const licence = licences[name];
  if (licence === undefined) return null;
  return {
    name,
    version: field("Version"),
    architecture: field("Architecture"),
    licence,
    sha256: await digest(await Deno.readFile(file)),
    control,
  };
}
