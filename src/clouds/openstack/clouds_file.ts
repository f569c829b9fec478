/** The files of openstacksdk (clouds.yaml, secure.yaml, clouds-public.yaml): where they are looked for, and what stands in them. */

import * as v from "valibot";
import { parseDocument, visit } from "yaml";
import { CloudError } from "../cloud_error.ts";

/** One cloud of a file; only what the program reads is looked at. */
const entrySchema = v.looseObject({
  auth: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
});

const entriesSchema = v.optional(v.nullable(v.record(v.string(), v.nullable(entrySchema))));

const fileSchema = v.nullable(v.looseObject({ clouds: entriesSchema, "public-clouds": entriesSchema }));

/** A cloud of a file. Its keys have underscores; numbers and truth values are the texts that stand in the file. */
export interface CloudsEntry {
  readonly auth?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** A file that was found, and its clouds by name. */
export interface CloudsFile {
  readonly path: string;
  readonly entries: Readonly<Record<string, CloudsEntry>>;
}

/** How files and variables are read; a function each, so that tests need neither. */
export interface CloudsSource {
  readonly environment: (name: string) => string | undefined;
  /** The text of a file, or null if there is none. */
  readonly readFile: (path: string) => string | null;
}

/** The files' names without their ends, and the variable that names each. */
const variables = {
  clouds: "OS_CLIENT_CONFIG_FILE",
  secure: "OS_CLIENT_SECURE_FILE",
  "clouds-public": null,
} as const;

/** Which file: the clouds, their secrets, or the profiles of vendors. */
export type CloudsFileName = keyof typeof variables;

/** The search path of openstacksdk: the working directory, the user's folders, the machine's. */
export function searchPath(base: CloudsFileName, source: CloudsSource): string[] {
  const home = source.environment("HOME");
  const configHome = source.environment("XDG_CONFIG_HOME");
  const folders = [
    ".",
    ...(configHome === undefined ? [] : [`${configHome}/openstack`]),
    ...(home === undefined ? [] : [`${home}/.config/openstack`]),
    "/etc/openstack",
  ];
  const variable = variables[base];
  const given = variable === null ? undefined : source.environment(variable);
  const files = folders.flatMap((folder) => ["yaml", "yml", "json"].map((end) => `${folder}/${base}.${end}`));
  return given === undefined ? files : [given, ...files];
}

/**
 * Reads the first file of the search path that there is.
 *
 * @returns null if there is none.
 * @throws {CloudError} of kind `invalid` if it cannot be understood; the error quotes no value, which may be a secret.
 */
export function readFirst(base: CloudsFileName, source: CloudsSource): CloudsFile | null {
  for (const path of searchPath(base, source)) {
    const text = source.readFile(path);
    if (text !== null) {
      const file = parseFile(path, text);
      const entries = (base === "clouds-public" ? file?.["public-clouds"] : file?.clouds) ?? {};
      return { path, entries: mapValues(entries, (entry) => entryOf(entry ?? {})) };
    }
  }
  return null;
}

/** An entry as it is used: dashes in names are underscores (openstacksdk takes both). */
export function entryOf(given: Readonly<Record<string, unknown>>): CloudsEntry {
  const { auth, ...rest } = withUnderscores(given);
  return v.is(v.record(v.string(), v.unknown()), auth) ? { ...rest, auth: withUnderscores(auth) } : rest;
}

/** Two entries as one; where both have a value the second's counts. */
export function merge(below: CloudsEntry, above: CloudsEntry): CloudsEntry {
  return { ...below, ...above, auth: { ...below.auth, ...above.auth } };
}

/** JSON is YAML, so one parser reads both. */
function parseFile(path: string, text: string): v.InferOutput<typeof fileSchema> {
  const document = parseDocument(text, { merge: true });
  const [flaw] = document.errors;
  if (flaw !== undefined) {
    // No cause: the parser's own message shows the line, and that may hold a secret.
    const line = flaw.linePos?.[0].line ?? "?";
    throw new CloudError("invalid", `Cannot read ${path}: it is not YAML (line ${line})`);
  }
  visit(document, {
    // A project id of digits alone, or a password such as 1e10, is a text to everybody but YAML.
    Scalar: (_key, node): void => {
      if (node.value !== null && typeof node.value !== "string") {
        node.value = node.source ?? String(node.value);
      }
    },
  });
  const result = v.safeParse(fileSchema, document.toJS());
  if (result.success) return result.output;
  // The issues' own texts quote the values, and those may be secrets.
  const where = result.issues.map((issue) => v.getDotPath(issue) ?? "the whole").join(", ");
  throw new CloudError(
    "invalid",
    `Cannot read ${path}: it is not a valid clouds.yaml: unexpected at ${where}`,
  );
}

function withUnderscores(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key.replaceAll("-", "_"), value]));
}

function mapValues<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
