/** The commands' names and what each does. */

/** A command of the program. */
export type CommandName = "run" | "plan" | "apply" | "routes" | "explain" | "doctor" | "cleanup" | "version";

/** One line a command, for help and README. */
export const commandMeanings: Readonly<Record<CommandName, string>> = {
  run: "keep the cloud's table in step until told to stop (the default)",
  plan: "print what would change; exit 0: nothing, 2: changes, 1: error",
  apply: "one sync, then stop; exit 0: in step, 1: not",
  routes: "print each kernel route, and whether it is exported or why not; needs no cloud",
  explain: "explain PREFIX: the whole story of one prefix, from kernel to cloud",
  doctor: "check what VM and account need, and say how to mend each; exit 0: all well, 1: not",
  cleanup: "remove all that it created: routes, table, association",
  version: "print version, Deno and commit",
};

/** Whether a word is a command. */
export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(commandMeanings, word);
}
