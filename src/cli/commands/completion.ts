/** `completion`: the script that teaches a shell the program's commands, flags and values. */

import { UsageError } from "../usage_error.ts";
import { completionFor } from "../completion/completion.ts";
import { shellNames } from "../completion/shells.ts";
import type { CommandContext } from "../context.ts";

/** Runs the command. @returns the exit code. @throws {UsageError} for a shell that it does not know. */
export function completion(context: Pick<CommandContext, "words" | "print">): number {
  const shell = shellNames.find((name) => name === context.words[0]);
  if (shell === undefined) {
    throw new UsageError(
      `Cannot complete for "${context.words[0] ?? ""}": known shells are ${shellNames.join(", ")}`,
    );
  }
  context.print(completionFor(shell));
  return 0;
}
