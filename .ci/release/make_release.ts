/** The files of a release, one after the other. */

import { join } from "node:path";
import { completionFor } from "../../src/cli/completion/completion.ts";
import { shellNames } from "../../src/cli/completion/shells.ts";
import { commitOf, compile } from "../compile.ts";
import { digest } from "../denort.ts";
import { billOfMaterials, type LockFile } from "../sbom.ts";
import { run } from "../shell.ts";
import { buildTime } from "./build_time.ts";
import { makeDeb } from "./deb.ts";
import { defaultsFile } from "./defaults_file.ts";
import { type Image, makeImage } from "./image.ts";
import { licenceTexts } from "./licence_texts.ts";
import type { Machine } from "./machine.ts";
import { manPage } from "./man_page.ts";

/** What to release. */
export interface ReleaseOptions {
  /** Full path of the sources. */
  readonly repository: string;
  /** Where the files go; what is there goes first. */
  readonly folder: string;
  readonly machines: readonly Machine[];
  readonly version: string;
  /** How hard the compressors try, 0 (for tests: the Debian package is not compressed) to 9. */
  readonly level: number;
  /** Gets a line about what is being made. */
  readonly report: (line: string) => Promise<void>;
}

/** An executable of the release. */
interface Executable {
  readonly machine: Machine;
  readonly path: string;
}

/** Makes a release. @throws {Error} naming what could not be made. */
export async function makeRelease(options: ReleaseOptions): Promise<void> {
  await Deno.mkdir(options.folder, { recursive: true });
  for await (const { name } of Deno.readDir(options.folder)) {
    await Deno.remove(join(options.folder, name), { recursive: true });
  }
  await new Release(options, await buildTime(options.repository)).make();
}

class Release {
  readonly #options: ReleaseOptions;
  /** Seconds since the epoch. */
  readonly #time: number;
  #denoVersion = "";
  #inputs: readonly string[] = [];

  constructor(options: ReleaseOptions, time: number) {
    this.#options = options;
    this.#time = time;
  }

  async make(): Promise<void> {
    const executables = await this.#compileAll();
    await this.#writeTexts();
    for (const executable of executables) await this.#pack(executable);
    const image = await this.#makeImage(executables);
    await this.#writeManifests(image);
    await this.#writeBill(image);
    await this.#writeSums();
  }

  async #compileAll(): Promise<readonly Executable[]> {
    const { repository, version, machines, report } = this.#options;
    const executables: Executable[] = [];
    for (const machine of machines) {
      const path = this.#path(`cloudroutesync-${version}-linux-${machine.name}`);
      await report(`Compiling for ${machine.name}`);
      const entry = join(repository, "main.ts");
      const compiled = await compile({ target: machine.target, output: path, entry });
      this.#denoVersion = compiled.denoVersion;
      this.#inputs = compiled.inputs;
      executables.push({ machine, path });
    }
    return executables;
  }

  /** The files that people read and machines copy. */
  async #writeTexts(): Promise<void> {
    const { repository, version } = this.#options;
    const script = await Deno.readTextFile(new URL("install.sh", import.meta.url));
    const texts = {
      "cloudroutesync.service": await Deno.readTextFile(unitPath(repository)),
      "cloudroutesync.default": defaultsFile(),
      "cloudroutesync.8": this.#manPage(),
      "cloudroutesync.licences": await this.#licences(),
      ...Object.fromEntries(shellNames.map((shell) => [`cloudroutesync.${shell}`, completionFor(shell)])),
      "install.sh": script.replace("@VERSION@", version),
    };
    for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(this.#path(name), text);
  }

  /** The compressed executable and the Debian package. */
  async #pack({ machine, path }: Executable): Promise<void> {
    const { repository, version, level, report } = this.#options;
    await report(`Packing for ${machine.name}`);
    await run(["xz", "--keep", "--threads=1", `-${level}`, path]);
    await makeDeb({
      version,
      machine,
      executable: path,
      unit: unitPath(repository),
      manPage: this.#manPage(),
      licences: await this.#licences(),
      changelog: await Deno.readTextFile(join(repository, "CHANGELOG.md")),
      output: this.#path(`cloudroutesync_${version}_${machine.architecture}.deb`),
      time: this.#time,
      level,
    });
  }

  async #makeImage(executables: readonly Executable[]): Promise<Image> {
    const { repository, version, level, report } = this.#options;
    await report("Packing the image");
    return await makeImage({
      version,
      revision: await commitOf(repository),
      executables,
      licences: await this.#licences(),
      output: this.#path(`cloudroutesync-${version}-image.tar`),
      time: this.#time,
      level,
    });
  }

  /** The manifests for Kubernetes, with the image by its digest. */
  async #writeManifests({ digest: imageDigest }: Image): Promise<void> {
    const folder = join(this.#options.repository, "terraform/kubernetes");
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.endsWith(".yaml")) continue;
      const text = await Deno.readTextFile(join(folder, name));
      const pinned = text.replace(/(image: \S+):\S+/, `$1:${this.#options.version}@${imageDigest}`);
      await Deno.writeTextFile(this.#path(`kubernetes-${name}`), pinned);
    }
  }

  async #writeBill(image: Image): Promise<void> {
    const { repository, version } = this.#options;
    // Deno writes this file; a wrong shape ends here.
    const lock = JSON.parse(await Deno.readTextFile(join(repository, "deno.lock"))) as LockFile;
    const bill = await billOfMaterials({
      lock,
      bundledFiles: this.#inputs,
      denoVersion: this.#denoVersion,
      repository,
      imagePackages: image.packages,
    });
    await Deno.writeTextFile(
      this.#path(`cloudroutesync-${version}.cdx.json`),
      `${JSON.stringify(bill, null, 2)}\n`,
    );
  }

  async #writeSums(): Promise<void> {
    const names = (await Array.fromAsync(Deno.readDir(this.#options.folder))).map(({ name }) => name).sort();
    const lines: string[] = [];
    for (const name of names) {
      lines.push(`${await digest(await Deno.readFile(this.#path(name)))}  ${name}\n`);
    }
    await Deno.writeTextFile(this.#path("SHA256SUMS"), lines.join(""));
  }

  async #licences(): Promise<string> {
    return await licenceTexts(this.#inputs, this.#options.repository);
  }

  #manPage(): string {
    const date = new Date(this.#time * 1000).toISOString().slice(0, 10);
    return manPage({ version: this.#options.version, date });
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }
}

function unitPath(repository: string): string {
  return join(repository, "terraform/cloud-init/cloudroutesync.service");
}
