/**
 * Reads the command line, the environment and the configuration file into raw flag values. What they mean is
 * `settings.ts`' business; here only their form is checked, and every error is collected.
 */

import * as v from "valibot";
import { systemCause } from "../clouds/system_cause.ts";
import { commandHelps, type CommandName, commandNames, isCommand } from "./command_names.ts";
import { commandsOfFlag, environmentVariable, type Flag, flags } from "./flags.ts";
import { suggestion } from "./suggestion.ts";

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
  /** The words behind the command: the prefix of `explain`, the shell of `completion`, the prefixes of `routes`. */
  readonly words: readonly string[];
  readonly values: readonly GivenValue[];
  /** The command whose help the user asked for, "all" for the general help; null: none. */
  readonly help: CommandName | "all" | null;
  /** Sentences about what is wrong with the form. */
  readonly errors: readonly string[];
}

/** Where raw values come from besides the arguments. */
export interface CommandLineSources {
  readonly environment: (name: string) => string | undefined;
  /** Names of all variables that are set, where they can be listed. */
  readonly variables?: readonly string[];
  readonly readFile: (path: string) => string;
}

/** Variables that begin as the program's own do, and are not: those of its tests. */
const testVariables = "CLOUDROUTESYNC_TEST_";

const flagsByName: ReadonlyMap<string, Flag> = new Map(flags.map((flag) => [flag.name, flag]));

/** Parses arguments, environment and configuration file. It never throws for bad input: errors are in the answer. */
export function parseCommandLine(args: readonly string[], sources: CommandLineSources): CommandLine {
  const errors: string[] = [];
  const { words, values: fromArguments, help } = parseArguments(args, errors);
  if (help || words[0] === "help") return helpLine(words);
  const fromEnvironment = readEnvironment(sources, errors);
  const config = lastValue("config", fromArguments) ?? lastValue("config", fromEnvironment);
  const fromFile = config === undefined ? [] : readConfigFile(config.value, sources, errors);
  const values = strongest([fromArguments, fromEnvironment, fromFile]);
  const { command, rest } = parseWords(words, values, errors);
  errors.push(...strangers(command, fromArguments));
  return { command, words: rest, values, help: null, errors };
}

/** `help`, `-help`, `help plan`, `plan -help`: whatever else is wrong, help is what was asked for. */
function helpLine(words: readonly string[]): CommandLine {
  const named = words.find((word) => word !== "help");
  const errors = named === undefined || isCommand(named) ? [] : [unknownCommand(named)];
  const help = named !== undefined && isCommand(named) ? named : "all";
  return { command: "help", words: [], values: [], help, errors };
}

/**
 * Flags on the command line that the command does not take. Variables and the configuration file are the service's, and every command
 * may be run with them.
 */
function strangers(command: CommandName, fromArguments: readonly GivenValue[]): readonly string[] {
  return fromArguments.filter(({ flag }) => !takesFlag(command, flag)).map(({ flag }) => {
    const others = commandsOfFlag(flag);
    const where = others === null ? "" : `: it is for ${others.join(", ")}`;
    return `Command ${command} does not take -${flag}${where}`;
  });
}

/** Whether a command takes a flag. */
export function takesFlag(command: CommandName, flag: string): boolean {
  return commandsOfFlag(flag)?.includes(command) ?? commandHelps[command].serviceFlags !== "refused";
}

/**
 * Reads flags as Go's flag package takes them: one dash or two, `-flag value` or `-flag=value`; a boolean never takes the next word.
 * Commander, which prints the help, is not asked: to load it takes each start 13 ms, and it would have to be told all this.
 */
function parseArguments(
  args: readonly string[],
  errors: string[],
): { readonly words: readonly string[]; readonly values: readonly GivenValue[]; readonly help: boolean } {
  const words: string[] = [];
  const values: GivenValue[] = [];
  let help = false;
  const rest = args.values();
  for (const word of rest) {
    if (word === "--") {
      // What follows is no flag, whatever it looks like.
      words.push(...rest);
      break;
    }
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) {
      words.push(word);
      continue;
    }
    const [, name = "", value] = match;
    const flag = flagsByName.get(name);
    if (name === "h" || name === "help") help = true;
    else if (flag === undefined) errors.push(`Unknown flag -${name}${flagSuggestion(name)}`);
    else {
      const given = value ?? (flag.kind === "boolean" ? "true" : rest.next().value);
      if (given === undefined) errors.push(`Flag -${name} needs a value: -${name} ${flag.value}`);
      else values.push({ flag: name, value: given, source: `-${name}` });
    }
  }
  return { words, values, help };
}

/** The flag that was probably meant. */
function flagSuggestion(name: string): string {
  const near = suggestion(name, [...flags.map((flag) => flag.name), "version", "help"]);
  return near === null ? "" : `, did you mean -${near}?`;
}

function readEnvironment(sources: CommandLineSources, errors: string[]): readonly GivenValue[] {
  const known = flags.map((flag) => environmentVariable(flag.name));
  for (const name of sources.variables ?? []) {
    if (!name.startsWith("CLOUDROUTESYNC_") || name.startsWith(testVariables) || known.includes(name)) {
      continue;
    }
    const near = suggestion(name, known);
    errors.push(`Unknown variable ${name}${near === null ? "" : `, did you mean ${near}?`}`);
  }
  return flags.flatMap((flag) => {
    const source = environmentVariable(flag.name);
    const value = sources.environment(source);
    return value === undefined || value === "" ? [] : [{ flag: flag.name, value, source }];
  });
}

const scalarSchema = v.union([v.string(), v.number(), v.boolean()]);
const valueSchema = v.union([scalarSchema, v.array(scalarSchema)]);
/** A record takes a list too, and its places for names. */
const configSchema = v.pipe(
  v.unknown(),
  v.check((content) => !Array.isArray(content)),
  v.record(v.string(), v.unknown()),
);

function readConfigFile(path: string, sources: CommandLineSources, errors: string[]): readonly GivenValue[] {
  let content: unknown;
  try {
    content = JSON.parse(sources.readFile(path));
  } catch (cause) {
    errors.push(`Cannot read configuration file ${path}: ${systemCause(cause)}`);
    return [];
  }
  const parsed = v.safeParse(configSchema, content);
  if (!parsed.success) {
    errors.push(`Cannot read configuration file ${path}: it is not an object of flags`);
    return [];
  }
  return Object.entries(parsed.output).flatMap(([name, value]) => {
    const source = `"${name}" in ${path}`;
    const given = v.safeParse(valueSchema, value);
    const fault = keyFault(name, source) ??
      (given.success ? null : `${source} is neither a text, a number, true or false nor a list of these`);
    if (fault !== null) errors.push(fault);
    return !given.success || fault !== null
      ? []
      : [given.output].flat().map((item) => ({ flag: name, value: String(item), source }));
  });
}

/** What is wrong with a key of the configuration file; null: nothing. */
function keyFault(name: string, source: string): string | null {
  if (name === "config") return `${source}: a configuration file names no other one`;
  if (flagsByName.has(name)) return null;
  const near = suggestion(name, flags.map((flag) => flag.name));
  return `Unknown flag ${source}${near === null ? "" : `, did you mean "${near}"?`}`;
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
): { readonly command: CommandName; readonly rest: readonly string[] } {
  const [first, ...rest] = words;
  if (first !== undefined && !isCommand(first)) {
    errors.push(unknownCommand(first));
    return { command: "run", rest: [] };
  }
  const cleanup = ["true", "1", "t"].includes(lastValue("cleanup", values)?.value.toLowerCase() ?? "");
  if (cleanup && first !== undefined && first !== "cleanup") {
    errors.push(`Command ${first} and -cleanup exclude one another`);
  }
  const command = cleanup ? "cleanup" : first ?? "run";
  const help = commandHelps[command];
  const [least, most] = help.count;
  if (rest.length < least) errors.push(`Command ${command} needs ${help.needs}: ${help.example}`);
  if (rest.length > most) {
    errors.push(`Command ${command} takes no argument "${rest.slice(most).join(" ")}"`);
  }
  return { command, rest };
}

function unknownCommand(word: string): string {
  const near = suggestion(word, commandNames);
  const meant = near === null ? `: it is one of ${commandNames.join(", ")}` : `, did you mean ${near}?`;
  return `Unknown command "${word}"${meant}`;
}
