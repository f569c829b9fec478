/** What the program logs while a test runs, instead of on standard error. */

import { configureSync, type LogLevel, resetSync } from "@logtape/logtape";

/**
 * Catches the log until it is disposed of. `lines` grows as it goes: each `LEVEL: message`.
 *
 * @param lowestLevel `debug` for what `-debug` logs too.
 */
export function captureLog(
  lowestLevel: LogLevel = "info",
): Disposable & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  configureSync({
    sinks: { lines: ({ level, message }) => lines.push(`${level}: ${message.map(String).join("")}`) },
    loggers: [
      { category: "cloudroutesync", lowestLevel, sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["lines"] },
    ],
  });
  return { lines, [Symbol.dispose]: resetSync };
}
