/** The libraries that an executable cannot start without, and theirs. */

import { join } from "node:path";
import { run } from "../shell.ts";

/**
 * Names of all libraries that an executable needs, directly or by one of them.
 *
 * @param folder where they lie.
 * @throws {Error} if one is not there, or readelf cannot read it.
 */
export async function neededLibraries(executable: string, folder: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const open = [...await neededBy(executable)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...await neededBy(join(folder, name)));
  }
  return [...found].sort();
}

/** The `DT_NEEDED` entries of an ELF file, of whichever machine. */
async function neededBy(file: string): Promise<readonly string[]> {
  const text = await run(["readelf", "--dynamic", "--wide", file]);
  return [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = ""]) => name);
}
