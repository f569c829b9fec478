/** What keeps a table from being as wanted and does not go away by itself: the words for it in the log, in health and on the page. Pure. */

import type { CloudQuota } from "../clouds/cloud.ts";
import type { SyncStatus } from "./sync_status.ts";
import { clockText } from "./error_text.ts";
import { counted, prefixList } from "./wording.ts";

/** Most prefixes that one line names: nobody reads more. */
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
  packets: "packets follow its routes again",
};

/** The problems of a table at the moment. */
export function problemsOf(
  status: Pick<
    SyncStatus,
    | "wanted"
    | "overQuota"
    | "conflicts"
    | "looping"
    | "held"
    | "heldWhy"
    | "heldUntil"
    | "quotas"
    | "problems"
  >,
): readonly TableProblem[] {
  const { wanted, overQuota, conflicts, looping, held, heldWhy, heldUntil, quotas, problems: packets } =
    status;
  const problems: TableProblem[] = [];
  if (held > 0) {
    const emptied = wanted === 0
      ? "; the kernel has no wanted route left: is the routing daemon running?"
      : "";
    const text = `${counted(held, "withdrawal")} ${isOrAre(held)} held: ${heldWhy}${emptied}${
      endText(heldUntil)
    }`;
    problems.push({ kind: "held", text, prefixes: [] });
  }
  if (overQuota.length > 0) {
    const text = `${counted(overQuota.length, "wanted route")} ${isOrAre(overQuota.length)} over the quota` +
      `${usedText(quotas)}: ${
        prefixList(overQuota, mostNamed)
      }; raise the limit, or leave routes out with -exclude`;
    problems.push({ kind: "over-quota", text, prefixes: overQuota });
  }
  if (conflicts.length > 0) {
    const [them, routes] = conflicts.length === 1 ? ["it", "a foreign route"] : ["them", "foreign routes"];
    const text =
      `${counted(conflicts.length, "wanted prefix", "wanted prefixes")} ${isOrAre(conflicts.length)} ` +
      `blocked by ${routes}: ${
        prefixList(conflicts, mostNamed)
      }; delete ${them}, or let -adopt take ${them} over`;
    problems.push({ kind: "foreign-route", text, prefixes: conflicts });
  }
  if (looping.length > 0) {
    const prefixes = looping.map(({ prefix }) => prefix);
    const named = looping.map(({ prefix, turnsBack }) => `${prefix} (${turnsBack})`);
    const text =
      `${
        counted(looping.length, "wanted route")
      } would loop, since this VM sends what stands in brackets by ` +
      `the subnet's router: ${prefixList(named, mostNamed)}; leave ${
        looping.length === 1 ? "it" : "them"
      } out with -exclude`;
    problems.push({ kind: "would-loop", text, prefixes });
  }
  if (packets.length > 0) {
    const text = `${packets.join("; ")}; cloudroutesync doctor says what helps`;
    problems.push({ kind: "packets", text, prefixes: packets });
  }
  return problems;
}

function isOrAre(count: number): string {
  return count === 1 ? "is" : "are";
}

/** When a hold ends, and how to end it at once. */
function endText(heldUntil: number | null): string {
  if (heldUntil === null) return "";
  return `; held until ${clockText(heldUntil)}, cloudroutesync release lets them go now`;
}

function usedText(quotas: readonly CloudQuota[]): string {
  const known = quotas.filter(({ limit }) => limit !== null)
    .map(({ used, limit, families }) =>
      `${used} of ${limit} ${families.map((family) => `IPv${family}`).join(" and ")}`
    );
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}
