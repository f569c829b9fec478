/** The commands: what each does, what it takes and how it ends. Help, README, completions and the man page come from here. */

/** A command of the program. */
export type CommandName =
  | "run"
  | "plan"
  | "apply"
  | "routes"
  | "explain"
  | "doctor"
  | "status"
  | "release"
  | "bundle"
  | "cleanup"
  | "version"
  | "completion"
  | "help";

/** What help says of a command. */
export interface CommandHelp {
  /** One line. */
  readonly meaning: string;
  /** The words behind the command's name, as help shows them; "" for none. */
  readonly words: string;
  /** How many words it takes. */
  readonly count: readonly [least: number, most: number];
  /** Exit codes and what each says. */
  readonly exits: readonly (readonly [code: number, meaning: string])[];
  readonly example: string;
  /** What is missing where the first word is. */
  readonly needs?: string;
  /** The service's flags, such as `-cloud` and `-include`: used, accepted without a meaning, or refused. */
  readonly serviceFlags: "used" | "ignored" | "refused";
}

const none = { words: "", count: [0, 0] } as const;

/** The commands, in the order of help and README. */
export const commandHelps: Readonly<Record<CommandName, CommandHelp>> = {
  run: {
    ...none,
    meaning: "keep the cloud's table in step until the program is stopped (the default)",
    exits: [[0, "stopped by SIGTERM or SIGINT"], [1, "it cannot run"], [2, "the configuration is wrong"]],
    example: "cloudroutesync run -cloud aws -event",
    serviceFlags: "used",
  },
  plan: {
    ...none,
    meaning: "print what would change; exit 0: in step, 2: not, 1: error",
    exits: [[0, "in step"], [1, "error"], [2, "not in step, or the configuration is wrong"]],
    example: "cloudroutesync plan -include 10.0.0.0/8+",
    serviceFlags: "used",
  },
  apply: {
    ...none,
    meaning: "one sync, then stop; exit 0: in step, 1: not",
    exits: [[0, "in step"], [1, "not in step"], [2, "the configuration is wrong"]],
    example: "cloudroutesync apply -output json",
    serviceFlags: "used",
  },
  routes: {
    words: "[PREFIX...]",
    count: [0, Infinity],
    meaning:
      "print each kernel route (or those inside PREFIX), and whether it is wanted or why not; needs no cloud",
    exits: [[0, "printed"], [1, "error"], [2, "the configuration is wrong"]],
    example: "cloudroutesync routes 10.244.0.0/16",
    serviceFlags: "used",
  },
  explain: {
    words: "PREFIX|ADDRESS",
    needs: "a prefix or an address",
    count: [1, 1],
    meaning:
      "print the whole story of one prefix, or of the longest match of an address, from kernel to cloud",
    exits: [[0, "printed"], [1, "error"], [2, "the configuration is wrong"]],
    example: "cloudroutesync explain 10.244.3.0/24",
    serviceFlags: "used",
  },
  doctor: {
    ...none,
    meaning: "check what VM and account need, and say how to fix each; exit 0: all well, 1: not",
    exits: [[0, "all well"], [1, "something is wrong or could not be checked"], [
      2,
      "the configuration is wrong",
    ]],
    example: "cloudroutesync doctor -cloud azure",
    serviceFlags: "used",
  },
  cleanup: {
    ...none,
    meaning: "remove all that the program created: routes, table, association",
    exits: [[0, "removed"], [1, "not all could be removed"], [2, "the configuration is wrong"]],
    example: "cloudroutesync cleanup",
    serviceFlags: "used",
  },
  status: {
    ...none,
    meaning:
      "show how the running service stands: verdict and since when, held withdrawals, errors, and what to do about them",
    exits: [[0, "ok"], [1, "starting, degraded, failing, not running, or unknown"], [
      2,
      "the configuration is wrong",
    ]],
    example: "cloudroutesync status -watch",
    serviceFlags: "used",
  },
  release: {
    ...none,
    meaning: "release the withdrawals that the running service holds",
    exits: [[0, "done, even if nothing was held"], [1, "no service runs"], [
      2,
      "the configuration is wrong",
    ]],
    example: "cloudroutesync release",
    serviceFlags: "used",
  },
  bundle: {
    words: "FILE",
    needs: "a file",
    count: [1, 1],
    meaning:
      "write version, status, settings, last log lines and doctor's findings into a file (-: standard output), for a report",
    exits: [[0, "written"], [1, "it cannot be written"], [2, "the configuration is wrong"]],
    example: "cloudroutesync bundle report.txt",
    serviceFlags: "used",
  },
  version: {
    ...none,
    meaning: "print version, Deno and commit",
    exits: [[0, "printed"]],
    example: "cloudroutesync version",
    serviceFlags: "ignored",
  },
  completion: {
    words: "bash|zsh|fish",
    needs: "a shell",
    count: [1, 1],
    meaning: "print the shell's completion script",
    exits: [[0, "printed"], [2, "the shell is not known"]],
    example: "cloudroutesync completion bash > /etc/bash_completion.d/cloudroutesync",
    serviceFlags: "refused",
  },
  help: {
    words: "[COMMAND]",
    count: [0, 1],
    meaning: "print this text, or that of a command",
    exits: [[0, "printed"], [2, "there is no such command"]],
    example: "cloudroutesync help plan",
    serviceFlags: "refused",
  },
};

/** All commands, in the order of help and README. */
// Object.keys() forgets the type of the keys.
export const commandNames = Object.keys(commandHelps) as readonly CommandName[];

/** One line per command, for help and README. */
export const commandMeanings = Object.fromEntries(
  commandNames.map((name) => [name, commandHelps[name].meaning]),
) as Readonly<Record<CommandName, string>>;

/** Whether a word is a command. */
export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(commandHelps, word);
}
