/** The program behind the command line: settings, log, command, exit code. */

import { getLogger } from "@logtape/logtape";
import type { Libc } from "../../ffi/libc.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import { UsageError } from "./cloud_session.ts";
import { helpText, parseCommandLine } from "./command_line.ts";
import type { CommandName } from "./command_names.ts";
import type { CommandContext } from "./context.ts";
import { configureLogging } from "./logging.ts";
import { readSettings, type Settings } from "./settings.ts";
import { complain, print } from "./standard_output.ts";

const log = getLogger(["cloudroutesync", "cli"]);
/** Exit code of configuration errors. */
const usageExit = 2;

/**
 * Runs the program.
 *
 * @param args the command line without the program's name.
 * @returns the exit code.
 */
export async function runProgram(args: readonly string[], libc: Libc): Promise<number> {
  const environment = (name: string): string | undefined => Deno.env.get(name);
  const commandLine = parseCommandLine(args, {
    environment,
    readFile: (path) => Deno.readTextFileSync(path),
  });
  if (commandLine.help) {
    print(helpText());
    return 0;
  }
  const { settings, errors } = readSettings(commandLine);
  if (settings === null) return failUsage(errors);
  await configureLogging({ format: settings.logFormat, debug: settings.debug });
  const context: CommandContext = {
    settings,
    libc,
    argument: commandLine.argument,
    environment,
    print,
  };
  return await runCommand(commandLine.command, context);
}

async function runCommand(command: CommandName, context: CommandContext): Promise<number> {
  try {
    return await dispatch(command, context);
  } catch (error) {
    if (error instanceof UsageError) return failUsage([error.message], context.settings);
    return failRun(error, context.settings);
  }
}

async function dispatch(command: CommandName, context: CommandContext): Promise<number> {
  switch (command) {
    case "run":
      return await (await import("./commands/run.ts")).run(context);
    case "plan":
      return await (await import("./commands/plan.ts")).plan(context);
    case "apply":
      return await (await import("./commands/apply.ts")).apply(context);
    case "routes":
      return await (await import("./commands/routes.ts")).routes(context);
    case "explain":
      return await (await import("./commands/explain.ts")).explain(context);
    case "doctor":
      return await (await import("./commands/doctor.ts")).doctor(context);
    case "cleanup":
      return await (await import("./commands/cleanup.ts")).cleanup(context);
    case "version":
      return (await import("./commands/version.ts")).version(context);
  }
}

/** @param settings null where they are what is wrong. */
function failUsage(errors: readonly string[], settings: Settings | null = null): number {
  for (const error of errors) tellError(error, settings);
  if (settings?.logFormat !== "json") {
    complain("Usage: cloudroutesync [command] [flags]; cloudroutesync -help lists both\n");
  }
  return usageExit;
}

/** What a command could not do is one sentence; the stack of an error nobody thought of helps to report it. */
function failRun(error: unknown, settings: Settings): number {
  tellError(error instanceof Error ? error.message : String(error), settings);
  if (error instanceof Error && (settings.debug || !isExpected(error))) {
    log.error("{stack}", { stack: error.stack });
  }
  return 1;
}

/** The last words are for people; where machines read the log they are a line of it, as all others. */
function tellError(sentence: string, settings: Settings | null): void {
  if (settings?.logFormat === "json") log.error`${sentence}`;
  else complain(`cloudroutesync: ${sentence}\n`);
}

function isExpected(error: Error): boolean {
  return error instanceof CloudError ||
    [
      "SecondInstanceError",
      "StateFolderError",
      "LedgerError",
      "SystemError",
      "NetlinkError",
      "AbortError",
      "ListenError",
      "OutputError",
    ].includes(error.name);
}
