/** The program behind the command line: settings, log, command, exit code. */

import { getLogger } from "@logtape/logtape";
import { readKernelFile } from "../../ffi/kernel_file.ts";
import type { Libc } from "../../ffi/libc.ts";
import { CloudError, ConfigurationError } from "../clouds/cloud_error.ts";
import { UsageError } from "./usage_error.ts";
import { parseCommandLine } from "./command_line.ts";
import { commandLineSources } from "./command_line_sources.ts";
import type { CommandName } from "./command_names.ts";
import type { CommandContext } from "./context.ts";
import { captureConsole } from "./console_capture.ts";
import { isJournal, withPriority } from "./journal.ts";
import { configureLogging } from "./logging.ts";
import { LogRing } from "./log_ring.ts";
import { type Reload, reload } from "./reload.ts";
import { readSettings, type Settings } from "./settings.ts";
import { withServiceSettings } from "./service/running_settings.ts";
import { print, printError } from "./standard_output.ts";
import { catchUnexpected, stackOf, UnexpectedErrors } from "./unexpected_errors.ts";

const log = getLogger(["cloudroutesync", "cli"]);
/** Exit code of configuration errors. */
const usageExit = 2;

/** How the last words are said: those that are no line of the log, because there may be none yet. */
interface LastWords {
  readonly journal: boolean;
  readonly logFormat: "text" | "json";
  readonly debug: boolean;
}

/**
 * Runs the program.
 *
 * @param args the command line without the program's name.
 * @returns the exit code.
 */
export async function runProgram(args: readonly string[], libc: Libc): Promise<number> {
  const environment = (name: string): string | undefined => Deno.env.get(name);
  const sources = commandLineSources(libc, environment);
  const commandLine = parseCommandLine(args, sources);
  if (commandLine.help !== null && commandLine.errors.length === 0) {
    const { commandHelpText, helpText } = await import("./help_text.ts");
    print(commandLine.help === "all" ? helpText() : commandHelpText(commandLine.help));
    return 0;
  }
  const { commandLine: whole, note } = withServiceSettings(commandLine, libc, environment);
  const { settings, errors } = readSettings(whole);
  const journal = isJournal(environment("JOURNAL_STREAM"), readKernelFile(libc, "/proc/self/fdinfo/2"));
  if (settings === null) return failUsage(errors, { journal, logFormat: "text", debug: false });
  const words: LastWords = { journal, logFormat: settings.logFormat, debug: settings.debug };
  const ring = new LogRing();
  const logAs = ({ logFormat, debug }: Settings): Promise<void> =>
    configureLogging({
      journal,
      ring,
      debug,
      format: logFormat,
      colours: Deno.stderr.isTerminal() && !Deno.noColor,
    });
  await logAs(settings);
  captureConsole();
  if (note !== null) log.info("{note}", { event: "service-settings", note });
  const unexpected = new UnexpectedErrors();
  catchUnexpected(unexpected);
  const context = {
    settings,
    libc,
    words: whole.words,
    values: whole.values,
    environment,
    print,
    unexpected,
    logLines: (): readonly string[] => ring.lines,
    reload: async (): Promise<Reload> => {
      const read = reload(context.values, parseCommandLine(args, sources));
      if (read.is === "refused") return read;
      await logAs(read.settings);
      context.settings = read.settings;
      context.values = read.values;
      return read;
    },
  };
  return await runCommand(commandLine.command, context, words);
}

async function runCommand(
  command: CommandName,
  context: CommandContext,
  words: LastWords,
): Promise<number> {
  try {
    return await dispatch(command, context);
  } catch (error) {
    if (error instanceof UsageError || error instanceof ConfigurationError) {
      return failUsage([error.message], words);
    }
    return failRun(error, words);
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
    case "status":
      return await (await import("./commands/status.ts")).status(context);
    case "bundle":
      return await (await import("./commands/bundle.ts")).bundle(context);
    case "release":
      return await (await import("./commands/release.ts")).release(context);
    case "version":
      return (await import("./commands/version.ts")).version(context);
    case "help":
      // Help is printed before any command begins.
      return 0;
    case "completion":
      return (await import("./commands/completion.ts")).completion(context);
  }
}

function failUsage(errors: readonly string[], words: LastWords): number {
  for (const error of errors) printLastError(error, words);
  if (words.logFormat !== "json") {
    say("Usage: cloudroutesync [command] [flags]; cloudroutesync -help lists both", words);
  }
  return usageExit;
}

/** What a command could not do is one sentence; the stack of an error nobody thought of helps to report it. */
function failRun(error: unknown, words: LastWords): number {
  printLastError(error instanceof Error ? error.message : String(error), words);
  if (error instanceof Error && (words.debug || !isExpected(error))) {
    log.error("{stack}", { event: "failed", stack: stackOf(error) });
  }
  return 1;
}

/** The last words are for people; where machines read the log they are a line of it, as all others. */
function printLastError(sentence: string, words: LastWords): void {
  if (words.logFormat === "json") log.error("{sentence}", { event: "failed", sentence });
  else say(`cloudroutesync: ${sentence}`, words);
}

function say(sentence: string, { journal }: LastWords): void {
  const line = `${sentence}\n`;
  printError(journal ? withPriority("error", line) : line);
}

function isExpected(error: Error): boolean {
  return error instanceof CloudError ||
    [
      "SecondInstanceError",
      "StateFolderError",
      "LedgerError",
      "ApiServerError",
      "SystemError",
      "NetlinkError",
      "AbortError",
      "ListenError",
      "OutputError",
    ].includes(error.name);
}
