/** Takes the settings of the running service where command line, environment and file give none. */

import { readKernelFile } from "../../../ffi/kernel_file.ts";
import type { Libc } from "../../../ffi/libc.ts";
import type { CommandLine } from "../command_line.ts";
import type { CommandName } from "../command_names.ts";
import { flags } from "../flags.ts";
import { readSettings } from "../settings.ts";
import { serviceFilesOf } from "./service_files.ts";
import { readSettingsFile } from "./service_settings.ts";

/** Commands that look at the same thing as the service does. */
const lookers: readonly CommandName[] = ["plan", "explain", "routes", "doctor", "cleanup", "bundle"];
/** Where the settings lie, and what names files of the service: never taken over. */
const ownFlags: readonly string[] = [
  "config",
  "state",
  "owner",
  "listen",
  "listen-token-file",
  "listen-host",
  "withdraw-on-exit",
  "cleanup",
  "debug",
];

/** A command line, and the sentence that says which settings of the service it took, or why none; null: there are none to take. */
export interface WithServiceSettings {
  readonly commandLine: CommandLine;
  readonly note: string | null;
}

/**
 * Adds the values that the running service was given for flags that have none here. A command line that names another cloud than the
 * service's takes none.
 */
export function withServiceSettings(
  commandLine: CommandLine,
  libc: Libc,
  environment: (name: string) => string | undefined,
): WithServiceSettings {
  const nothing = { commandLine, note: null };
  if (!lookers.includes(commandLine.command)) return nothing;
  const { settings } = readSettings(commandLine);
  if (settings === null) return nothing;
  const { settings: path } = serviceFilesOf({ settings, libc, environment });
  const service = readSettingsFile(path);
  if (service === "denied") return { commandLine, note: deniedNote(path) };
  if (service === null || !isAlive(libc, service.pid)) return nothing;
  const cloudOf = (values: CommandLine["values"]): string | undefined =>
    values.findLast(({ flag }) => flag === "cloud")?.value;
  const cloud = cloudOf(commandLine.values);
  if (cloud !== undefined && cloud !== cloudOf(service.values)) return nothing;
  const given = new Set(commandLine.values.map(({ flag }) => flag));
  const taken = service.values.filter(({ flag }) =>
    !given.has(flag) && !ownFlags.includes(flag) && flags.some(({ name }) => name === flag)
  );
  if (taken.length === 0) return nothing;
  const source = `the running service (process ${service.pid})`;
  return {
    commandLine: {
      ...commandLine,
      values: [...commandLine.values, ...taken.map((value) => ({ ...value, source }))],
    },
    note: `Using the settings of ${source}: ${
      taken.map(({ flag, value }) => value === "true" ? `-${flag}` : `-${flag} ${value}`).join(", ")
    }`,
  };
}

/** Whether a service runs is not known to this user either. */
function deniedNote(path: string): string {
  return `The settings of the service, if it runs, are not used: this user may not read ${path}; put sudo before the command, or give ` +
    "the service's flags";
}

/** Whether the process is still this program's: after a crash its number may belong to another one (comm, proc(5)). */
function isAlive(libc: Libc, pid: number): boolean {
  return /^(cloudroutesync|deno)/.test(readKernelFile(libc, `/proc/${pid}/comm`) ?? "");
}
