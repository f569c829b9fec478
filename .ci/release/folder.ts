/** A folder of files with fixed modes and times: what packages and images are packed from. */

import { dirname, join } from "node:path";

/** A file of such a folder. */
export interface FolderFile {
  /** Relative to the folder. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** A symbolic link of such a folder. */
export interface FolderLink {
  readonly path: string;
  /** Where it points to. */
  readonly target: string;
}

/**
 * Writes files into an empty folder, whatever the umask.
 *
 * @param time seconds since the epoch, for every file and folder.
 */
export async function writeFolder(folder: string, files: readonly FolderFile[], time: number): Promise<void> {
  for (const { path, mode, content } of files) {
    const full = join(folder, path);
    await Deno.mkdir(dirname(full), { recursive: true });
    await Deno.writeFile(full, content);
    await Deno.chmod(full, mode);
  }
  await settle(folder, time);
}

/** Gives each folder the mode 0755 and everything its time, what lies inside first. */
export async function settle(path: string, time: number): Promise<void> {
  const { isDirectory, isSymlink } = await Deno.lstat(path);
  if (isSymlink) return;
  if (isDirectory) {
    for await (const { name } of Deno.readDir(path)) await settle(join(path, name), time);
    await Deno.chmod(path, 0o755);
  }
  await Deno.utime(path, time, time);
}
