/** The shells that completions are made for, and what they can offer for the value of a flag. */

import type { Flag } from "../flags.ts";
import { valueChoices } from "../settings.ts";

/** A shell. */
export type Shell = "bash" | "zsh" | "fish";

/** All of them. */
export const shellNames: readonly Shell[] = ["bash", "zsh", "fish"];

/** Words to choose from, paths, or a value that only the user knows (an address, a name, a time). */
export type FlagValues = { readonly words: readonly string[] } | "file" | "folder" | "unknown" | "none";

/** What may follow a flag. `none`: it is on or off, and takes no word. */
export function valuesOf(flag: Flag): FlagValues {
  if (flag.kind === "boolean") return "none";
  const words = valueChoices[flag.name];
  if (words !== undefined) return { words };
  switch (flag.value) {
    case "FILE":
      return "file";
    case "DIR":
      return "folder";
    default:
      return "unknown";
  }
}
