/** Shell completions, made of the tables of commands and flags. */

import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import type { Shell } from "./shells.ts";
import { zshCompletion } from "./zsh.ts";

/** The script that teaches a shell the program's commands, flags and values. */
export function completionFor(shell: Shell): string {
  switch (shell) {
    case "bash":
      return bashCompletion();
    case "zsh":
      return zshCompletion();
    case "fish":
      return fishCompletion();
  }
}
