/** The token of `-listen-token-file`: what a browser must send to see page and status at an address that others reach. */

import { getLogger } from "@logtape/logtape";
import { folderFault } from "./folder_fault.ts";
import { UsageError } from "./usage_error.ts";

const log = getLogger(["cloudroutesync", "run"]);
/** A shorter one can be guessed. */
const shortest = 16;
/** The permission bits of a file that let users read it who are neither its owner nor of its group (stat(2), S_IROTH). */
const readableByOthers = 0o004;

/** See the head of this file. */
export class ListenToken {
  readonly #file: string | null;
  #token: string | null = null;

  private constructor(file: string | null) {
    this.#file = file;
  }

  /**
   * Reads the token. @param file null: there is none.
   *
   * @throws {UsageError} if the file cannot be read, or holds no token.
   */
  static async read(file: string | null): Promise<ListenToken> {
    const token = new ListenToken(file);
    if (file !== null) token.#token = await tokenOf(file);
    return token;
  }

  /** The current token; null: none is asked for. */
  get text(): string | null {
    return this.#token;
  }

  /** Reads the file again; if that fails the former token stays in use, and the log says why. */
  async reread(): Promise<void> {
    if (this.#file === null) return;
    try {
      this.#token = await tokenOf(this.#file);
    } catch (error) {
      log.error("{message}; the former token stays in use", {
        event: "token-refused",
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

/** @throws {UsageError} */
async function tokenOf(file: string): Promise<string> {
  const token = (await contentOf(file)).trim();
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < shortest) {
    throw new UsageError(
      `Cannot use the token in ${file} (-listen-token-file): it must be one word of at least ${shortest} visible ASCII characters`,
    );
  }
  return token;
}

async function contentOf(file: string): Promise<string> {
  try {
    const { mode } = await Deno.stat(file);
    if (mode !== null && (mode & readableByOthers) !== 0) {
      log.warn("Every user of this machine can read {file} (-listen-token-file): chmod o-r {file}", {
        event: "token-readable",
        file,
      });
    }
    return await Deno.readTextFile(file);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "there is no such file" : folderFault(cause).why;
    throw new UsageError(`Cannot read the token of ${file} (-listen-token-file): ${why}`, { cause });
  }
}
