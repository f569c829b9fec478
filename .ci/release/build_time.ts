/** The one time that a release carries, so that the same commit makes the same bytes. */

import { tryRun } from "../shell.ts";

/** Seconds since the epoch: when the checked out commit was made; 0 outside a repository. */
export async function buildTime(repository: string): Promise<number> {
  const { success, output } = await tryRun(["git", "-C", repository, "log", "-1", "--format=%ct"]);
  return success ? Number(output.trim()) : 0;
}
