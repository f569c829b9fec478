/** The log: one line per decision, on standard error, as text or JSON. */

import {
  configure,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import { withPriority } from "./journal.ts";
import type { LogRing } from "./log_ring.ts";
import { printError } from "./standard_output.ts";

/** How to log. */
export interface LoggingOptions {
  readonly format: "text" | "json";
  readonly debug: boolean;
  /** Whether standard error is the journal, which has the time of each line and takes its priority from `<4>` in front. */
  readonly journal: boolean;
  /** Whether standard error is a terminal that shows colours. */
  readonly colours: boolean;
  /** Keeps the last lines besides, each with its time. */
  readonly ring?: LogRing;
}

/** Most items of a list that one line names: nobody reads more. */
const mostItems = 10;
/** A longer value is cut, in characters; a stack of the deepest kind is shorter. */
const longestValue = 8_000;

/** Sets the log up. Call it once, before anything logs. */
export async function configureLogging(options: LoggingOptions): Promise<void> {
  const format = lineFormatter(options);
  const plain = lineFormatter({ format: "text", journal: false, colours: false });
  const stderr = (record: LogRecord): void => {
    printError(format(record));
    options.ring?.add(plain(record));
  };
  await configure({
    sinks: { stderr },
    loggers: [
      { category: "cloudroutesync", lowestLevel: options.debug ? "debug" : "info", sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stderr"] },
    ],
    reset: true,
  });
}

/** What turns a record into its line, or lines, with their ends. */
export function lineFormatter(
  { format, journal, colours }: Omit<LoggingOptions, "debug" | "ring">,
): (record: LogRecord) => string {
  const bare = format === "json" ? jsonLine : textFormatter(journal, colours);
  return (record) => {
    const line = `${bare(record).trimEnd()}\n`;
    return journal ? withPriority(record.level, line) : line;
  };
}

function textFormatter(journal: boolean, colours: boolean): (record: LogRecord) => string {
  const options = {
    timestamp: journal ? "none" : "rfc3339",
    category: (names: readonly string[]): string => names.at(-1) ?? "",
    value: valueInSentence,
  } as const;
  return colours && !journal ? getAnsiColorFormatter(options) : getTextFormatter(options);
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

/** Texts stand in a sentence: quotes around each prefix and address would only hide it. Long lists are cut. */
function valueInSentence(
  value: unknown,
  inspect: (value: unknown) => string = (other) => Deno.inspect(other, { colors: false }),
): string {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return listInSentence(value);
  const text = typeof value === "string" ? value : inspect(value);
  if (text.length <= longestValue) return text;
  return `${text.slice(0, longestValue)}… (${text.length - longestValue} more characters)`;
}

function listInSentence(items: readonly string[]): string {
  const more = items.length > mostItems ? ` and ${items.length - mostItems} more` : "";
  return `${items.slice(0, mostItems).join(", ") || "none"}${more}`;
}
