/** Copies the files of a folder. */

import { join } from "node:path";

/** Makes a folder and copies those files of another into it whose names are wanted. */
export async function copy(from: string, to: string, wanted: (name: string) => boolean): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile && wanted(name)) await Deno.copyFile(join(from, name), join(to, name));
  }
}
