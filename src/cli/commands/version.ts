/** `version`: version, Deno and commit. */

import { commit, version as programVersion } from "../build_information.ts";
import type { CommandContext } from "../context.ts";

/** Runs the command. @returns the exit code. */
export function version(context: Pick<CommandContext, "print">): number {
  context.print(versionText());
  return 0;
}

/** The line that it prints. */
export function versionText(): string {
  return `cloudroutesync ${programVersion} (deno ${Deno.version.deno}, commit ${commit})\n`;
}
