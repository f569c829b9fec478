/** A ledger as a file in the state folder. */

import { dirname } from "node:path";
import { LedgerGoneError, type LedgerStore } from "./ledger.ts";

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
      const fresh = `${path}.new`;
      await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeDurably(fresh, text, { write: true, create: true, truncate: true });
      await Deno.rename(fresh, path);
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
  using file = await Deno.open(path, { ...options, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await file.syncData();
}

/** A rename is durable only when its folder is synced (rename(2), fsync(2)). */
async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path.slice(0, path.lastIndexOf("/")) || "/", { read: true });
  await folder.sync();
}

async function freeName(stem: string): Promise<string> {
  for (let number = 1;; number++) {
    const name = `${stem}.${number}`;
    if (await readIfThere(name) === null) return name;
  }
}
