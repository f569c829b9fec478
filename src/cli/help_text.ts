/** The help texts: of the program, and of each command. */

import { Command, Option } from "commander";
import { takesFlag } from "./command_line.ts";
import { commandHelps, type CommandName, commandNames } from "./command_names.ts";
import { commandsOfFlag, environmentVariable, type Flag, flags } from "./flags.ts";

/** The help text of the program (`help`, `-help`): usage, commands and flags. */
export function helpText(): string {
  const program = newCommand("cloudroutesync", "[command] [flags]", flags)
    .description("Keeps a cloud's route table in step with the kernel's routes.");
  for (const name of commandNames) {
    const { words, meaning } = commandHelps[name];
    program.addCommand(new Command(`${name} ${words}`.trim()).description(meaning).helpOption(false));
  }
  return `${
    information(program)
  }\n${sources}\ncloudroutesync help COMMAND lists the exit codes and flags of a command.\n`;
}

const sources = `Each flag has an environment variable, such as ${
  environmentVariable("route-table")
}. The flag comes first, then the variable, the configuration file (-config) and the default.`;

/** The help text of a command (`help plan`, `plan -help`): usage, exit codes, an example and its flags. */
export function commandHelpText(name: CommandName): string {
  const { meaning, words, exits, example, serviceFlags } = commandHelps[name];
  const used = serviceFlags === "used";
  const own = flags.filter((flag) => takesFlag(name, flag.name) && (used || !isShared(flag)));
  // What only this command takes is what is looked for; the service's flags follow.
  const ordered = own.toSorted((left, right) => Number(isShared(left)) - Number(isShared(right)));
  const command = newCommand(
    `cloudroutesync ${name}`,
    [words, own.length > 0 ? "[flags]" : ""].filter(Boolean).join(" "),
    ordered,
  ).description(`${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`);
  const codes = exits.map(([code, means]) => `  ${code}  ${means}`).join("\n");
  return `${information(command)}\nExit codes:\n${codes}\n\nExample:\n  ${example}\n${
    used ? `\n${sources}\n` : ""
  }`;
}

function isShared({ name }: Flag): boolean {
  return commandsOfFlag(name) === null;
}

function newCommand(name: string, usage: string, options: readonly Flag[]): Command {
  const command = new Command(name).usage(usage).helpOption(false).helpCommand(false);
  for (const flag of options) {
    const form = flag.kind === "boolean" ? `--${flag.name} [=true|false]` : `--${flag.name} <${flag.value}>`;
    const fallback = flag.default === "" || flag.kind === "boolean" ? "" : ` (default: ${flag.default})`;
    command.addOption(new Option(form, `${flag.meaning}${fallback}`));
  }
  return command.addOption(new Option("-h, --help", "print this text"));
}

/** Commander parts a flag from its value; here a boolean's value goes with a sign and never with a space. */
function information(command: Command): string {
  return command.helpInformation().replaceAll(/ (\[=true\|false\])/g, "$1 ");
}
