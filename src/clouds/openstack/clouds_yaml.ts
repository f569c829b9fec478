/**
 * clouds.yaml, the file in which OpenStack's users keep their clouds (openstacksdk, "Configuring OpenStack SDK
 * Applications"): one entry of it, with its secrets from secure.yaml.
 */

import { CloudError } from "../cloud_error.ts";
import {
  type CloudsEntry,
  type CloudsFile,
  type CloudsSource,
  merge,
  readFirst,
  searchPath,
} from "./clouds_file.ts";

/** A found entry and where it was found. */
export interface FoundEntry {
  readonly name: string;
  readonly path: string;
  readonly entry: CloudsEntry;
}

/**
 * Finds an entry of the first clouds.yaml that there is.
 *
 * @param name the entry, or null: then the file's only one.
 * @returns null if no name is given and there is no file.
 * @throws {CloudError} of kind `invalid` if the file cannot be understood, has no such entry, or has several to choose from.
 */
export function findCloud(name: string | null, source: CloudsSource): FoundEntry | null {
  const file = readFirst("clouds", source);
  if (file === null) {
    if (name === null) return null;
    const places = searchPath("clouds", source).join(", ");
    throw new CloudError(
      "invalid",
      `Cannot find cloud "${name}": there is no clouds.yaml (looked for ${places})`,
    );
  }
  const chosen = name ?? onlyName(file);
  const entry = file.entries[chosen];
  const secrets = readFirst("secure", source)?.entries[chosen];
  if (entry === undefined && secrets === undefined) {
    const names = Object.keys(file.entries).join(", ") || "none";
    throw new CloudError("invalid", `Cannot find cloud "${chosen}" in ${file.path}: it has ${names}`);
  }
  return { name: chosen, path: file.path, entry: merge(entry ?? {}, secrets ?? {}) };
}

function onlyName(file: CloudsFile): string {
  const [first, ...others] = Object.keys(file.entries);
  if (first !== undefined && others.length === 0) return first;
  const names = Object.keys(file.entries).join(", ") || "none";
  throw new CloudError(
    "invalid",
    `Cannot choose a cloud of ${file.path}: it has ${names}; name one with -os-cloud or OS_CLOUD`,
  );
}
