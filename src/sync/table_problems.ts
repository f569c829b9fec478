/** What keeps a table from being as wanted and does not pass by itself: the words for it, in the log, in health and on the page. Pure. */

import type { CloudQuota } from "../clouds/cloud.ts";
import type { SyncStatus } from "./sync_status.ts";
import { counted, prefixList } from "./wording.ts";

/** More prefixes than these make a line that nobody reads. */
const mostNamed = 5;

/** A problem of a table. */
export interface TableProblem {
  readonly kind: "over-quota" | "foreign-route" | "held" | "packets" | "would-loop";
  /** A sentence without the table's name. */
  readonly text: string;
  /** The prefixes that it concerns, or sentences of the cloud's own; empty where their number alone is known. */
  readonly prefixes: readonly string[];
}

/** What is said when a problem is over. */
export const problemEnds: Readonly<Record<TableProblem["kind"], string>> = {
  "over-quota": "no route is over the quota any more",
  "foreign-route": "no foreign route blocks a wanted prefix any more",
  held: "no withdrawal is held any more",
  "would-loop": "no wanted route would turn this VM's own packets back to it any more",
  packets: "packets go where its routes say again",
};

/** The problems of a table at the moment. */
export function problemsOf(
  status: Pick<
    SyncStatus,
    "overQuota" | "conflicts" | "looping" | "held" | "heldWhy" | "heldUntil" | "quotas" | "problems"
  >,
): readonly TableProblem[] {
  const { overQuota, conflicts, looping, held, heldWhy, heldUntil, quotas, problems: packets } = status;
  const problems: TableProblem[] = [];
  if (held > 0) {
    const text = `${counted(held, "withdrawal")} ${held === 1 ? "is" : "are"} held: ${heldWhy}${
      endText(heldUntil)
    }`;
    problems.push({ kind: "held", text, prefixes: [] });
  }
  if (overQuota.length > 0) {
    const verb = overQuota.length === 1 ? "is" : "are";
    const text = `${counted(overQuota.length, "wanted route")} ${verb} over the quota${usedText(quotas)}: ` +
      prefixList(overQuota, mostNamed);
    problems.push({ kind: "over-quota", text, prefixes: overQuota });
  }
  if (conflicts.length > 0) {
    const text = `foreign routes block ${counted(conflicts.length, "wanted prefix", "wanted prefixes")} ` +
      `(-adopt takes them over): ${prefixList(conflicts, mostNamed)}`;
    problems.push({ kind: "foreign-route", text, prefixes: conflicts });
  }
  if (looping.length > 0) {
    const prefixes = looping.map(({ prefix }) => prefix);
    const named = looping.map(({ prefix, turnsBack }) => `${prefix} (${turnsBack})`);
    const text =
      `${
        counted(looping.length, "wanted route")
      } would turn back to this VM what it sends by the subnet's router: ` +
      prefixList(named, mostNamed);
    problems.push({ kind: "would-loop", text, prefixes });
  }
  if (packets.length > 0) problems.push({ kind: "packets", text: packets.join("; "), prefixes: packets });
  return problems;
}

/** When a hold ends, and how to end it at once. */
function endText(heldUntil: number | null): string {
  if (heldUntil === null) return "";
  const time = new Date(heldUntil).toISOString().slice(11, 19);
  return `; held until ${time} UTC, cloudroutesync release lets them go now`;
}

function usedText(quotas: readonly CloudQuota[]): string {
  const known = quotas.filter(({ limit }) => limit !== null)
    .map(({ used, limit, families }) => `${used} of ${limit} IPv${families.join("+")}`);
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}
