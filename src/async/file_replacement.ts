/** Files that a crash leaves whole: written beside the old one, renamed into its place and, where it matters, synced to the disk. */

import { dirname } from "node:path";

/** How a file is written. */
export interface FileWriting {
  /** Permissions of a file that is created, before the umask; left out: `rw` for all. */
  readonly mode?: number;
  /** Whether the content is on the disk when the call ends, and not in the kernel's memory alone. */
  readonly synced: boolean;
}

/** Puts a content in the place of a file. A crash leaves the old file or the new one; {@linkcode syncFolder} makes the new one stay. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { mode, synced }: FileWriting,
): Promise<void> {
  const fresh = `${path}.new`;
  const options = { write: true, create: true, truncate: true, ...(mode === undefined ? {} : { mode }) };
  try {
    await writeFile(fresh, content, options, synced);
    await Deno.rename(fresh, path);
  } catch (error) {
    // On a full disk what was written of it takes the last places; where it cannot be removed either, the error tells why.
    await Deno.remove(fresh).catch(() => {});
    throw error;
  }
}

/** Writes a content by a file of its own opening. @param synced see {@linkcode FileWriting.synced}. */
export async function writeFile(
  path: string,
  content: string | Uint8Array,
  options: Deno.OpenOptions,
  synced: boolean,
): Promise<void> {
  using file = await Deno.open(path, options);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  if (synced) await file.syncData();
}

/** A rename is durable only when its folder is synced (rename(2), fsync(2)). @param path of the file that was renamed or created. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(dirname(path), { read: true });
  await folder.sync();
}
