/** What systemd's journal wants of a line on standard error (sd-daemon(3), systemd.exec(5)). */

import type { LogLevel } from "@logtape/logtape";

/** The journal's priorities, those of syslog (sd-daemon(3): SD_ERR 3, SD_WARNING 4, SD_INFO 6, SD_DEBUG 7). */
const priorities: Readonly<Record<LogLevel, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warning: 4,
  error: 3,
  fatal: 2,
};

/** Puts the priority in front of each line of a text: the journal makes an entry of each. */
export function withPriority(level: LogLevel, text: string): string {
  return text.replaceAll(/^(?=.)/gm, `<${priorities[level]}>`);
}

/**
 * Whether standard error is the journal's stream. A shell or a script that systemd started may have redirected it, so the stream's
 * inode is compared where the kernel tells it (`/proc/self/fdinfo/2`, from Linux 5.14 on).
 *
 * @param journalStream `$JOURNAL_STREAM`: `DEVICE:INODE`.
 * @param fdinfo what the kernel says of standard error; null where it says nothing.
 */
export function isJournal(journalStream: string | undefined, fdinfo: string | null): boolean {
  const [, inode] = /^\d+:(\d+)$/.exec(journalStream ?? "") ?? [];
  if (inode === undefined) return false;
  const own = /^ino:\s*(\d+)$/m.exec(fdinfo ?? "")?.[1];
  return own === undefined || own === inode;
}
