/**
 * The pair that compiles where Deno's own download site cannot be reached: a Deno, and the `denort` of the same version (the
 * runtime that `deno compile` puts in front of the program). Both come out of Python wheels, because npm has no Deno of this version.
 *
 *     deno run --allow-all .ci/denort.ts      # provides the Deno of the pair and prints its path
 *
 * The wheel with denort holds an output of `deno compile`: denort, then its embedded files. An ELF file ends with its
 * section headers, so denort is what lies before `e_shoff + e_shentsize × e_shnum`. The checksums of all are pinned.
 */

import { join, resolve } from "node:path";
import { run } from "./shell.ts";

/** The machines that the program is built for, as Deno names them. */
export type Target = "x86_64-unknown-linux-gnu" | "aarch64-unknown-linux-gnu";

/** Version of the pair, hence of the runtime in an executable that it compiled. */
export const fallbackVersion = "2.6.10";

/** A program in a Python wheel. */
interface Wheel {
  /** The package with its version, as pip takes it. */
  readonly requirement: string;
  /** Where the program lies in the wheel. */
  readonly program: string;
  /** For each machine the wheel's platform and the SHA-256 of what is taken out of it. */
  readonly sources: Readonly<Record<Target, { readonly platform: string; readonly sha256: string }>>;
}

const denortWheel: Wheel = {
  requirement: "bids-validator-deno==2.4.1",
  program: "bids_validator_deno-2.4.1.data/scripts/bids-validator-deno",
  sources: {
    "x86_64-unknown-linux-gnu": {
      platform: "manylinux_2_28_x86_64",
      sha256: "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2",
    },
    "aarch64-unknown-linux-gnu": {
      platform: "manylinux_2_28_aarch64",
      sha256: "ee39b54b2f465eae3f1dd3d79495e1ef957fae69ff4f6ad118499986b714d494",
    },
  },
};

const denoWheel: Wheel = {
  requirement: `deno==${fallbackVersion}`,
  program: `deno-${fallbackVersion}.data/scripts/deno`,
  sources: {
    "x86_64-unknown-linux-gnu": {
      platform: "manylinux_2_27_x86_64",
      sha256: "bb9513ce8a9a7a976a77e0a32c5818035fb72dff6364afc5b8659594ba4a6139",
    },
    "aarch64-unknown-linux-gnu": {
      platform: "manylinux_2_27_aarch64",
      sha256: "5ecf8317e717e267c4cf161048f99b7addbccb1804a90d506437a7bc003c7616",
    },
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
  return await programOf(
    denortWheel,
    target,
    withoutEmbeddedFiles,
    join(cache, `denort-${fallbackVersion}-${target}`),
  );
}

/**
 * Provides Deno {@linkcode fallbackVersion} for this machine.
 *
 * @param cache folder that keeps it from one build to the next.
 * @returns its path.
 * @throws {Error} as {@linkcode denortFor}.
 */
export async function fallbackDeno(cache: string): Promise<string> {
  const target: Target = `${Deno.build.arch}-unknown-linux-gnu`;
  return await programOf(
    denoWheel,
    target,
    (bytes) => bytes,
    join(cache, `deno-${fallbackVersion}-${target}`),
  );
}

/** @param kept path of the program in the cache. */
async function programOf(
  wheel: Wheel,
  target: Target,
  extract: (program: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  kept: string,
): Promise<string> {
  const { platform, sha256 } = wheel.sources[target];
  if (await fileDigest(kept) === sha256) return kept;
  const folder = await Deno.makeTempDir({ prefix: "denort-" });
  try {
    const bytes = extract(await download(wheel, platform, folder));
    const actual = await digest(bytes);
    if (actual !== sha256) {
      throw new Error(
        `Cannot use ${wheel.requirement} for ${target}: SHA-256 of its program is ${actual}, not ${sha256}`,
      );
    }
    await moveIntoPlace(bytes, kept);
    return kept;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Written beside it and renamed, so that a build at the same time never sees half of it. */
async function moveIntoPlace(bytes: Uint8Array<ArrayBuffer>, path: string): Promise<void> {
  const folder = resolve(path, "..");
  await Deno.mkdir(folder, { recursive: true });
  const partial = await Deno.makeTempFile({ dir: folder });
  await Deno.writeFile(partial, bytes);
  await Deno.chmod(partial, 0o755);
  await Deno.rename(partial, path);
}

/** The wheel's program. */
async function download(wheel: Wheel, platform: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const { requirement, program } = wheel;
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
  const place = [`--platform=${platform}`, `--dest=${folder}`];
  await run(["python3", "-m", "pip", "download", ...options, ...place, requirement]);
  for await (const { name } of Deno.readDir(folder)) {
    await run(["python3", "-m", "zipfile", "-e", join(folder, name), folder]);
    return await Deno.readFile(join(folder, program));
  }
  throw new Error(`Cannot find the wheel ${requirement} in ${folder}: the folder is empty`);
}

/** The ELF file without what was appended to it (offsets of `Elf64_Ehdr`, elf.h). */
function withoutEmbeddedFiles(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const header = new DataView(file.buffer, file.byteOffset, 64);
  if (header.getUint32(0) !== 0x7f454c46) {
    throw new Error(`Cannot read ${denortWheel.program}: it is no ELF file`);
  }
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

if (import.meta.main) {
  const repository = resolve(import.meta.dirname ?? ".", "..");
  const path = await fallbackDeno(cacheFolder(repository));
  await Deno.stdout.write(new TextEncoder().encode(`${path}\n`));
}
