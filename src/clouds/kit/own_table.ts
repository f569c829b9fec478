/**
 * The table of its own, as every cloud has it that the program makes one in: what preparing does, from whom no subnet is taken, and what
 * is said where a copy is made or the table stays.
 */

import type { Logger } from "@logtape/logtape";
import type { PreparationStep } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CopyPlan, CopyStep } from "./living_copy.ts";

/** Our table, the tables that it is to be a copy of, and what that takes. */
export interface Copying<Table, Formers> {
  readonly own: Table;
  readonly formers: Formers;
  readonly plan: CopyPlan;
}

/** What following the former tables does, for people. */
export function copySteps({ steps }: CopyPlan): PreparationStep[] {
  return steps.map(({ key, from, to }) => ({ action: "copy", what: key, from, to }));
}

/**
 * What making our table ready for a subnet does, for people.
 *
 * @param made what is created; null: the table is there.
 */
export function joiningSteps(
  made: string | null,
  plan: CopyPlan,
  association: { readonly what: string; readonly from: string | null; readonly to: string },
): PreparationStep[] {
  const creation = { action: "create", what: made ?? "", from: null, to: null } as const;
  return [...made === null ? [] : [creation], ...copySteps(plan), { action: "associate", ...association }];
}

/** Logs a step of a copy that was made. @param table our table's name. */
export function logCopied(log: Logger, { action, key, from, to }: CopyStep, table: string): void {
  log.info("Carried over to {table}: {action} {key}: {from} -> {to}", {
    event: "carried-over",
    table,
    action,
    key,
    from: from ?? "none",
    to: to ?? "none",
  });
}

/**
 * Follows the former tables while the subnet uses ours already: what cannot be done keeps nothing else from being done.
 *
 * @param follow makes the copies. @returns sentences: what it could not do.
 * @returns these sentences, or that of its error.
 * @throws the signal's reason, and whatever is no {@linkcode CloudError}.
 */
export async function problemsOf(
  signal: AbortSignal,
  follow: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    return await follow();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CloudError)) throw error;
    return [error.message];
  }
}

/** How many routes a log line names. */
const routesNamed = 10;

/** Logs that our table is not deleted. @param routes those in it that keep it, for people. */
export function warnOfStay(log: Logger, table: string, why: string, routes: readonly string[]): void {
  log.warn("Route table {table} stays: {why} ({count}): {routes}", {
    event: "table-stays",
    table,
    why,
    count: routes.length,
    routes: routes.slice(0, routesNamed).join(", "),
  });
}

/** A table as people name it. */
interface TableName {
  readonly name: string;
  readonly id: string;
}

/** That `-no-associate` keeps a subnet where it is. @param uses what the subnet uses now, for people. */
export function associationForbidden(subnet: string, uses: string): CloudError {
  return new CloudError(
    "invalid",
    `Cannot associate subnet ${subnet} with a table of our own: it uses ${uses}, and -no-associate forbids changing that; ` +
      `associate it by hand, or hand over a table with -route-table`,
  );
}

/** That a subnet is not taken from another owner: the two would take it from each other for ever. */
export function ownedByAnother(subnet: string, table: TableName, owner: string, other: string): CloudError {
  return new CloudError(
    "invalid",
    `Cannot associate subnet ${subnet} with a table of owner ${owner}: it uses route table ${table.name} of owner ${other}; ` +
      `share that one with -route-table ${table.id}`,
  );
}

/** A tag by which a controller finds its tables. */
export interface KeeperTag {
  /** Matches the tag's key. */
  readonly key: RegExp;
  /** Who keeps such a table, for people. */
  readonly keeper: string;
}

/** The tag that says that another controller keeps a table, and who; null where none says so. */
export function keeperOf(
  tagKeys: readonly string[],
  known: readonly KeeperTag[],
): { readonly tag: string; readonly keeper: string } | null {
  for (const tag of tagKeys) {
    const found = known.find(({ key }) => key.test(tag));
    if (found !== undefined) return { tag, keeper: found.keeper };
  }
  return null;
}

/** Why a subnet is not taken from a table that another controller keeps. */
export function keptByAnother(
  subnet: string,
  table: TableName,
  { tag, keeper }: { readonly tag: string; readonly keeper: string },
): string {
  return `Cannot take subnet ${subnet} from route table ${table.name}: its tag ${tag} says that ${keeper} writes to it, and a copy ` +
    `would be behind; share it with -route-table ${table.id}`;
}
