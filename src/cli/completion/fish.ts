/** The completion of fish. */

import { commandMeanings } from "../command_names.ts";
import { type Flag, flags } from "../flags.ts";
import { shellNames, valuesOf } from "./shells.ts";

const complete = "complete -c cloudroutesync";

/** A file for fish's `completions` folder, named `cloudroutesync.fish`; to source it works as well. */
export function fishCompletion(): string {
  const commands = Object.entries(commandMeanings);
  const noCommand = quoted(
    `not __fish_seen_subcommand_from ${commands.map(([name]) => name).join(" ")}`,
  );
  const lines = [
    "# Completion of fish for cloudroutesync: cloudroutesync completion fish",
    `${complete} -f`,
    ...commands.map(([name, meaning]) => `${complete} -n ${noCommand} -a ${name} -d ${quoted(meaning)}`),
    `${complete} -n '__fish_seen_subcommand_from completion' -a '${shellNames.join(" ")}'`,
    ...flags.map(flagLine),
    `${complete} -o help -d 'print usage, commands and flags'`,
  ];
  return `${lines.join("\n")}\n`;
}

/** `-o` is fish's word for a long flag with one dash. */
function flagLine(flag: Flag): string {
  return `${complete} -o ${flag.name}${valueOptions(flag)} -d ${quoted(flag.meaning)}`;
}

function valueOptions(flag: Flag): string {
  const values = valuesOf(flag);
  switch (values) {
    case "none":
      return "";
    case "file":
      return " -r -F";
    case "folder":
      return " -x -a '(__fish_complete_directories)'";
    case "unknown":
      return " -x";
    default:
      return ` -x -a ${quoted(values.words.join(" "))}`;
  }
}

/** A word in single quotes, in which fish knows two escapes. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
