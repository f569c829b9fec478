/** The log: one line a decision, on standard error, as text or JSON. */

import {
  configure,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import { complain } from "./standard_output.ts";

/** How to log. */
export interface LoggingOptions {
  readonly format: "text" | "json";
  readonly debug: boolean;
}

/** Sets the log up. Call it once, before anything logs. */
export async function configureLogging(options: LoggingOptions): Promise<void> {
  const format = formatterOf(options.format);
  const stderr = (record: LogRecord): void => complain(`${format(record).trimEnd()}\n`);
  await configure({
    sinks: { stderr },
    loggers: [
      { category: "cloudroutesync", lowestLevel: options.debug ? "debug" : "info", sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stderr"] },
    ],
    reset: true,
  });
}

function formatterOf(format: "text" | "json"): (record: LogRecord) => string {
  if (format === "json") return getJsonLinesFormatter({ categorySeparator: ".", properties: "flatten" });
  const options = {
    timestamp: "rfc3339",
    category: (names: readonly string[]): string => names.at(-1) ?? "",
    // Texts stand in a sentence: quotes around each prefix and address would only hide it.
    value: (value: unknown, inspect: (value: unknown) => string): string =>
      typeof value === "string" ? value : inspect(value),
  } as const;
  return Deno.stderr.isTerminal() ? getAnsiColorFormatter(options) : getTextFormatter(options);
}
