/** The document of `status` as text. */

import * as v from "valibot";
import { withoutStop } from "../sync/error_text.ts";
import { counted } from "../sync/wording.ts";
import { type StatusDocument, statusSchema } from "./status_document.ts";
import { alignColumns } from "./text_table.ts";

/** What every version says. */
const verdictSchema = v.object({ state: v.string(), why: v.optional(v.string(), "") });

/** What a service answered, as far as this program understands it: the service may be of another version. */
export interface ReadStatus {
  readonly state: string;
  readonly text: string;
}

/** Reads what a service answered. @throws {Error} if it is no status. */
export function readStatus(body: unknown): ReadStatus {
  const parsed = v.safeParse(statusSchema, body);
  if (parsed.success) return { state: parsed.output.state, text: statusText(parsed.output) };
  const verdict = v.safeParse(verdictSchema, body);
  if (!verdict.success) {
    throw new Error(`Cannot read the status of the running service: ${v.summarize(parsed.issues)}`);
  }
  const { state, why } = verdict.output;
  const note = "(the service is of another version; -output json shows all that it says)";
  return { state, text: `${state}: ${why}\n${note}\n` };
}

/** The status in the order in which a person asks: verdict, held, who, flow, errors, prefixes. */
function statusText(status: StatusDocument): string {
  const { service, flow } = status;
  return [
    `${status.state} since ${status.since}: ${status.why}`,
    ...status.held.map(({ table, count, until, release }) =>
      `held in ${table}: ${counted(count, "withdrawal")}${
        until === null ? "" : ` until ${until}`
      }; let them go now with: ${release}`
    ),
    "",
    `service   version ${service.version}, pid ${service.pid}, up ${uptime(service.uptimeSeconds)}`,
    `          cloud ${service.cloud}, instance ${
      service.instance ?? "not known yet"
    }, owner ${service.owner}`,
    ...settingLines(service.settings),
    "",
    ...headed("carries", status.carries.map(findingLine)),
    ...(status.peers.length === 0 ? [] : headed("peers", status.peers.map(peerLine))),
    "",
    `kernel    ${counted(flow.kernelRoutes, "route")}, ${flow.wanted} wanted${droppedText(flow.dropped)}`,
    ...flow.tables.map(tableLine),
    ...cloudLines(status.cloud),
    ...part(
      "errors",
      status.errors.map(errorLine),
    ),
    ...part("last changes", changeLines(status.changes)),
    ...part("prefixes", prefixLines(status)),
  ].join("\n") + "\n";
}

function errorLine(
  { table, prefix, further, kind, message, remedy, nextTry }: StatusDocument["errors"][number],
): string {
  const more = further === 0 ? "" : ` and ${further} more`;
  const sentences = [
    withoutStop(message),
    ...(remedy === null ? [] : [remedy]),
    ...(nextTry === null ? [] : [`next try ${nextTry}`]),
  ];
  return `${prefix ?? table}${more}: ${kind === undefined ? "" : `${kind}: `}${sentences.join("; ")}`;
}

function findingLine({ name, status, detail, remedy }: StatusDocument["carries"][number]): string {
  return `${status}: ${name}: ${detail}${remedy === null || status === "ok" ? "" : `; ${remedy}`}`;
}

function peerLine({ address, state, since, why }: StatusDocument["peers"][number]): string {
  return `${address}: ${state}${since === null ? "" : ` since ${since}`}: ${why}`;
}

/** Lines with a word in front of the first. */
function headed(word: string, lines: readonly string[]): readonly string[] {
  const texts = lines.length === 0 ? ["not looked at yet"] : lines;
  return texts.map((line, index) => `${(index === 0 ? word : "").padEnd(10)}${line}`);
}

function settingLines(settings: StatusDocument["service"]["settings"]): readonly string[] {
  if (settings.length === 0) return ["          all settings have their defaults"];
  return settings.map(({ flag, value, source }) => `          -${flag} ${value} (from ${source})`);
}

function droppedText(dropped: Readonly<Record<string, number>> | null): string {
  const parts = Object.entries(dropped ?? {}).map(([reason, number]) => `${number} ${reason}`);
  return parts.length === 0 ? "" : `; dropped: ${parts.join(", ")}`;
}

function tableLine(table: StatusDocument["flow"]["tables"][number]): string {
  if (!table.known) return `cloud     ${table.table}: not read yet, what it holds is unknown`;
  // One quota counts both families, and names none.
  const familyOf = (families: readonly number[]): string =>
    table.quotas.length < 2 ? "" : ` ${families.map((family) => `IPv${family}`).join(" and ")}`;
  const quota = table.quotas.map(({ used, limit, families }) =>
    `quota ${used} of ${limit ?? "unknown"}${familyOf(families)}`
  );
  const parts = [
    `${table.owned} ours`,
    (table.peers ?? 0) > 0 ? `${table.peers} of peers` : "",
    table.standby > 0 ? `${table.standby} standby` : "",
    `${table.foreign} foreign`,
    (table.pending ?? 0) > 0 ? `${table.pending} pending` : "",
    (table.held ?? 0) > 0 ? `${table.held} held` : "",
    table.overQuota > 0 ? `${table.overQuota} over quota` : "",
    table.conflicts > 0 ? `${table.conflicts} blocked by foreign routes` : "",
    ...quota,
    table.causes.drift > 0 ? `${counted(table.causes.drift, "outside edit")} undone` : "",
  ];
  return `cloud     ${table.table}: ${inStepText(table)}; ${parts.filter(Boolean).join(", ")}`;
}

function inStepText({ inStep, inStepSince }: StatusDocument["flow"]["tables"][number]): string {
  if (!inStep) return "not in step";
  return inStepSince === null ? "in step" : `in step since ${inStepSince}`;
}

function cloudLines({ tables, calls, limiters }: StatusDocument["cloud"]): readonly string[] {
  const times = tables.map(({ table, lastReading, lastWrite, nextTry }) =>
    `          ${table}: last good reading ${lastReading ?? "never"}, last write ${lastWrite ?? "never"}` +
    (nextTry === null ? "" : `, next try ${nextTry}`)
  );
  const figures = Object.entries(calls).map(([operation, { calls, failed, meanMs }]) =>
    `${operation} ${calls}${failed === 0 ? "" : ` (${failed} failed)`}, ${Math.round(meanMs)} ms`
  );
  const calling = figures.length === 0 ? [] : [`          calls: ${figures.join("; ")}`];
  return [...times, ...calling, ...limiters.flatMap(limiterLine)];
}

/** A kind of call that does not go at its full rate. */
function limiterLine(limiter: StatusDocument["cloud"]["limiters"][number]): readonly string[] {
  const { action, perSecond, fullPerSecond, waiting, throttledUntil, refused } = limiter;
  if (perSecond >= fullPerSecond && waiting === 0 && throttledUntil === null) return [];
  const parts = [
    `${Math.round(perSecond * 100) / 100} of ${fullPerSecond} calls a second`,
    waiting > 0 ? `${waiting} wait` : "",
    refused > 0 ? `${refused} refused by the cloud's rate limit` : "",
    throttledUntil === null ? "" : `next call ${throttledUntil}`,
  ];
  return [`          rate of ${action}: ${parts.filter(Boolean).join(", ")}`];
}

function changeLines(changes: StatusDocument["changes"]): readonly string[] {
  if (changes.length === 0) return [];
  const rows = changes.map(({ time, prefix, from, to, cause, milliseconds }) => [
    time,
    prefix,
    `${from ?? "none"} -> ${to ?? "none"}`,
    cause,
    milliseconds === null ? "" : `${Math.round(milliseconds)} ms`,
  ]);
  return alignColumns(rows).trimEnd().split("\n");
}

function part(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function prefixLines({ problems, furtherProblems }: StatusDocument): readonly string[] {
  const rows = problems.map(({ prefix, problem, command }) => [prefix, problem, command]);
  const lines = rows.length === 0 ? [] : alignColumns(rows).trimEnd().split("\n");
  return furtherProblems > 0 ? [...lines, `and ${furtherProblems} more`] : lines;
}

/** `3d 4h`, `4h 12m`, `12m 5s`, `5s`. */
function uptime(seconds: number): string {
  const units = [["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  let rest = seconds;
  const parts = units.slice(first < 0 ? units.length - 1 : first).slice(0, 2).map(([unit, size]) => {
    const number = Math.floor(rest / size);
    rest -= number * size;
    return `${number}${unit}`;
  });
  return parts.join(" ");
}
