/** The blobs of an OCI layout, each under its own SHA-256. */

import { join } from "node:path";
import { digest } from "../denort.ts";
import { run } from "../shell.ts";

/** How one blob names another. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A packed layer. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** `sha256:…` of the archive before it was compressed. */
  readonly uncompressed: string;
}

const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

/** See the head of this file. */
export class BlobStore {
  readonly #folder: string;
  readonly #level: number;

  private constructor(folder: string, level: number) {
    this.#folder = folder;
    this.#level = level;
  }

  /** @param layout folder of the layout; it is made. @param level how hard gzip tries, 0 to 9. */
  static async create(layout: string, level: number): Promise<BlobStore> {
    const folder = join(layout, "blobs", "sha256");
    await Deno.mkdir(folder, { recursive: true });
    return new BlobStore(folder, level);
  }

  /** Adds a JSON document. */
  async json(mediaType: string, content: unknown): Promise<Descriptor> {
    return await this.#add(mediaType, new TextEncoder().encode(JSON.stringify(content)));
  }

  /**
   * Adds a layer.
   *
   * @param write fills an empty folder and packs it into the archive named.
   */
  async layer(write: (folder: string, archive: string) => Promise<void>): Promise<Layer> {
    const work = await Deno.makeTempDir({ prefix: "cloudroutesync-layer-" });
    try {
      const archive = join(work, "layer.tar");
      const folder = join(work, "root");
      await Deno.mkdir(folder);
      await write(folder, archive);
      const uncompressed = `sha256:${await digest(await Deno.readFile(archive))}`;
      await run(["gzip", "--no-name", `-${Math.max(1, this.#level)}`, archive]);
      const descriptor = await this.#add(layerType, await Deno.readFile(`${archive}.gz`));
      return { descriptor, uncompressed };
    } finally {
      await Deno.remove(work, { recursive: true });
    }
  }

  async #add(mediaType: string, content: Uint8Array<ArrayBuffer>): Promise<Descriptor> {
    const name = await digest(content);
    await Deno.writeFile(join(this.#folder, name), content);
    await Deno.chmod(join(this.#folder, name), 0o644);
    return { mediaType, digest: `sha256:${name}`, size: content.length };
  }
}
