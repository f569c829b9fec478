/**
 * The software bill of materials: every package of deno.lock, and whether the executable holds it; Debian's packages of which
 * the image has files (CycloneDX 1.6).
 */

import { join } from "node:path";
import configuration from "../deno.json" with { type: "json" };
import type { DebianPackage } from "./release/debian_packages.ts";

/** What is read of deno.lock. */
export interface LockFile {
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

/** A package, or the runtime. */
export interface Component {
  readonly type: "library" | "platform";
  readonly name: string;
  readonly version: string;
  /** Package URL. */
  readonly purl: string;
  /** `required`: in the executable; `excluded`: used to build or test it. */
  readonly scope: "required" | "excluded";
  readonly hashes?: readonly { readonly alg: "SHA-256" | "SHA-512"; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
}

/** What the bill is made from. */
export interface BillOptions {
  readonly lock: LockFile;
  /** Paths of the bundled files: those below node_modules name the packages that are in the executable. */
  readonly bundledFiles: readonly string[];
  /** Version of the Deno inside the executable. */
  readonly denoVersion: string;
  /** The repository, whose node_modules tells the licences. */
  readonly repository: string;
  /** Debian's packages in the image. */
  readonly imagePackages: readonly DebianPackage[];
}

/** Makes the bill. It carries no time and no serial number, so the same sources make the same bill. */
export async function billOfMaterials(options: BillOptions): Promise<Readonly<Record<string, unknown>>> {
  const { name, version } = configuration;
  const packages = Object.entries(options.lock.npm);
  const components = await Promise.all(
    packages.map(([key, { integrity }]) => component(key, integrity, options)),
  );
  const deno = options.denoVersion;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", name, version, licenses: [{ expression: "Apache-2.0" }] } },
    components: [runtime(deno), ...components, ...options.imagePackages.map(debianComponent)],
  };
}

function runtime(version: string): Component {
  const purl = `pkg:github/denoland/deno@v${version}`;
  return {
    type: "platform",
    name: "deno",
    version,
    purl,
    scope: "required",
    licenses: [{ expression: "MIT" }],
  };
}

/** A package of which the image alone has files. */
function debianComponent({ name, version, architecture, licence, sha256 }: DebianPackage): Component {
  return {
    type: "library",
    name,
    version,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
    scope: "required",
    hashes: [{ alg: "SHA-256", content: sha256 }],
    licenses: [{ expression: licence }],
  };
}

/** @param key `@azure/identity@4.14.1`, with `_peer@version` behind it where a package has peers. */
async function component(key: string, integrity: string, options: BillOptions): Promise<Component> {
  const at = key.indexOf("@", 1);
  const name = key.slice(0, at);
  const version = key.slice(at + 1).split("_")[0] ?? "";
  const folder = `${name.replaceAll("/", "+")}@${version}`;
  const bundled = options.bundledFiles.some((path) => path.includes(`node_modules/.deno/${folder}/`));
  const licence = await licenceOf(
    join(options.repository, "node_modules/.deno", folder, "node_modules", name),
  );
  return {
    type: "library",
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    scope: bundled ? "required" : "excluded",
    hashes: [{ alg: "SHA-512", content: hexOf(integrity) }],
    ...(licence === null ? {} : { licenses: [{ expression: licence }] }),
  };
}

/** Subresource integrity (`sha512-BASE64`) as hexadecimal. */
function hexOf(integrity: string): string {
  return Uint8Array.fromBase64(integrity.replace(/^sha512-/, "")).toHex();
}

/** The licence that a package declares; null where it is not installed here (another platform's) or declares none. */
async function licenceOf(folder: string): Promise<string | null> {
  try {
    const text = await Deno.readTextFile(join(folder, "package.json"));
    const { license } = JSON.parse(text) as { readonly license?: unknown };
    return typeof license === "string" ? license : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
