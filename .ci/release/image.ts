/** The container image as an OCI layout (image-spec 1.1), written without a container engine, for all machines at once. */

import { dirname, join } from "node:path";
import { run } from "../shell.ts";
import { BlobStore, type Descriptor } from "./blob_store.ts";
import { type DebianPackage, unpackDebianPackages } from "./debian_packages.ts";
import {
  type BaseFiles,
  baseFiles,
  imageLicences,
  imageProgram,
  imageState,
  imageUser,
} from "./image_root.ts";
import { settle, writeFolder } from "./folder.ts";
import type { Machine } from "./machine.ts";

/** What the image is made from. */
export interface ImageOptions {
  readonly version: string;
  readonly revision: string;
  readonly executables: readonly { readonly machine: Machine; readonly path: string }[];
  /** Of everything in the executables. */
  readonly licences: string;
  /** Path of the archive to write. */
  readonly output: string;
  /** Seconds since the epoch, of every file and of the image. */
  readonly time: number;
  /** How hard gzip tries, 0 to 9. */
  readonly level: number;
}

/** What was made. */
export interface Image {
  /** `sha256:…` of the index, by which a registry knows the image. */
  readonly digest: string;
  readonly packages: readonly DebianPackage[];
}

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
} as const;

/** Makes the image's archive. @throws {Error} if packages cannot be fetched or a file cannot be written. */
export async function makeImage(options: ImageOptions): Promise<Image> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-image-" });
  try {
    const layout = join(folder, "layout");
    const store = await BlobStore.create(layout, options.level);
    const manifests: Descriptor[] = [];
    const packages: DebianPackage[] = [];
    for (const { machine, path } of options.executables) {
      const root = join(folder, machine.name);
      const unpacked = await unpackDebianPackages(machine, root);
      packages.push(...unpacked);
      const base = await baseFiles(machine, root, unpacked, path);
      manifests.push(await machineManifest(store, options, machine, base, path));
    }
    const index = await store.json(types.index, { schemaVersion: 2, mediaType: types.index, manifests });
    await writeLayout(layout, { ...index, annotations: { [refName]: options.version } });
    await settle(layout, options.time);
    await pack(layout, options.output, options.time);
    return { digest: index.digest, packages };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const refName = "org.opencontainers.image.ref.name";

/** The image of one machine: two layers, of which the lower changes with Debian alone. */
async function machineManifest(
  store: BlobStore,
  options: ImageOptions,
  machine: Machine,
  base: BaseFiles,
  executable: string,
): Promise<Descriptor> {
  const layers = [
    await store.layer((folder, archive) => baseLayer(folder, archive, base, options.time)),
    await store.layer((folder, archive) => programLayer(folder, archive, executable, options)),
  ];
  const config = await store.json(types.config, {
    ...imageConfig(options, machine),
    rootfs: { type: "layers", diff_ids: layers.map(({ uncompressed }) => uncompressed) },
  });
  const manifest = await store.json(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  return { ...manifest, platform: { os: "linux", architecture: machine.architecture } };
}

/** How the image runs by itself: as a user without rights, with its ledger on a volume. */
function imageConfig(options: ImageOptions, { architecture }: Machine): Record<string, unknown> {
  return {
    created: new Date(options.time * 1000).toISOString(),
    os: "linux",
    architecture,
    config: {
      User: `${imageUser}:${imageUser}`,
      Entrypoint: [`/${imageProgram}`],
      Cmd: ["run"],
      Env: ["DENO_TLS_CA_STORE=mozilla,system"],
      WorkingDir: `/${imageState}`,
      Volumes: { [`/${imageState}`]: {} },
      Labels: {
        "org.opencontainers.image.title": "cloudroutesync",
        "org.opencontainers.image.version": options.version,
        "org.opencontainers.image.revision": options.revision,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": "https://github.com/networkop/cloudroutesync",
      },
    },
  };
}

async function baseLayer(folder: string, archive: string, base: BaseFiles, time: number): Promise<void> {
  for (const { path, target } of base.links) {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.symlink(target, join(folder, path));
  }
  await writeFolder(folder, base.files, time);
  await pack(folder, archive, time);
}

async function programLayer(
  folder: string,
  archive: string,
  executable: string,
  { licences, time }: Pick<ImageOptions, "licences" | "time">,
): Promise<void> {
  const program = { path: imageProgram, mode: 0o755, content: await Deno.readFile(executable) };
  const notice = { path: imageLicences, mode: 0o644, content: new TextEncoder().encode(licences) };
  await Deno.mkdir(join(folder, dirname(imageState)), { recursive: true });
  await writeFolder(folder, [program, notice], time);
  await pack(folder, archive, time);
  // The one thing that is the user's own.
  await Deno.mkdir(join(folder, imageState));
  const own = [`--owner=${imageUser}`, `--group=${imageUser}`, "--mode=0700"];
  await run([...tar(time), ...own, "--append", `--file=${archive}`, imageState], { folder });
}

/** Packs all of a folder. */
async function pack(folder: string, archive: string, time: number): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const root = ["--owner=0", "--group=0"];
  await run([...tar(time), ...root, "--create", `--file=${archive}`, ...names], { folder });
}

function tar(time: number): string[] {
  return ["tar", "--format=gnu", "--sort=name", "--numeric-owner", `--mtime=@${time}`];
}

async function writeLayout(layout: string, index: Descriptor): Promise<void> {
  await Deno.writeTextFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const content = { schemaVersion: 2, mediaType: types.index, manifests: [index] };
  await Deno.writeTextFile(join(layout, "index.json"), JSON.stringify(content));
}
