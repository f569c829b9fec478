/** The shells that completions are made for. */

/** A shell. */
export type Shell = "bash" | "zsh" | "fish";

/** All of them. */
export const shellNames: readonly Shell[] = ["bash", "zsh", "fish"];
