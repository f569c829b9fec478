/** What dependencies print by `console`: it becomes a line of the log, with its level, and never stands raw on standard error. */

import { getLogger, type LogLevel } from "@logtape/logtape";

const log = getLogger(["cloudroutesync", "dependency"]);
/** A warning that is longer is cut, in characters. */
const longest = 500;

const levels = {
  error: "error",
  warn: "warning",
  info: "debug",
  log: "debug",
  debug: "debug",
  trace: "debug",
} as const satisfies Readonly<Record<string, LogLevel>>;

/** Takes over the methods of `console`. @returns what gives them back. */
export function captureConsole(target: Console = globalThis.console): Disposable {
  const before = { ...target };
  for (const [method, level] of Object.entries(levels)) {
    Object.assign(target, { [method]: (...words: readonly unknown[]): void => logWords(level, words) });
  }
  return { [Symbol.dispose]: () => void Object.assign(target, before) };
}

function logWords(level: LogLevel, words: readonly unknown[]): void {
  const text = words.map(wordOf).join(" ").replaceAll(/\s+/g, " ").trim();
  const says = text.length > longest ? `${text.slice(0, longest)}…` : text;
  const properties = { event: "dependency", says };
  if (level === "error") log.error("A dependency says: {says}", properties);
  else if (level === "warning") log.warn("A dependency says: {says}", properties);
  else log.debug("A dependency says: {says}", properties);
}

/** An object may hold a header or a token: only the kind of those is logged. */
function wordOf(word: unknown): string {
  if (word instanceof Error) return `${word.name}: ${word.message}`;
  if (typeof word === "object" && word !== null) return `[${word.constructor?.name ?? "object"}]`;
  return String(word);
}
