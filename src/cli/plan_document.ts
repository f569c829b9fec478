/** The document of `plan -output json`: what would change, what would not, and why. */

import type { Cloud, CloudQuota, PreparationStep } from "../clouds/cloud.ts";
import type { DropReason } from "../routes/drop_reason.ts";
import { counted, prefixList } from "../sync/wording.ts";
import type { Comparison } from "../sync/comparison.ts";
import type { GroupVerdict } from "../sync/group.ts";
import type { TableIndex } from "../sync/ownership.ts";
import type { PlannedChange } from "../sync/planned_change.ts";

/** Prefixes that a verdict names; the document has them all. */
const mostNamed = 3;

/** Why a wanted prefix is not in the cloud, besides the reasons of the policy. */
export type HoldReason = "quota" | "foreign-route" | "unknown-next-hop" | "would-loop" | GroupVerdict;

/** A prefix and why it is not in the cloud. */
export interface DroppedPrefix {
  readonly prefix: string;
  readonly reason: DropReason | HoldReason;
}

/** The kernel routes that are not wanted. */
export interface DroppedRoutes {
  /** Their number by reason, the most first. */
  readonly counts: ReadonlyMap<DropReason, number>;
  /** Each of them; null: only their number was asked for. */
  readonly list: readonly DroppedPrefix[] | null;
}

/** The document of `plan -output json`. */
export interface PlanDocument {
  readonly cloud: string;
  /** Always a list, also of the one table that most have. */
  readonly tables: readonly TablePlan[];
}

/** What would be done to one table. */
export interface TablePlan {
  readonly table: string;
  /** What is done before routes are written: the table that is made, the subnet that comes to use it, what is copied. */
  readonly preparation: readonly PreparationStep[];
  readonly changes: readonly {
    readonly action: "add" | "replace" | "delete";
    readonly prefix: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
  readonly kept: number;
  readonly foreign: number;
  /** Kernel routes that are not wanted, and {@linkcode blocked}, by reason. */
  readonly droppedCounts: Readonly<Partial<Record<DropReason | HoldReason, number>>>;
  /** Each of those; there with `-dropped` alone, since a router may have a million. */
  readonly dropped?: readonly DroppedPrefix[];
  /** Wanted routes that are not in the table, or not as they should be, and stay so. */
  readonly blocked: readonly DroppedPrefix[];
  readonly quota: { readonly used: number; readonly limit: number | null };
  readonly verdict: "apply" | "hold" | "refuse";
  readonly why: string;
}

/** What is planned for a table. */
export interface TableParts {
  readonly cloud: Pick<Cloud, "name" | "describe">;
  readonly table: string;
  readonly preparation: readonly PreparationStep[];
  readonly comparison: Comparison;
  /** What stands in the table, by ownership. */
  readonly index: TableIndex;
  readonly quotas: readonly CloudQuota[];
  /** Where a running instance leaves its errors. */
  readonly statusFile: string;
}

/** What a plan's report is made of. */
export interface PlanParts extends TableParts {
  readonly dropped: DroppedRoutes;
}

/** Makes a table's part of the document. */
export function tablePlan(parts: PlanParts): TablePlan {
  const { comparison, dropped } = parts;
  const { verdict, why } = verdictOf(comparison, parts.preparation);
  const blocked = blockedOf(comparison);
  return {
    table: parts.table,
    preparation: parts.preparation,
    changes: changeDocuments(comparison),
    kept: comparison.difference.kept,
    foreign: parts.index.foreignCount,
    droppedCounts: countsOf(dropped, blocked),
    ...(dropped.list === null ? {} : { dropped: [...dropped.list, ...blocked] }),
    blocked,
    quota: tightest(parts.quotas),
    verdict,
    why,
  };
}

/** The changes as the document has them, in the order in which they would be made. */
export function changeDocuments(comparison: Comparison): TablePlan["changes"] {
  return changesOf(comparison).map((change) => ({
    action: change.action,
    prefix: change.prefix.text,
    from: change.from?.nextHops.join(",") ?? null,
    to: change.to?.join(",") ?? null,
  }));
}

function countsOf(
  { counts }: DroppedRoutes,
  blocked: readonly DroppedPrefix[],
): TablePlan["droppedCounts"] {
  const all = new Map<DroppedPrefix["reason"], number>(counts);
  for (const { reason } of blocked) all.set(reason, (all.get(reason) ?? 0) + 1);
  return Object.fromEntries(all);
}

/** The quota with the fewest free places; a cloud may count the families apart. */
function tightest(quotas: readonly CloudQuota[]): TablePlan["quota"] {
  const free = ({ used, limit }: CloudQuota): number => limit === null ? Infinity : limit - used;
  const least = quotas.reduce<CloudQuota | null>(
    (found, quota) => found === null || free(quota) < free(found) ? quota : found,
    null,
  );
  return { used: least?.used ?? 0, limit: least?.limit ?? null };
}

/** What other routers of the group have is in step: it is theirs to write. */
const leftToPeers: ReadonlySet<DroppedPrefix["reason"]> = new Set<GroupVerdict>([
  "standby",
  "peer",
  "passive",
]);

/** Whether the plan has anything to do, now or once something stands no longer in its way. */
export function planHasChanges(document: TablePlan): boolean {
  return planWrites(document) || document.blocked.some(({ reason }) => !leftToPeers.has(reason));
}

/** Whether the plan has anything to do at once, were it not held or refused. */
export function planWrites({ preparation, changes, verdict }: TablePlan): boolean {
  return preparation.length + changes.length > 0 || verdict !== "apply";
}

/** The changes in the order in which they would be made; held withdrawals last. */
export function changesOf(comparison: Comparison): readonly PlannedChange[] {
  const held = new Set(comparison.decision.held);
  return [
    ...comparison.fitted.waves.flat(),
    ...comparison.waiting,
    ...comparison.difference.deletes.filter((change) => held.has(change.prefix.text)),
  ];
}

function blockedOf(comparison: Comparison): readonly DroppedPrefix[] {
  const { fitted, difference, looping, unresolved } = comparison;
  return [
    ...fitted.overQuota.map(({ prefix }) => ({ prefix: prefix.text, reason: "quota" as const })),
    ...difference.conflicts.map(({ prefix }) => ({ prefix: prefix.text, reason: "foreign-route" as const })),
    ...difference.left.map(({ prefix, verdict }) => ({ prefix: prefix.text, reason: verdict })),
    ...looping.map(({ prefix }) => ({ prefix, reason: "would-loop" as const })),
    ...unresolved.map((prefix) => ({ prefix, reason: "unknown-next-hop" as const })),
  ];
}

function verdictOf(
  comparison: Comparison,
  preparation: readonly PreparationStep[],
): { verdict: TablePlan["verdict"]; why: string } {
  const { overQuota } = comparison.fitted;
  if (overQuota.length > 0) {
    return {
      verdict: "refuse",
      why: `over the quota: ${prefixList(overQuota.map(({ prefix }) => prefix.text), mostNamed)}`,
    };
  }
  if (comparison.decision.why !== null) return { verdict: "hold", why: comparison.decision.why };
  const count = changesOf(comparison).length;
  const conflicts = comparison.difference.conflicts.map(({ prefix }) => prefix.text);
  const blocked = conflicts.length === 0 ? "" : `; foreign routes block ${prefixList(conflicts, mostNamed)}`;
  const looping = comparison.looping.length === 0
    ? ""
    : `; ${prefixList(comparison.looping.map(({ prefix }) => prefix), mostNamed)} would loop`;
  const rest = comparison.unresolved.length === 0
    ? looping
    : `${looping}; the next hops of ${prefixList(comparison.unresolved, mostNamed)} are not known`;
  const first = preparation.length === 0 ? "" : `${counted(preparation.length, "step")} of preparation`;
  if (count > 0 || first !== "") {
    const parts = [first, count === 0 ? "" : counted(count, "change")].filter((part) => part !== "");
    return { verdict: "apply", why: `${parts.join(", ")}${blocked}${rest}` };
  }
  return {
    verdict: "apply",
    why: blocked + rest === "" ? "the table is in step" : `nothing to write${blocked}${rest}`,
  };
}
