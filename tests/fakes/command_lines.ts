/** Command lines with an environment and files that are made up. */

import { type CommandLine, parseCommandLine } from "../../src/cli/command_line.ts";
import { readSettings, type Settings } from "../../src/cli/settings.ts";

/** Where values come from besides the arguments. */
export interface FakeSources {
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Names of all variables that are set. */
  readonly variables?: readonly string[];
}

/** Parses arguments that are parted by single spaces; `_` in a word stands for a space. */
export function commandLine(
  text: string,
  { environment = {}, files = {}, variables = [] }: FakeSources = {},
): CommandLine {
  const args = text === "" ? [] : text.split(" ").map((word) => word.replaceAll("_", " "));
  return parseCommandLine(args, {
    environment: (name) => environment[name],
    variables,
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new Error(`No such file or directory: ${path}`);
      return content;
    },
  });
}

/** The settings of a command line. @throws {Error} with all that is wrong with it. */
export function settingsOf(text: string, sources: FakeSources = {}): Settings {
  const { settings, errors } = readSettings(commandLine(text, sources));
  if (settings === null) throw new Error(errors.join("\n"));
  return settings;
}

/** What is wrong with a command line. */
export function errorsOf(text: string, sources: FakeSources = {}): readonly string[] {
  return readSettings(commandLine(text, sources)).errors;
}
