/** Where a running service leaves its socket and its settings, so that other commands find both. */

import { basename, dirname, resolve } from "node:path";
import { cloudName, type CommandContext } from "../context.ts";
import { isBesideFile, stateFolder } from "../state_folder.ts";

/** The files of one service. */
export interface ServiceFiles {
  /** A Unix socket that `status` and `release` talk to. */
  readonly socket: string;
  /** The settings that the service runs with, as JSON. */
  readonly settings: string;
  /** The state folder, which the service makes; null beside the embedded cloud's file: a mistyped folder is an error, not made. */
  readonly ownFolder: string | null;
}

/**
 * The files of the service of an owner: in the state folder, for the embedded cloud beside its file, as its lock and ledger are.
 */
export function serviceFilesOf(
  context: Pick<CommandContext, "settings" | "libc" | "environment">,
): ServiceFiles {
  const { settings, libc, environment } = context;
  const ownFolder = isBesideFile(cloudName(settings, libc), settings)
    ? null
    : stateFolder(settings, environment);
  const stem = ownFolder === null
    ? `${beside(settings.localFile)}.${settings.owner}`
    : `${ownFolder}/service.${settings.owner}`;
  return { socket: `${stem}.sock`, settings: `${stem}.settings.json`, ownFolder };
}

/** The file's full path by its real folder: a service and a command may name the folder by different links. */
function beside(file: string): string {
  const folder = dirname(resolve(file));
  try {
    return `${Deno.realPathSync(folder)}/${basename(file)}`;
  } catch {
    return resolve(file);
  }
}
