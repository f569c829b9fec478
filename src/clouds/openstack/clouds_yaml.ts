/**
 * clouds.yaml, the file in which OpenStack's users keep their clouds (openstacksdk, "Configuring OpenStack SDK
 * Applications"): where it is looked for, and one entry of it with its secrets from secure.yaml.
 */

import * as v from "valibot";
import { parseDocument } from "yaml";
import { CloudError } from "../cloud_error.ts";

const scalarSchema = v.union([v.string(), v.number(), v.boolean(), v.null()]);

/** One cloud of clouds.yaml, as far as this program reads it; other keys are let be. */
const entrySchema = v.looseObject({
  auth: v.optional(v.record(v.string(), v.unknown())),
  auth_type: v.optional(v.string()),
  region_name: v.optional(v.string()),
  interface: v.optional(v.string()),
  endpoint_type: v.optional(v.string()),
  network_endpoint_override: v.optional(v.string()),
  cacert: v.optional(v.string()),
  verify: v.optional(scalarSchema),
  insecure: v.optional(scalarSchema),
  profile: v.optional(v.string()),
});

const fileSchema = v.looseObject({ clouds: v.optional(v.record(v.string(), entrySchema)) });

/** An entry of clouds.yaml. */
export type CloudsYamlEntry = v.InferOutput<typeof entrySchema>;

/** A found entry and where it was found. */
export interface FoundEntry {
  readonly name: string;
  readonly path: string;
  readonly entry: CloudsYamlEntry;
}

/** How files and variables are read; a function each, so that tests need neither. */
export interface CloudsYamlSource {
  readonly environment: (name: string) => string | undefined;
  /** The text of a file, or null if there is none. */
  readonly readFile: (path: string) => string | null;
}

/**
 * Finds an entry of the first clouds.yaml that there is.
 *
 * @param name the entry, or null: then the file's only one.
 * @returns null if no name is given and there is no file.
 * @throws {CloudError} of kind `invalid` if the file cannot be understood, has no such entry, or has several to choose from.
 */
export function findCloud(name: string | null, source: CloudsYamlSource): FoundEntry | null {
  const file = readFirst("clouds", "OS_CLIENT_CONFIG_FILE", source);
  if (file === null) {
    if (name === null) return null;
    const places = candidates("clouds", "OS_CLIENT_CONFIG_FILE", source).join(", ");
    throw new CloudError(
      "invalid",
      `Cannot find cloud "${name}": there is no clouds.yaml (looked for ${places})`,
    );
  }
  const chosen = name ?? onlyName(file);
  const entry = file.clouds[chosen];
  if (entry === undefined) {
    const names = Object.keys(file.clouds).join(", ") || "none";
    throw new CloudError("invalid", `Cannot find cloud "${chosen}" in ${file.path}: it has ${names}`);
  }
  const secrets = readFirst("secure", "OS_CLIENT_SECURE_FILE", source)?.clouds[chosen] ?? {};
  const auth = { ...entry.auth, ...secrets.auth };
  return { name: chosen, path: file.path, entry: { ...entry, ...secrets, auth } };
}

interface CloudsFile {
  readonly path: string;
  readonly clouds: Readonly<Record<string, CloudsYamlEntry>>;
}

/** The search path of openstacksdk: the working directory, the user's folders, the machine's. */
function candidates(base: "clouds" | "secure", override: string, source: CloudsYamlSource): string[] {
  const home = source.environment("HOME");
  const configHome = source.environment("XDG_CONFIG_HOME");
  const folders = [
    ".",
    ...(configHome === undefined ? [] : [`${configHome}/openstack`]),
    ...(home === undefined ? [] : [`${home}/.config/openstack`]),
    "/etc/openstack",
  ];
  const given = source.environment(override);
  const files = folders.flatMap((folder) => ["yaml", "yml", "json"].map((end) => `${folder}/${base}.${end}`));
  return given === undefined ? files : [given, ...files];
}

function readFirst(base: "clouds" | "secure", override: string, source: CloudsYamlSource): CloudsFile | null {
  for (const path of candidates(base, override, source)) {
    const text = source.readFile(path);
    if (text !== null) return { path, clouds: parseFile(path, text) };
  }
  return null;
}

/** JSON is YAML, so one parser reads both. */
function parseFile(path: string, text: string): Readonly<Record<string, CloudsYamlEntry>> {
  const document = parseDocument(text);
  const [flaw] = document.errors;
  if (flaw !== undefined) {
    // No cause: the parser's own message shows the line, and that may hold a secret.
    const line = flaw.linePos?.[0].line ?? "?";
    throw new CloudError("invalid", `Cannot read ${path}: it is not YAML (line ${line})`);
  }
  const result = v.safeParse(fileSchema, document.toJS() ?? {});
  if (!result.success) {
    // The issues' own texts quote the values, and those may be secrets.
    const where = result.issues.map((issue) => v.getDotPath(issue) ?? "the whole").join(", ");
    throw new CloudError("invalid", `Cannot read ${path}: it is not made as clouds.yaml is at ${where}`);
  }
  return result.output.clouds ?? {};
}

function onlyName(file: CloudsFile): string {
  const [first, ...others] = Object.keys(file.clouds);
  if (first !== undefined && others.length === 0) return first;
  const names = Object.keys(file.clouds).join(", ") || "none";
  throw new CloudError(
    "invalid",
    `Cannot choose a cloud of ${file.path}: it has ${names}; name one with -os-cloud or OS_CLOUD`,
  );
}
