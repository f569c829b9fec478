/**
 * Writes a version to every file that names it: deno.json, Terraform's defaults, Kubernetes' manifests.
 *
 *     deno task version 1.2.0
 *
 * CHANGELOG.md is left to people: the section of the version gets its date there.
 */

import { join } from "node:path";
import { repository } from "./compile.ts";

/** What a version looks like in each file, with the version itself in the second group. */
const places: readonly (readonly [file: string, pattern: RegExp])[] = [
  ["deno.json", /("version": ")([^"]+)(")/],
  ...["aws", "azure", "gcp", "openstack"].flatMap((cloud) => [
    [`terraform/${cloud}/variables.tf`, /(releases\/download\/v)([\d.]+)(\/)/] as const,
    [`terraform/${cloud}/variables.tf`, /(\/cloudroutesync-)([\d.]+)(-linux-)/] as const,
    [`terraform/kubernetes/${cloud}.yaml`, /(image: ghcr\.io\/networkop\/cloudroutesync:)(\S+)()/] as const,
  ]),
];

/** A text with another version. @throws {Error} if it names none. */
export function withVersion(text: string, pattern: RegExp, version: string): string {
  if (!pattern.test(text)) throw new Error(`Cannot set the version: nothing fits ${pattern}`);
  return text.replace(pattern, `$1${version}$3`);
}

async function main(): Promise<void> {
  const [version = ""] = Deno.args;
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`Cannot set the version "${version}": it must be like 1.2.0`);
  }
  for (const [file, pattern] of places) {
    const path = join(repository, file);
    await Deno.writeTextFile(path, withVersion(await Deno.readTextFile(path), pattern, version));
  }
}

if (import.meta.main) await main();
