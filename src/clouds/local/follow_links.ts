/** Finds the file that symbolic links lead to. */

import { basename, dirname, join, resolve } from "node:path";

/** As many as the kernel follows (path_resolution(7)); more are a loop. */
const mostLinks = 40;

/**
 * The path of the file that a path stands for, which need not exist yet; the path itself where it is no symbolic link. What is renamed
 * over a link would take the link's place, and a lock beside it would not be the one beside the file.
 */
export async function followLinks(path: string): Promise<string> {
  let file = path;
  for (let links = 0; links < mostLinks; links++) {
    const target = await targetOf(file);
    if (target === null) return file;
    file = target;
  }
  return path;
}

/** Null for what is no link, not there, or in a folder that is not there: opening it says why. */
async function targetOf(link: string): Promise<string | null> {
  try {
    const target = await Deno.readLink(link);
    // The folder's own links first: `..` is the parent of where it really is.
    const folder = await Deno.realPath(dirname(link));
    return join(await Deno.realPath(resolve(folder, dirname(target))), basename(target));
  } catch {
    return null;
  }
}
