/** The tables that the subnets of our table used before, by what its tags say. */

import { readRouteTable } from "./own_table.ts";
import type { OwnTableContext } from "./own_table.ts";
import { nameInId, sameId } from "./resource_id.ts";
import type { ArmRouteTable } from "./schemas.ts";
import { formerIdOf } from "./tags.ts";

/** What is known of them. */
export interface FormerTables {
  /** Those that exist, each once; null stands for none at all. */
  readonly tables: readonly (ArmRouteTable | null)[];
  /** Names of those that do not exist any more. */
  readonly gone: readonly string[];
  /** Ids of subnets that somebody else gave to our table: no tag says what they used. */
  readonly unrecorded: readonly string[];
}

/** Ids of the subnets besides one that use a table. */
export function otherSubnetsOf(own: ArmRouteTable, subnetId: string | null): readonly string[] {
  return (own.properties.subnets ?? []).map(({ id }) => id).filter((id) => !sameId(id, subnetId ?? ""));
}

/** Whether a subnet that uses our table now used another one before. */
export function usedTables({ vm }: Pick<OwnTableContext, "vm">, own: ArmRouteTable): boolean {
  return recordedFormers(vm, own, null).some(({ former }) => typeof former === "string");
}

/** By subnet the id of its former table; null: it had none; undefined: no tag says. */
function recordedFormers(
  vm: OwnTableContext["vm"],
  own: ArmRouteTable,
  but: string | null,
): readonly { readonly subnet: string; readonly former: string | null | undefined }[] {
  return otherSubnetsOf(own, but).map((subnet) => ({ subnet, former: formerIdOf(own, subnet, vm) }));
}

/**
 * The former tables of the subnets that use our table now.
 *
 * @param but a subnet to leave out.
 */
export async function formersInUse(
  { arm, vm }: Pick<OwnTableContext, "arm" | "vm">,
  own: ArmRouteTable,
  but: string | null,
  signal: AbortSignal,
): Promise<FormerTables> {
  const recorded = recordedFormers(vm, own, but);
  const ids = new Map(
    recorded.flatMap(({ former }) =>
      typeof former === "string" ? [[former.toLowerCase(), former] as const] : []
    ),
  );
  ids.delete(own.id.toLowerCase());
  const read = await Promise.all(
    [...ids.values()].map(async (id) => ({ id, table: await readRouteTable(arm, id, signal) })),
  );
  return {
    tables: [
      ...read.flatMap(({ table }) => table ?? []),
      ...recorded.some(({ former }) => former === null) ? [null] : [],
    ],
    gone: read.filter(({ table }) => table === null).map(({ id }) => nameInId(id, "routeTables")),
    unrecorded: recorded.filter(({ former }) => former === undefined).map(({ subnet }) => subnet),
  };
}
