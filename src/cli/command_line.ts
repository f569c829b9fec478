/**
 * Reads the command line, the environment and the configuration file into raw flag values. What they mean is
 * `settings.ts`' business; here only their form is checked, and every error is collected.
 */

import { Command, CommanderError, Option } from "commander";
import * as v from "valibot";
import { commandMeanings, type CommandName, isCommand } from "./command_names.ts";
import { environmentVariable, type Flag, flags } from "./flags.ts";

/** One value that was given, with the place it came from for error messages. */
export interface GivenValue {
  readonly flag: string;
  readonly value: string;
  /** `-table`, `CLOUDROUTESYNC_TABLE` or `"table" in FILE`. */
  readonly source: string;
}

/** What was given, by precedence: for each flag only the values of the strongest source, in the order given. */
export interface CommandLine {
  readonly command: CommandName;
  /** The prefix of `explain`; null for other commands. */
  readonly argument: string | null;
  readonly values: readonly GivenValue[];
  /** Whether the user asked for the help text. */
  readonly help: boolean;
  /** Sentences about what is wrong with the form. */
  readonly errors: readonly string[];
}

/** Where raw values come from besides the arguments. */
export interface CommandLineSources {
  readonly environment: (name: string) => string | undefined;
  readonly readFile: (path: string) => string;
}

const flagsByName: ReadonlyMap<string, Flag> = new Map(flags.map((flag) => [flag.name, flag]));

/** Parses arguments, environment and configuration file. It never throws for bad input: errors are in the answer. */
export function parseCommandLine(args: readonly string[], sources: CommandLineSources): CommandLine {
  const errors: string[] = [];
  const { words, values: fromArguments, help } = parseArguments(args, errors);
  const fromEnvironment = readEnvironment(sources);
  const config = lastValue("config", fromArguments) ?? lastValue("config", fromEnvironment);
  const fromFile = config === undefined ? [] : readConfigFile(config.value, sources, errors);
  const values = strongest([fromArguments, fromEnvironment, fromFile]);
  const { command, argument } = parseWords(words, values, errors);
  return { command, argument, values, help, errors };
}

/** The help text: usage, commands and flags. */
export function helpText(): string {
  // Commander parts a flag from its value; here a boolean's value goes with a sign and never with a space.
  const information = newProgram([]).helpInformation().replaceAll(/ (\[=true\|false\])/g, "$1 ");
  return `${information}\nEach flag has an environment variable, such as ${
    environmentVariable("route-table")
  }. A flag wins over its variable, that over the configuration file (-config), that over the default.\n`;
}

/** Lets commander read the flags; each value goes to `given` in the order of the command line. */
function newProgram(given: GivenValue[]): Command {
  const program = new Command("cloudroutesync")
    .usage("[command] [flags]")
    .description("Keeps a cloud's route table in step with the kernel's routes.")
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption(false)
    .helpCommand(false)
    .allowExcessArguments();
  for (const [name, meaning] of Object.entries(commandMeanings)) program.command(name).description(meaning);
  for (const flag of flags) program.addOption(optionOf(flag, given));
  return program.addOption(new Option("-h, --help", "print this text"));
}

function optionOf(flag: Flag, given: GivenValue[]): Option {
  const form = flag.kind === "boolean" ? `--${flag.name} [=true|false]` : `--${flag.name} <${flag.value}>`;
  const fallback = flag.default === "" || flag.kind === "boolean" ? "" : ` (default: ${flag.default})`;
  return new Option(form, `${flag.meaning}${fallback}`).argParser((value: string) => {
    given.push({ flag: flag.name, value, source: `-${flag.name}` });
    return value;
  });
}

function parseArguments(
  args: readonly string[],
  errors: string[],
): { readonly words: readonly string[]; readonly values: readonly GivenValue[]; readonly help: boolean } {
  const values: GivenValue[] = [];
  const program = newProgram(values);
  try {
    const { operands, unknown } = program.parseOptions([...goStyle(args, errors)]);
    return { words: [...operands, ...unknown], values, help: program.opts()["help"] === true };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    errors.push(error.message.replace(/^error: /, ""));
    return { words: [], values, help: false };
  }
}

/**
 * Turns flags as Go's flag package takes them (one dash or two, `-flag value` or `-flag=value`, a boolean never takes the next
 * word) into the one form that leaves nothing to guess: `--flag=value`.
 */
function* goStyle(args: readonly string[], errors: string[]): Generator<string> {
  const rest = args.values();
  for (const word of rest) {
    // What follows is no flag, whatever it looks like.
    if (word === "--") return yield* [word, ...rest];
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) {
      yield word;
      continue;
    }
    const [, name = "", value] = match;
    if (name === "h" || name === "help") {
      yield "--help";
      continue;
    }
    const flag = flagsByName.get(name);
    if (flag === undefined) {
      errors.push(`Unknown flag -${name}${suggestion(name)}`);
      continue;
    }
    const given = value ?? (flag.kind === "boolean" ? "true" : rest.next().value);
    if (given === undefined) errors.push(`Flag -${name} needs a value: -${name} ${flag.value}`);
    else yield `--${name}=${given}`;
  }
}

/** The flag that was probably meant: the same letters without dashes, or one that begins as the other does. */
function suggestion(name: string): string {
  const near = flags.find((flag) =>
    flag.name.replaceAll("-", "") === name.replaceAll(/[-_]/g, "") ||
    (name.length > 3 &&
      (flag.name.startsWith(name) || name.startsWith(flag.name) || isOneLetterAway(flag.name, name)))
  );
  return near === undefined ? "" : `, did you mean -${near.name}?`;
}

/** Whether one letter more, less or changed makes one word the other: what both begin and end with leaves one at most. */
function isOneLetterAway(left: string, right: string): boolean {
  const shorter = Math.min(left.length, right.length);
  let begin = 0;
  while (begin < shorter && left[begin] === right[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && left.at(-1 - end) === right.at(-1 - end)) end++;
  return Math.max(left.length, right.length) - begin - end <= 1;
}

function readEnvironment(sources: CommandLineSources): readonly GivenValue[] {
  return flags.flatMap((flag) => {
    const source = environmentVariable(flag.name);
    const value = sources.environment(source);
    return value === undefined || value === "" ? [] : [{ flag: flag.name, value, source }];
  });
}

const scalarSchema = v.union([v.string(), v.number(), v.boolean()]);
/** A record takes a list too, and its places for names. */
const configSchema = v.pipe(
  v.unknown(),
  v.check((content) => !Array.isArray(content)),
  v.record(v.string(), v.union([scalarSchema, v.array(scalarSchema)])),
);

function readConfigFile(path: string, sources: CommandLineSources, errors: string[]): readonly GivenValue[] {
  let content: unknown;
  try {
    content = JSON.parse(sources.readFile(path));
  } catch (cause) {
    errors.push(
      `Cannot read configuration file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
    return [];
  }
  const parsed = v.safeParse(configSchema, content);
  if (!parsed.success) {
    errors.push(`Cannot read configuration file ${path}: it is not an object of flags`);
    return [];
  }
  return Object.entries(parsed.output).flatMap(([name, value]) => {
    const flag = flagsByName.get(name);
    if (flag === undefined || name === "config") {
      errors.push(`Unknown flag "${name}" in ${path}${suggestion(name)}`);
      return [];
    }
    const source = `"${name}" in ${path}`;
    return [value].flat().map((item) => ({ flag: name, value: String(item), source }));
  });
}

/** For each flag the values of the first source that has any. */
function strongest(sources: readonly (readonly GivenValue[])[]): readonly GivenValue[] {
  const taken = new Set<string>();
  const values: GivenValue[] = [];
  for (const source of sources) {
    values.push(...source.filter(({ flag }) => !taken.has(flag)));
    for (const { flag } of source) taken.add(flag);
  }
  return values;
}

function lastValue(flag: string, values: readonly GivenValue[]): GivenValue | undefined {
  return values.findLast((given) => given.flag === flag);
}

function parseWords(
  words: readonly string[],
  values: readonly GivenValue[],
  errors: string[],
): { readonly command: CommandName; readonly argument: string | null } {
  const [first, ...rest] = words;
  if (first !== undefined && !isCommand(first)) {
    errors.push(`Unknown command "${first}": it is one of ${Object.keys(commandMeanings).join(", ")}`);
    return { command: "run", argument: null };
  }
  const cleanup = ["true", "1", "t"].includes(lastValue("cleanup", values)?.value.toLowerCase() ?? "");
  if (cleanup && first !== undefined && first !== "cleanup") {
    errors.push(`Command ${first} and -cleanup exclude one another`);
  }
  const command = cleanup ? "cleanup" : first ?? "run";
  if (command === "explain") {
    const [argument, ...excess] = rest;
    if (argument === undefined) errors.push("Command explain needs a prefix: explain 198.51.100.0/24");
    if (excess.length > 0) errors.push(`Command explain takes one prefix, not also "${excess.join(" ")}"`);
    return { command, argument: argument ?? null };
  }
  if (rest.length > 0) errors.push(`Command ${command} takes no argument "${rest.join(" ")}"`);
  return { command, argument: null };
}
