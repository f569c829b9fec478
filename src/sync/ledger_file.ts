/** A ledger as a file in the state folder. */

import { dirname } from "node:path";
import { replaceFile, syncFolder, writeFile } from "../async/file_replacement.ts";
import { LedgerGoneError, type LedgerStore } from "./ledger_store.ts";

/** A ledger is nobody's business but its owner's. */
const mode = 0o600;

/**
 * Opens the store. Nothing is created before the first write, which makes the folder too where it is gone.
 *
 * @param path the file.
 */
export function ledgerFile(path: string): LedgerStore {
  /** The file that was read or written last: another one in its place is somebody else's doing. */
  let known: number | null = null;
  return {
    place: path,
    read: async () => {
      const text = await readIfThere(path);
      known = text === null ? null : await inodeOf(path);
      return text;
    },
    append: async (text) => {
      if (known === null || await inodeOf(path) !== known) {
        throw new LedgerGoneError(`${path} was deleted or replaced while it was in use`);
      }
      await writeDurably(path, text, { append: true });
    },
    replace: async (text) => {
      await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await replaceFile(path, text, { mode, synced: true });
      await syncFolder(path);
      known = await inodeOf(path);
    },
    setAside: async (text) => {
      const place = await freeName(`${path}.set-aside`);
      await writeDurably(place, text, { write: true, createNew: true });
      return place;
    },
    leaveSign: async () => {
      // Empty, so that a full disk seldom keeps it from being made: that is no reason to end a run whose ledger can be read.
      if (!await wasBegun(path)) await writeDurably(signOf(path), "", { write: true, create: true });
      // Even if it was there: a run that died within this call may have left it to the kernel's memory alone.
      await syncFolder(path);
    },
  };
}

/**
 * Whether a ledger was once begun in this file, though it may be lost now. Nothing else proves that this program has written to a
 * table: a lock, for one, is taken before the table was read.
 */
export async function wasBegun(path: string): Promise<boolean> {
  try {
    await Deno.stat(signOf(path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function signOf(path: string): string {
  return `${path}.begun`;
}

/** What tells a file from another one of its name; null where there is none. */
async function inodeOf(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function writeDurably(path: string, text: string, options: Deno.OpenOptions): Promise<void> {
  await writeFile(path, text, { ...options, mode }, true);
}

async function freeName(stem: string): Promise<string> {
  for (let number = 1;; number++) {
    const name = `${stem}.${number}`;
    if (await readIfThere(name) === null) return name;
  }
}
