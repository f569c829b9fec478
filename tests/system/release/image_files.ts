/** The image of a release, unpacked as a container engine would. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { digest } from "../../../.ci/denort.ts";
import { run } from "../../../.ci/shell.ts";
import { machine } from "./release_files.ts";

/** What is read of the image's documents. */
interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
}
interface Documents {
  readonly manifests: readonly Descriptor[];
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** How a container of the image begins. */
export interface ImageConfig {
  readonly architecture: string;
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly config: {
    readonly User: string;
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[];
    readonly Env: readonly string[];
  };
}

/** The unpacked image. */
export interface UnpackedImage {
  /** Folder of its files. */
  readonly root: string;
  readonly config: ImageConfig;
  /** Of all compressed layers, in bytes. */
  readonly packedSize: number;
  /** `sha256:…` of the image for all machines. */
  readonly digest: string;
}

/** Unpacks this machine's image into a folder, and checks each blob against its digest and size. */
export async function unpackImage(archive: string, folder: string): Promise<UnpackedImage> {
  const layout = join(folder, "layout");
  const root = join(folder, "root");
  for (const made of [layout, root]) await Deno.mkdir(made);
  await run(["tar", "--extract", `--file=${archive}`, `--directory=${layout}`]);
  const blob = async (descriptor: Descriptor | undefined): Promise<string> =>
    await checkedBlob(layout, descriptor);
  // The layout is the release's own; a wrong shape fails the assertions.
  const document = async (path: string): Promise<Documents> =>
    JSON.parse(await Deno.readTextFile(path)) as Documents;
  const index = await document(join(layout, "index.json"));
  const all = await document(await blob(index.manifests[0]));
  const mine = all.manifests.find(({ platform }) => platform?.architecture === machine.architecture);
  const manifest = await document(await blob(mine));
  const config = JSON.parse(await Deno.readTextFile(await blob(manifest.config))) as ImageConfig;
  for (const [place, layer] of manifest.layers.entries()) {
    const file = await blob(layer);
    await run(["tar", "--extract", "--gzip", "--same-owner", `--file=${file}`, `--directory=${root}`]);
    const plain = (await run(["sh", "-c", `gzip --decompress --stdout <${file} | sha256sum`])).split(" ")[0];
    assert.equal(`sha256:${plain}`, config.rootfs.diff_ids[place]);
  }
  const packedSize = manifest.layers.reduce((sum, { size }) => sum + size, 0);
  return { root, config, packedSize, digest: index.manifests[0]?.digest ?? "" };
}

async function checkedBlob(layout: string, descriptor: Descriptor | undefined): Promise<string> {
  assert.ok(descriptor, "the image has no such part");
  const path = join(layout, "blobs", descriptor.digest.replace(":", "/"));
  const content = await Deno.readFile(path);
  assert.equal(`sha256:${await digest(content)}`, descriptor.digest);
  assert.equal(content.length, descriptor.size);
  return path;
}
