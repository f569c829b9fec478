/**
 * `bundle FILE`: all that a report of a fault needs, in one file that a person can read before it is handed on; `-` is standard output,
 * as for `ssh router cloudroutesync bundle - > report.txt`.
 */

import * as v from "valibot";
import { systemCause } from "../../clouds/system_cause.ts";
import { CloudSession } from "../cloud_session.ts";
import type { CommandContext } from "../context.ts";
import { askService, noAnswerText } from "../service/service_client.ts";
import { serviceFilesOf } from "../service/service_files.ts";
import { listenForStop } from "../signals.ts";
import { OutputError, writeAll } from "../standard_output.ts";
import { readStatus } from "../status_text.ts";
import { findingsOf, findingText } from "./doctor.ts";
import { versionText } from "./version.ts";

/** How long the checks may take, in milliseconds: a report is wanted just where the cloud does not answer. */
const checkWithinMs = 60_000;

/** What stands for standard output in place of a file. */
const standardOutput = "-";

/** A heading and what stands below it. */
interface Section {
  readonly title: string;
  readonly text: string;
}

/** Runs the command. @returns 0: written. */
export async function bundle(given: CommandContext): Promise<number> {
  // Nothing is changed for a report.
  const context = { ...given, settings: { ...given.settings, fix: false } };
  using signals = listenForStop();
  const [path = ""] = context.words;
  // Opened before the permission to write there is given up.
  using file = path === standardOutput ? null : openNew(path);
  const sections = [
    { title: "version", text: versionText() },
    ...await serviceSections(context),
    { title: "settings of this command", text: settingsText(context) },
    await doctorSection(context, signals.stop),
  ];
  signals.stop.throwIfAborted();
  const head = `cloudroutesync bundle of ${new Date().toISOString()}\n` +
    "It holds no password, key or token; it names addresses, routes and resources of your cloud.\n";
  const body = sections.map(({ title, text }) => `\n== ${title}\n${text.trimEnd() || "(nothing)"}\n`).join(
    "",
  );
  const report = withoutPasswords(head + body);
  if (file === null) {
    context.print(report);
    return 0;
  }
  writeReport(file, path, report);
  context.print(`Wrote ${path}: ${sections.map(({ title }) => title).join(", ")}\n`);
  return 0;
}

/** @throws {OutputError} if there is such a file, or none can be made. */
function openNew(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? "there is such a file; name a new one"
      : systemCause(cause);
    throw new OutputError(`Cannot write ${path}: ${why}`, { cause });
  }
}

/** @throws {OutputError} if not all of it can be written, as on a full disk. */
function writeReport(file: Deno.FsFile, path: string, text: string): void {
  try {
    writeAll(file, text);
  } catch (cause) {
    throw new OutputError(`Cannot write ${path}: ${systemCause(cause)}`, { cause });
  }
}

/** What the running service says of itself, and its last log lines. */
async function serviceSections(context: CommandContext): Promise<readonly Section[]> {
  const { socket } = serviceFilesOf(context);
  const status = await attempt(async () => {
    const answer = await askService(socket, "GET /status");
    if (!answer.running) return noAnswerText(answer, socket);
    return `${readStatus(answer.body).text}\nas JSON: ${JSON.stringify(answer.body)}`;
  });
  const log = await attempt(async () => {
    const answer = await askService(socket, "GET /log");
    if (!answer.running) {
      const why = answer.state === "unknown" ? answer.why : "the service does not run";
      return `${why}: its journal has the log (journalctl -u cloudroutesync)`;
    }
    return v.parse(v.array(v.string()), answer.body).join("\n");
  });
  return [{ title: "status", text: status }, { title: "last log lines", text: log }];
}

function settingsText({ values }: CommandContext): string {
  const lines = values.map(({ flag, value, source }) => `-${flag} ${value} (from ${source})`);
  return lines.join("\n") || "all settings have their defaults";
}

async function doctorSection(context: CommandContext, stop: AbortSignal): Promise<Section> {
  const text = await attempt(async () => {
    await using session = await CloudSession.open(context, { everything: false, follow: false });
    const withinTime = AbortSignal.any([stop, AbortSignal.timeout(checkWithinMs)]);
    return (await findingsOf(context, session, withinTime)).map(findingText).join("");
  });
  return { title: "doctor", text };
}

/** What a part came to: what cannot be found out is no reason to leave out the rest. */
async function attempt(part: () => Promise<string>): Promise<string> {
  try {
    return await part();
  } catch (error) {
    return `unknown: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A URL of a proxy or an endpoint may carry user and password. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s\/@]+@/gi, "$1…@");
}
