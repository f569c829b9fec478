/** Where this program keeps its ledgers and locks, and how a table is locked and its ledger opened. */

import { getLogger } from "@logtape/logtape";
import { LockFile } from "../../ffi/lock_file.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Cloud, CloudTable } from "../clouds/cloud.ts";
import { Ledger, type LedgerUse } from "../sync/ledger.ts";
import { memoryStore } from "../sync/ledger_store.ts";
import type { LedgerHeader } from "../sync/ledger_text.ts";
import { ledgerFile, wasBegun } from "../sync/ledger_file.ts";
import { OpenTableError } from "../sync/open_table_error.ts";
import { folderFault, folderRemedy } from "./folder_fault.ts";
import type { Settings } from "./settings.ts";

/** Another process keeps the same table for the same owner. */
export class SecondInstanceError extends OpenTableError {
  override readonly name = "SecondInstanceError";

  constructor(message: string) {
    super(message, false);
  }
}

/** The state of a run cannot be kept. */
export class StateFolderError extends OpenTableError {
  override readonly name = "StateFolderError";
}

const log = getLogger(["cloudroutesync", "state"]);
const defaultFolder = "/var/lib/cloudroutesync";

/** The state folder: `-state`, else what systemd gives (`StateDirectory=`), else /var/lib/cloudroutesync. */
export function stateFolder(settings: Settings, environment: (name: string) => string | undefined): string {
  const given = settings.stateFolder ?? environment("STATE_DIRECTORY")?.split(":")[0];
  return given === undefined || given === "" ? defaultFolder : given;
}

/**
 * Whether locks, settings and socket stand beside the embedded cloud's file: unless `-state` names a folder, as it must where routers
 * of a group share the file.
 */
export function isBesideFile(cloud: string | null, settings: Pick<Settings, "stateFolder">): boolean {
  return cloud === "local" && settings.stateFolder === null;
}

/** Opens tables for a run: one lock and, where the cloud has no marks, one ledger each. */
export class TableKeeper implements Disposable {
  readonly #libc: Libc;
  readonly #cloud: Pick<Cloud, "name" | "traits">;
  readonly #settings: Settings;
  /** The state folder. */
  readonly folder: string;
  readonly #locks: LockFile[] = [];

  constructor(libc: Libc, cloud: Pick<Cloud, "name" | "traits">, settings: Settings, folder: string) {
    this.#libc = libc;
    this.#cloud = cloud;
    this.#settings = settings;
    this.folder = folder;
  }

  /**
   * Locks a table against a second instance of the same owner and opens its ledger.
   *
   * @returns null where the routes carry marks.
   * @throws {SecondInstanceError} naming the other process; {@linkcode StateFolderError} if the folder cannot be used.
   */
  async open(table: CloudTable): Promise<LedgerUse | null> {
    const stem = this.#stemOf(table);
    await this.#lock(stem, table);
    if (this.#cloud.traits.ownership === "mark") return null;
    return await this.#openLedger(`${stem}.jsonl`, table);
  }

  /** Reads a table's ledger without locking or changing anything: for `plan` and `explain`. */
  async peek(table: CloudTable): Promise<LedgerUse | null> {
    if (this.#cloud.traits.ownership === "mark") return null;
    const path = `${this.#stemOf(table)}.jsonl`;
    try {
      const content = await ledgerFile(path).read();
      const { ledger } = await Ledger.open(memoryStore(content), this.#headerOf(table));
      return { ledger, proven: await wasBegun(path) };
    } catch (cause) {
      throw this.#error(`read the ledger ${path}`, cause);
    }
  }

  /** Where the errors of a running instance lie. */
  statusFile(table: Pick<CloudTable, "id">): string {
    return `${this.#stemOf(table)}.status.json`;
  }

  [Symbol.dispose](): void {
    for (const lock of this.#locks) lock[Symbol.dispose]();
    this.#locks.length = 0;
  }

  #stemOf(table: Pick<CloudTable, "id">): string {
    const { owner } = this.#settings;
    if (isBesideFile(this.#cloud.name, this.#settings)) return `${table.id}.${owner}`;
    const name = table.id.replace(/^.*\/(?=.)/, "").replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(-64);
    return `${this.folder}/${this.#cloud.name}.${name}.${hash(table.id)}.${owner}`;
  }

  async #lock(stem: string, table: CloudTable): Promise<void> {
    try {
      if (!isBesideFile(this.#cloud.name, this.#settings)) {
        await Deno.mkdir(this.folder, { recursive: true, mode: 0o700 });
      }
      const lock = LockFile.take(this.#libc, `${stem}.lock`, Deno.pid);
      if (lock instanceof LockFile) {
        this.#locks.push(lock);
        return;
      }
      throw new SecondInstanceError(
        `Cannot keep table ${table.name} in step: process ${lock} does so already for owner ${this.#settings.owner}; ` +
          "stop that process first; two that are to run side by side need an -owner each",
      );
    } catch (cause) {
      if (cause instanceof SecondInstanceError) throw cause;
      const error = this.#error(`use the state folder ${this.folder} for table ${table.name}`, cause);
      if (this.#cloud.traits.ownership === "ledger") throw error;
      log.warn("{message}; continuing without a lock against a second instance", {
        event: "no-lock",
        message: error.message,
      });
    }
  }

  async #openLedger(path: string, table: CloudTable): Promise<LedgerUse> {
    try {
      const onGone = (): void => this.#logGone(path, table);
      const { ledger, warning } = await Ledger.open(ledgerFile(path), this.#headerOf(table), onGone);
      const proven = await wasBegun(path);
      // What follows from a loss is said with it, once the table is to be read.
      if (warning !== null && !(ledger.lost && proven)) {
        log.warn("{warning}{next}", {
          event: "ledger",
          warning,
          next: ledger.lost
            ? "; a new one is begun from what the table shows, and no action is needed"
            : "; no action is needed",
        });
      }
      return { ledger, proven, broken: warning };
    } catch (cause) {
      throw this.#error(`open the ledger ${path}`, cause);
    }
  }

  /** A ledger was gone and is there again: its lock may have gone with it, and would keep nobody out. */
  #logGone(path: string, table: CloudTable): void {
    log.warn(
      "The ledger {path} was deleted or replaced while in use; it was rewritten, whole, from memory, and no action is needed",
      {
        event: "ledger-gone",
        path,
      },
    );
    const lock = LockFile.take(this.#libc, `${this.#stemOf(table)}.lock`, Deno.pid);
    // Held by this very process unless the file went away, too, and another instance was quicker.
    if (lock instanceof LockFile) this.#locks.push(lock);
    else if (lock !== Deno.pid) {
      log.error("Process {lock} keeps table {table} too since the lock was deleted: stop one of the two", {
        event: "second-instance",
        lock,
        table: table.name,
      });
    }
  }

  /** @param action a verb phrase that names the folder or a file in it. */
  #error(action: string, cause: unknown): StateFolderError {
    const { why, heals } = folderFault(cause);
    const otherwise = this.#cloud.name === "local"
      ? "name a file elsewhere with -local-file"
      : "name another folder with -state";
    return new StateFolderError(`Cannot ${action}: ${why}; ${folderRemedy(cause, otherwise)}`, heals, cause);
  }

  #headerOf(table: CloudTable): LedgerHeader {
    return { cloud: this.#cloud.name, table: table.id, owner: this.#settings.owner };
  }
}

/** FNV-1a, 32 bits: keeps tables of one name in different accounts apart. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value.toString(16).padStart(8, "0");
}
