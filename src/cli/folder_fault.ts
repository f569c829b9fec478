/** Why a file or folder of this machine cannot be used, in words for people, and whether waiting may heal it. */

import { errnoName, SystemError } from "../../ffi/system_error.ts";
import { systemCause, systemCode, writeRemedy } from "../clouds/system_cause.ts";

/** See the head of this file. */
export interface FolderFault {
  /** As the end of a sentence: `permission denied`. */
  readonly why: string;
  /** False where only people can change it, and then start the program again or not. */
  readonly heals: boolean;
}

/** Words for the codes of errno(3) that a folder yields, and whether they may heal by themselves. */
const faults: Readonly<Record<string, FolderFault>> = {
  EACCES: { why: "permission denied", heals: false },
  EPERM: { why: "permission denied", heals: false },
  ENOTDIR: { why: "it is not a folder", heals: false },
  EEXIST: { why: "it is not a folder", heals: false },
  EISDIR: { why: "a folder stands where a file should be", heals: false },
  ENOENT: { why: "there is no such folder", heals: false },
  ELOOP: { why: "its symbolic links form a loop", heals: false },
  ENAMETOOLONG: { why: "its name is too long", heals: false },
  EROFS: { why: "the file system is read-only", heals: true },
  ENOSPC: { why: "no space is left on the device", heals: true },
  EDQUOT: { why: "the disk quota is used up", heals: true },
};

/** @param cause what {@linkcode Deno} or the C library threw. */
export function folderFault(cause: unknown): FolderFault {
  return faults[codeOf(cause) ?? ""] ?? { why: systemCause(cause), heals: true };
}

/** What to do about it. @param otherwise the other way out, such as `name another folder with -state`. */
export function folderRemedy(cause: unknown, otherwise: string): string {
  return writeRemedy(codeOf(cause), otherwise);
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof SystemError ? errnoName(cause.errno) : systemCode(cause);
}
