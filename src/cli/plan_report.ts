/** What `plan` and `apply` print: the document, and the diff that a network engineer reads at a glance. */

import type { Cloud, CloudQuota } from "../clouds/cloud.ts";
import type { DropReason } from "../routes/drop_reason.ts";
import type { Verdict } from "../routes/policy.ts";
import { prefixList } from "../routes/prefix_list.ts";
import type { Comparison } from "../sync/comparison.ts";
import type { TableIndex } from "../sync/ownership.ts";
import type { PlannedChange } from "../sync/plan.ts";
import { counted } from "./counted.ts";
import { alignColumns } from "./text_table.ts";

/** Prefixes that a verdict names; the document has them all. */
const mostNamed = 3;

/** Why a wanted prefix is not in the cloud, besides the reasons of the policy. */
export type HoldReason = "quota" | "foreign-route" | "unknown-next-hop";

/** The document of `plan -output json`. */
export interface PlanDocument {
  readonly cloud: string;
  readonly table: string;
  readonly changes: readonly {
    readonly action: "add" | "replace" | "delete";
    readonly prefix: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
  readonly kept: number;
  readonly foreign: number;
  readonly dropped: readonly { readonly prefix: string; readonly reason: DropReason | HoldReason }[];
  readonly quota: { readonly used: number; readonly limit: number | null };
  readonly verdict: "apply" | "hold" | "refuse";
  readonly why: string;
}

/** What a plan is made of. */
export interface PlanParts {
  readonly cloud: Pick<Cloud, "name" | "describe">;
  readonly table: string;
  readonly comparison: Comparison;
  /** What stands in the table, by ownership. */
  readonly index: TableIndex;
  readonly quotas: readonly CloudQuota[];
  /** Where a running instance leaves its errors. */
  readonly statusFile: string;
  /** Verdicts of the kernel routes. */
  readonly verdicts: readonly Verdict[];
}

/** Makes the document. */
export function planDocument(parts: PlanParts): PlanDocument {
  const { comparison } = parts;
  const { verdict, why } = verdictOf(comparison);
  return {
    cloud: parts.cloud.name,
    table: parts.table,
    changes: changesOf(comparison).map((change) => ({
      action: change.action,
      prefix: change.prefix.text,
      from: change.from?.nextHops.join(",") ?? null,
      to: change.to?.join(",") ?? null,
    })),
    kept: comparison.difference.kept,
    foreign: parts.index.foreignCount,
    dropped: droppedOf(parts),
    quota: tightest(parts.quotas),
    verdict,
    why,
  };
}

/** The quota with the least room; a cloud may count the families apart. */
function tightest(quotas: readonly CloudQuota[]): PlanDocument["quota"] {
  const room = ({ used, limit }: CloudQuota): number => limit === null ? Infinity : limit - used;
  const least = quotas.reduce<CloudQuota | null>(
    (found, quota) => found === null || room(quota) < room(found) ? quota : found,
    null,
  );
  return { used: least?.used ?? 0, limit: least?.limit ?? null };
}

/** Whether the plan has anything to do, now or once something stands no longer in its way. */
export function planHasChanges(document: PlanDocument): boolean {
  return document.changes.length > 0 || document.verdict !== "apply";
}

/** The diff as text. */
export function planText(parts: PlanParts): string {
  const { comparison, cloud } = parts;
  const document = planDocument(parts);
  const held = new Set(comparison.decision.held);
  const hops = (list: readonly string[]): string => list.map((hop) => cloud.describe(hop)).join(", ");
  const rows = changesOf(comparison).map((change) => [
    `${signs[change.action]} ${change.prefix.text}`,
    [change.from === null ? "" : hops(change.from.nextHops), change.to === null ? "" : `→ ${hops(change.to)}`]
      .filter((part) => part !== "").join(" "),
    held.has(change.prefix.text) ? "(held)" : "",
  ]);
  for (const change of comparison.fitted.unfit) {
    rows.push([`! ${change.prefix.text}`, "no room in the quota", ""]);
  }
  for (const { prefix, foreign } of comparison.difference.conflicts) {
    rows.push([
      `! ${prefix.text}`,
      `a foreign route to ${hops(foreign.nextHops)} stands there (-adopt takes it over)`,
      "",
    ]);
  }
  return `${cloud.name} table ${parts.table}\n${alignColumns(rows)}${summary(document)}`;
}

const signs: Readonly<Record<PlannedChange["action"], string>> = { add: "+", replace: "~", delete: "-" };

/** The changes in the order in which they would be made; held withdrawals last. */
function changesOf(comparison: Comparison): readonly PlannedChange[] {
  const held = new Set(comparison.decision.held);
  return [
    ...comparison.fitted.waves.flat(),
    ...comparison.waiting,
    ...comparison.difference.deletes.filter((change) => held.has(change.prefix.text)),
  ];
}

function droppedOf(parts: PlanParts): PlanDocument["dropped"] {
  const { comparison } = parts;
  return [
    ...parts.verdicts.flatMap((verdict) =>
      verdict.verdict === "dropped" ? [{ prefix: verdict.route.prefix.text, reason: verdict.reason }] : []
    ),
    ...comparison.fitted.unfit.map(({ prefix }) => ({ prefix: prefix.text, reason: "quota" as const })),
    ...comparison.difference.conflicts.map(({ prefix }) => ({
      prefix: prefix.text,
      reason: "foreign-route" as const,
    })),
    ...comparison.unresolved.map((prefix) => ({ prefix, reason: "unknown-next-hop" as const })),
  ];
}

function verdictOf(comparison: Comparison): { verdict: PlanDocument["verdict"]; why: string } {
  const { unfit } = comparison.fitted;
  if (unfit.length > 0) {
    return {
      verdict: "refuse",
      why: `no room in the quota for ${prefixList(unfit.map(({ prefix }) => prefix.text), mostNamed)}`,
    };
  }
  if (comparison.decision.why !== null) return { verdict: "hold", why: comparison.decision.why };
  const count = changesOf(comparison).length;
  const conflicts = comparison.difference.conflicts.map(({ prefix }) => prefix.text);
  const blocked = conflicts.length === 0
    ? ""
    : `; foreign routes stand at ${prefixList(conflicts, mostNamed)}`;
  const rest = comparison.unresolved.length === 0
    ? ""
    : `; the next hops of ${prefixList(comparison.unresolved, mostNamed)} are not known`;
  if (count > 0) return { verdict: "apply", why: `${counted(count, "change")}${blocked}${rest}` };
  return {
    verdict: "apply",
    why: blocked + rest === "" ? "the table is in step" : `nothing to write${blocked}${rest}`,
  };
}

function summary(document: PlanDocument): string {
  const count = (action: string): number =>
    document.changes.filter((change) => change.action === action).length;
  const { used, limit } = document.quota;
  return `${count("add")} to add, ${count("replace")} to replace, ${count("delete")} to delete, ` +
    `${document.kept} kept, ${document.foreign} foreign; quota: ${used} of ${
      limit ?? "an unknown number"
    } used\n` +
    `${document.verdict}: ${document.why}\n`;
}
