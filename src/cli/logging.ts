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
  if (format === "json") return jsonLine;
  const options = {
    timestamp: "rfc3339",
    category: (names: readonly string[]): string => names.at(-1) ?? "",
    value: valueInSentence,
  } as const;
  return Deno.stderr.isTerminal() ? getAnsiColorFormatter(options) : getTextFormatter(options);
}

const jsonLines = getJsonLinesFormatter({ categorySeparator: ".", properties: "flatten" });
/** The fields that every line has; a value of such a name would stand in their place. */
const fieldsOfLines: ReadonlySet<string> = new Set(["@timestamp", "level", "message", "logger"]);

/** One line: the sentence as the text log has it, and each value besides. */
function jsonLine(record: LogRecord): string {
  const sentence = record.message.map((part, index) => index % 2 === 0 ? part : valueInSentence(part)).join(
    "",
  );
  const values = Object.entries(record.properties).filter(([name]) => !fieldsOfLines.has(name));
  return jsonLines({ ...record, message: [sentence], properties: Object.fromEntries(values) });
}

/** Texts stand in a sentence: quotes around each prefix and address would only hide it. */
function valueInSentence(
  value: unknown,
  inspect: (value: unknown) => string = (other) => Deno.inspect(other, { colors: false }),
): string {
  return typeof value === "string" ? value : inspect(value);
}
