/** The file of the embedded cloud: read, checked, and changed under a lock, whole or not at all. */

import * as v from "valibot";
import { replaceFile } from "../../async/file_replacement.ts";
import { parsePrefix } from "../../routes/prefix.ts";
import { CloudError, ConfigurationError } from "../cloud_error.ts";
import { TableText } from "./table_text.ts";
import { systemCause, systemCode, writeRemedy } from "../system_cause.ts";

/** Routes the table takes when the file does not say. */
const defaultQuota = 500;

const text = v.string("is not a text");
const prefixSchema = v.pipe(text, v.check((given) => isCanonical(given), "is not a canonical prefix"));
const count = v.pipe(
  v.number("is not a number"),
  v.integer("is not a whole number"),
  v.minValue(0, "is less than 0"),
);
/** A route that names no owner is an operator's. */
const routeSchema = v.looseObject(
  { prefix: prefixSchema, nextHop: text, owner: v.optional(text) },
  "is not an object",
);
const documentSchema = v.looseObject({
  version: count,
  quota: v.optional(count, defaultQuota),
  /** Addresses of routers that the cloud is to say are dead: for trying out a group. */
  dead: v.optional(v.array(text, "is not a list")),
  routes: v.array(routeSchema, "is not a list"),
}, "is not an object");

/** One route of the file. Fields that this program does not know are kept. */
export type LocalRoute = v.InferOutput<typeof routeSchema>;
/** The whole file. `version` grows by one a write. */
export type LocalDocument = v.InferOutput<typeof documentSchema>;

/** The file at a path; it need not exist yet. */
export class LocalFile {
  readonly path: string;
  /** What was read or written last: while the file has the same bytes it is not checked again. */
  #known: { readonly bytes: Uint8Array; readonly document: LocalDocument } | null = null;
  /** What was written last: its lines are taken again for the routes that stay. */
  #written: TableText | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Reads the table; a file that does not exist is an empty one.
   *
   * @throws {CloudError} `malformed` if it is corrupt, `unavailable` if the fault may heal; {@linkcode ConfigurationError} if it is no
   * file that may be read.
   */
  async read(): Promise<LocalDocument> {
    let content: Uint8Array;
    try {
      const kind = await kindOf(this.path);
      if (kind === "nothing") return { version: 0, quota: defaultQuota, routes: [] };
      // A device or a pipe may be read for ever.
      if (kind !== "file") {
        throw new ConfigurationError(`Cannot read local file ${this.path}: it is ${kind}`);
      }
      content = await Deno.readFile(this.path);
    } catch (cause) {
      throw this.#error("read", cause);
    }
    return this.#parse(content);
  }

  /**
   * Changes the table under a lock.
   *
   * @param change makes a new document of the one it gets, or null to leave the file as it is.
   * @throws {CloudError} as {@linkcode read}; a file that is corrupt is left alone.
   */
  update<T extends { readonly document: LocalDocument | null }>(
    change: (document: LocalDocument) => T,
  ): Promise<T & { readonly document: LocalDocument }> {
    return inTurn(this.path, () => this.#updateLocked(change));
  }

  async #updateLocked<T extends { readonly document: LocalDocument | null }>(
    change: (document: LocalDocument) => T,
  ): Promise<T & { readonly document: LocalDocument }> {
    try {
      using lock = await Deno.open(`${this.path}.lock`, { create: true, write: true });
      await lock.lock(true);
      const before = await this.read();
      const result = change(before);
      if (result.document !== null) await this.#replace(result.document);
      return { ...result, document: result.document ?? before };
    } catch (cause) {
      throw this.#error("write", cause);
    }
  }

  /** Finds out, before anything depends on it, whether the file can be written. @throws {CloudError} as {@linkcode read}. */
  async checkWritable(): Promise<void> {
    await this.read();
    try {
      using _lock = await Deno.open(`${this.path}.lock`, { create: true, write: true });
      if (await kindOf(this.path) !== "nothing") {
        using _file = await Deno.open(this.path, { write: true });
      }
    } catch (cause) {
      const sentence = this.#sentence("write", cause);
      // Without its folder the file cannot be made; a read-only file system may be writable later.
      const configured = cause instanceof Deno.errors.NotFound || isForPeople(cause);
      throw configured
        ? new ConfigurationError(sentence, { cause })
        : new CloudError("invalid", sentence, { cause, remedy: remedyOf(cause) });
    }
  }

  /** Writes a new file beside the old and renames it, so that a crash leaves one or the other. */
  async #replace(document: LocalDocument): Promise<void> {
    const text = TableText.of(document, this.#written);
    const { bytes } = text;
    await replaceFile(this.path, bytes, { synced: true });
    this.#known = { bytes, document };
    this.#written = text;
  }

  #parse(bytes: Uint8Array): LocalDocument {
    if (this.#known === null || !equalBytes(this.#known.bytes, bytes)) {
      // A byte order mark is no JSON, and must not go unnoticed.
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      this.#known = { bytes, document: this.#checked(text) };
    }
    return this.#known.document;
  }

  #checked(json: string): LocalDocument {
    let content: unknown;
    try {
      content = JSON.parse(json);
    } catch (cause) {
      throw this.corrupt(`it is not valid JSON: ${jsonFault(cause)}`, cause);
    }
    // The content itself goes on, not what the schema made of it: that has lost the order of the operator's fields.
    if (v.is(documentSchema, content)) {
      return checkUnique({ ...content, quota: content.quota ?? defaultQuota }, this);
    }
    const issue = v.safeParse(documentSchema, content).issues?.[0];
    throw this.corrupt(issue === undefined ? "it is no table" : shapeFault(issue));
  }

  /** The error for a file that is not what it should be. */
  corrupt(why: string, cause?: unknown): CloudError {
    // What is wrong may quote the file, with its line breaks.
    const line = why.replace(/\s+/g, " ").trim();
    return new CloudError("malformed", `Cannot read local file ${this.path}: ${line}`, { cause });
  }

  #error(action: string, cause: unknown): CloudError {
    if (cause instanceof CloudError) return cause;
    const sentence = this.#sentence(action, cause);
    // -local-file names what this user can neither read nor write.
    if (isForPeople(cause)) return new ConfigurationError(sentence, { cause });
    const remedy = action === "write" ? remedyOf(cause) : undefined;
    return new CloudError("unavailable", sentence, { cause, remedy });
  }

  #sentence(action: string, cause: unknown): string {
    return `Cannot ${action} local file ${this.path}: ${systemCause(cause)}`;
  }
}

function remedyOf(cause: unknown): string {
  return writeRemedy(systemCode(cause), "name another file with -local-file");
}

/** What only people can fix, where a full disk or a failing one may heal. */
const forPeople: readonly (abstract new (...args: never) => Error)[] = [
  Deno.errors.IsADirectory,
  Deno.errors.NotADirectory,
  Deno.errors.PermissionDenied,
  Deno.errors.NotCapable,
  Deno.errors.FilesystemLoop,
];

function isForPeople(cause: unknown): boolean {
  return forPeople.some((kind) => cause instanceof kind);
}

/** What is not as it should be, such as `routes.0.nextHop is missing`. */
function shapeFault(issue: v.InferIssue<typeof documentSchema>): string {
  const where = v.getDotPath(issue) ?? "it";
  return `${where} ${issue.received === "undefined" ? "is missing" : issue.message}`;
}

/**
 * What the parser stumbled over, with line and column or else the text around it: V8 says
 * `Expected property name or '}' in JSON at position 1 (line 1 column 2)`, but `Unexpected token 'g', ..."a": [garbage]" is not valid JSON`.
 */
function jsonFault(cause: unknown): string {
  const said = cause instanceof Error ? cause.message : String(cause);
  const [, token, around] =
    /^Unexpected token '(.+)', (?:\.\.\.)?"(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(said) ?? [];
  if (token !== undefined) return `unexpected '${token}' near ${around?.trim()}`;
  const words = said.replace(/ (in JSON )?at position \d+/, "").replace(/ JSON input$/, " the file");
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/** Who writes which path at the moment, in this process. */
const turns = new Map<string, Promise<unknown>>();

/**
 * Lets the writers of one process take turns before they ask for the file's lock: each that waits for a lock holds one of the runtime's
 * threads, and enough of them would leave none for the one that has it.
 */
function inTurn<T>(path: string, write: () => Promise<T>): Promise<T> {
  const mine = (turns.get(path) ?? Promise.resolve()).then(write, write);
  turns.set(path, mine);
  const forget = (): void => {
    if (turns.get(path) === mine) turns.delete(path);
  };
  mine.then(forget, forget);
  return mine;
}

function checkUnique(document: LocalDocument, file: LocalFile): LocalDocument {
  const seen = new Set<string>();
  for (const { prefix } of document.routes) {
    if (seen.has(prefix)) throw file.corrupt(`prefix ${prefix} stands in it twice`);
    seen.add(prefix);
  }
  return document;
}

function isCanonical(text: string): boolean {
  try {
    return parsePrefix(text).text === text;
  } catch {
    return false;
  }
}

/** What stands at a path: a file, nothing, or in words what else. */
async function kindOf(path: string): Promise<string> {
  try {
    const { isFile, isDirectory } = await Deno.stat(path);
    if (isFile) return "file";
    return isDirectory ? "a directory" : "no regular file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    // The one way in which Deno tells of devices and of what the kernel makes up: it opens them for no one.
    if (error instanceof Deno.errors.NotCapable && /^\/(dev|proc|sys)\//.test(path)) return "no regular file";
    throw error;
  }
}

/** Whether two texts are the same; four bytes at a time, since they may have megabytes. */
function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  const length = left.length >> 2;
  const [leftWords, rightWords] = [left, right].map(({ buffer, byteOffset }) =>
    new Uint32Array(buffer, byteOffset, length)
  );
  for (let word = 0; word < length; word++) if (leftWords?.[word] !== rightWords?.[word]) return false;
  for (let at = length * 4; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
