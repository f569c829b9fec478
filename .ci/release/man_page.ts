/** The manual page cloudroutesync(8), made of the program's own tables. */

import { commandMeanings } from "../../src/cli/command_names.ts";
import { environmentVariable, type Flag, flags } from "../../src/cli/flags.ts";

/** What stands on the page besides the tables. */
export interface ManPageOptions {
  readonly version: string;
  /** Day of the release, `2026-11-28`. */
  readonly date: string;
}

/** The page in troff with the macros of man(7). */
export function manPage({ version, date }: ManPageOptions): string {
  const lines = [
    `.TH CLOUDROUTESYNC 8 "${date}" "cloudroutesync ${version}" "System Administration"`,
    ".SH NAME",
    escaped("cloudroutesync - keeps a cloud's route table in step with the kernel's routes"),
    ".SH SYNOPSIS",
    ".B cloudroutesync",
    ".RI [ command ]",
    ".RI [ flags ]",
    ".SH DESCRIPTION",
    ...description.map(escaped),
    ".SH COMMANDS",
    ...Object.entries(commandMeanings).flatMap(([name, meaning]) => entry(bold(name), meaning)),
    ".SH FLAGS",
    ...flagsUsage.map(escaped),
    ...groupNames().flatMap((group) => [
      `.SS ${escaped(group)}`,
      ...flags.filter((flag) => flag.group === group).flatMap(flagEntry),
    ]),
    ".SH FILES",
    ...files.flatMap(([path, meaning]) => entry(italic(path), meaning)),
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(([code, meaning]) => entry(bold(code), meaning)),
    ".SH SEE ALSO",
    ".BR ip-route (8),",
    ".BR systemctl (1)",
    ".PP",
    escaped("https://github.com/networkop/cloudroutesync"),
  ];
  return `${lines.join("\n")}\n`;
}

const description = [
  "Reads the routes that a routing daemon puts into the kernel of a virtual machine, and writes them to the route table of Azure, AWS, Google Cloud or OpenStack.",
  "It changes only routes that it can prove to be its own, and never turns an error into a withdrawal.",
];

const flagsUsage = [
  "Flags take one dash or two, and their value as the next word or behind an equals sign; a flag that is on or off takes its value behind an equals sign only.",
  `Each flag has an environment variable, such as ${
    environmentVariable("route-table")
  }, and a key in the file that -config names.`,
  "A flag wins over its variable, that over the file, that over the default.",
  "Times are written as 250ms, 5s or 1h30m, or as a number of seconds.",
];

const files: readonly (readonly [path: string, meaning: string])[] = [
  ["/etc/default/cloudroutesync", "variables of the systemd service, one for each flag"],
  [
    "/var/lib/cloudroutesync",
    "the ledger, which says what routes are its own in clouds that keep no marks; do not delete it",
  ],
];

const exitCodes: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "done; for plan, apply and doctor: all is as it should be"],
  ["1", "an error; for apply and doctor: not all is as it should be"],
  ["2", "wrong flags or settings, all of them named; for plan: something would change"],
];

function groupNames(): readonly string[] {
  return [...new Set(flags.map(({ group }) => group))];
}

function flagEntry(flag: Flag): string[] {
  const name = bold(`-${flag.name}`);
  const fallback = flag.default === "" || flag.kind === "boolean" ? "" : ` (default: ${flag.default})`;
  const repeatable = flag.kind === "list" ? " (repeatable)" : "";
  const head = flag.kind === "boolean" ? name : `${name} ${italic(flag.value)}`;
  return entry(head, `${flag.meaning}${repeatable}${fallback}`);
}

/** A tagged paragraph. @param tag troff, already escaped. */
function entry(tag: string, text: string): string[] {
  return [".TP", tag, escaped(text)];
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

/** Text that troff prints as it stands: its backslashes, dashes and whatever would begin a request are escaped. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}
