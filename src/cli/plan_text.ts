/** What `plan` prints as text: the diff that a network engineer reads at a glance. */

import type { PreparationStep } from "../clouds/cloud.ts";
import type { GroupVerdict } from "../sync/group.ts";
import type { PlannedChange } from "../sync/planned_change.ts";
import {
  changesOf,
  type DroppedRoutes,
  planHasChanges,
  type PlanParts,
  planWrites,
  type TablePlan,
  tablePlan,
} from "./plan_document.ts";
import { alignColumns } from "./text_table.ts";

/** The diff as text. @param colours whether it goes to a terminal that shows colours. */
export function planText(parts: PlanParts, colours = false): string {
  const { comparison, cloud } = parts;
  const document = tablePlan(parts);
  const held = new Set(comparison.decision.held);
  const hops = (list: readonly string[]): string => list.map((hop) => cloud.describe(hop)).join(", ");
  const rows = parts.preparation.map(preparationRow);
  for (const change of changesOf(comparison)) {
    rows.push([
      `${signs[change.action]} ${change.prefix.text}`,
      [
        change.from === null ? "" : hops(change.from.nextHops),
        change.to === null ? "" : `→ ${hops(change.to)}`,
      ]
        .filter((part) => part !== "").join(" "),
      held.has(change.prefix.text) ? "(held)" : "",
    ]);
  }
  for (const change of comparison.fitted.overQuota) {
    rows.push([`! ${change.prefix.text}`, "over the quota", ""]);
  }
  for (const { prefix, foreign } of comparison.difference.conflicts) {
    rows.push([
      `! ${prefix.text}`,
      `blocked by a foreign route to ${hops(foreign.nextHops)} (-adopt takes it over)`,
      "",
    ]);
  }
  for (const { prefix, verdict } of comparison.difference.left) {
    rows.push([`= ${prefix.text}`, leftTo[verdict], ""]);
  }
  for (const { prefix, turnsBack } of comparison.looping) {
    rows.push([`! ${prefix}`, `would loop: this VM sends ${turnsBack} by the subnet's router`, ""]);
  }
  for (const prefix of comparison.unresolved) {
    rows.push([`! ${prefix}`, "its next hop is not known at the moment", ""]);
  }
  for (const { prefix, reason } of parts.dropped.list ?? []) rows.push([`x ${prefix}`, reason, ""]);
  const lines = alignColumns(rows);
  return `${cloud.name} table ${parts.table}\n${colours ? coloured(lines) : lines}${
    droppedText(parts.dropped)
  }${summary(document)}`;
}

/** By a line's sign the colour of it (ECMA-48, SGR): what comes, changes and goes, what is prepared, and what stands in the way. */
const colourOfSign: Readonly<Record<string, string>> = {
  "+": "32",
  "~": "33",
  "-": "31",
  "*": "36",
  "!": "35",
  "=": "2",
  "x": "2",
};

function coloured(lines: string): string {
  return lines.replaceAll(/^(.)(.*)$/gm, (line, sign: string) => {
    const colour = colourOfSign[sign];
    return colour === undefined ? line : `\x1b[${colour}m${line}\x1b[0m`;
  });
}

/** A step of preparing as a line of the diff. */
function preparationRow({ action, what, from, to }: PreparationStep): string[] {
  const change = [from ?? "", to === null ? "" : `→ ${to}`].filter((part) => part !== "").join(" ");
  const removes = action === "copy" && to === null;
  return [`* ${removes ? "remove copy of" : action} ${what}`, change, ""];
}

const leftTo: Readonly<Record<GroupVerdict, string>> = {
  standby: "standby: a peer has it",
  peer: "left to the peer that is its next hop",
  passive: "passive: the active address is on another VM",
};

const signs: Readonly<Record<PlannedChange["action"], string>> = { add: "+", replace: "~", delete: "-" };

/** How many kernel routes are not wanted, by reason; nothing where all are. */
function droppedText({ counts, list }: DroppedRoutes): string {
  if (counts.size === 0) return "";
  const parts = Array.from(counts, ([reason, count]) => `${count} ${reason}`);
  return `kernel routes not wanted: ${parts.join(", ")}${list === null ? " (-dropped lists them)" : ""}\n`;
}

function summary(document: TablePlan): string {
  const count = (action: string): number =>
    document.changes.filter((change) => change.action === action).length;
  const { used, limit } = document.quota;
  return `${count("add")} to add, ${count("replace")} to replace, ${count("delete")} to delete, ` +
    `${document.kept} kept, ${document.foreign} foreign; quota: ${used} of ${
      limit ?? "an unknown number"
    } used\n` +
    `${outcome(document)}\n`;
}

/** What `apply` would do, in one line. */
function outcome(document: TablePlan): string {
  if (!planHasChanges(document)) return "in step: nothing would change";
  return `${planWrites(document) ? `would ${document.verdict}` : "not in step"}: ${document.why}`;
}
