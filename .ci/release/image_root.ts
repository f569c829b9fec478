/** The files of the container image: the executable, its libraries, certificates, and the user that it runs as. No shell. */

import { join } from "node:path";
import type { DebianPackage } from "./debian_packages.ts";
import type { FolderFile, FolderLink } from "./folder.ts";
import { neededLibraries } from "./libraries.ts";
import type { Machine } from "./machine.ts";

/** User and group of the program, as other images without a shell have it. */
export const imageUser = 65532;
/** Where the program is, and where it keeps its ledger. */
export const imageProgram = "usr/local/bin/cloudroutesync";
export const imageState = "var/lib/cloudroutesync";
/** The licences of what is in the executable. */
export const imageLicences = "usr/share/doc/cloudroutesync/licences";

/** What the layer below the executable has. */
export interface BaseFiles {
  readonly files: readonly FolderFile[];
  readonly links: readonly FolderLink[];
}

/**
 * Chooses the files of the base layer.
 *
 * @param root where the packages were unpacked to.
 * @param executable whose libraries are needed.
 */
export async function baseFiles(
  machine: Machine,
  root: string,
  packages: readonly DebianPackage[],
  executable: string,
): Promise<BaseFiles> {
  const libraries = `lib/${machine.triplet}`;
  const names = await neededLibraries(executable, join(root, libraries));
  const loader = machine.loader.split("/").at(-1) ?? "";
  const copies = [
    ...names.map((name) => ({ path: `${libraries}/${name}`, mode: 0o755 })),
    ...packages.map(({ name }) => ({ path: `usr/share/doc/${name}/copyright`, mode: 0o644 })),
    { path: "usr/lib/os-release", mode: 0o644 },
  ];
  return {
    files: [
      ...await Promise.all(copies.map((copy) => copied(root, copy))),
      { path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: await certificates(root) },
      ...packages.map(({ name, control }) => text(`var/lib/dpkg/status.d/${name}`, `${control}\n`)),
      ...accounts.map(([path, content]) => text(path, content)),
    ],
    links: [
      { path: machine.loader, target: `/${libraries}/${loader}` },
      { path: "etc/os-release", target: "../usr/lib/os-release" },
    ],
  };
}

const accounts: readonly (readonly [path: string, content: string])[] = [
  [
    "etc/passwd",
    `root:x:0:0:root:/:/nonexistent\ncloudroutesync:x:${imageUser}:${imageUser}::/${imageState}:/nonexistent\n`,
  ],
  ["etc/group", `root:x:0:\ncloudroutesync:x:${imageUser}:\n`],
  ["etc/nsswitch.conf", "hosts: files dns\n"],
];

async function copied(
  root: string,
  { path, mode }: { readonly path: string; readonly mode: number },
): Promise<FolderFile> {
  return { path, mode, content: await Deno.readFile(join(root, path)) };
}

/** All authorities in one file, as Debian's update-ca-certificates makes it. */
async function certificates(root: string): Promise<Uint8Array<ArrayBuffer>> {
  const folder = join(root, "usr/share/ca-certificates/mozilla");
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const all = await Promise.all(names.map((name) => Deno.readTextFile(join(folder, name))));
  return new TextEncoder().encode(all.map((certificate) => `${certificate.trimEnd()}\n`).join(""));
}

function text(path: string, content: string): FolderFile {
  return { path, mode: 0o644, content: new TextEncoder().encode(content) };
}
