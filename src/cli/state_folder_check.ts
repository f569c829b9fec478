/** What `doctor` says of the state folder: whether a run of this user could keep its state there, found out by trying. */

import type { Cloud, Finding } from "../clouds/cloud.ts";
import { folderFault, folderRemedy } from "./folder_fault.ts";

const name = "state folder";
/** A file of this many bytes finds out about a full disk, where an empty one would not. */
const probeBytes = 4096;

/**
 * Writes a file there and removes it; a folder that does not exist is made, and removed too.
 *
 * @param cloud where routes carry marks a run goes on without its state.
 */
export async function checkStateFolder(
  folder: string,
  cloud: Pick<Cloud, "name" | "traits">,
): Promise<Finding> {
  try {
    const isNew = await make(folder);
    try {
      await probe(`${folder}/.probe-${Deno.pid}`);
    } finally {
      if (isNew) await Deno.remove(folder);
    }
    return { name, status: "ok", detail: isNew ? `${folder} can be made` : `${folder} can be written` };
  } catch (error) {
    const detail = `Cannot use the state folder ${folder}: ${folderFault(error).why}`;
    const flag = cloud.name === "local" ? "-local-file" : "-state";
    const remedy = folderRemedy(error, `name another with ${flag}`);
    if (cloud.traits.ownership === "ledger") return { name, status: "bad", detail, remedy };
    return {
      name,
      status: "unknown",
      detail: `${detail}; without it nothing keeps out a second instance`,
      remedy,
    };
  }
}

/** @returns whether it was not there. */
async function make(folder: string): Promise<boolean> {
  try {
    await Deno.stat(folder);
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    return true;
  }
}

async function probe(path: string): Promise<void> {
  try {
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    await file.write(new Uint8Array(probeBytes));
    await file.syncData();
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}
