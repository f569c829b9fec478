/** Taking back what was made: the subnet gets its former table again, ours is deleted. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { warnOfStay } from "../kit/own_table.ts";
import type { ArmClient } from "./api.ts";
import { deleteResource } from "./resources.ts";
import type { ArmRoute, ArmSubnet } from "./schemas.ts";
import { associate, usesTable } from "./association.ts";
import { otherSubnetsOf } from "./former_tables.ts";
import { formerIdOf } from "./tags.ts";
import { readSubnet, subnetName } from "./vm.ts";
import {
  associatedTable,
  findOwnTable,
  foreignRoutesOf,
  type OwnTableContext,
  readRouteTable,
  routesOfPeers,
} from "./own_table.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/**
 * Puts the former association back and deletes the table. The table stays where it still holds routes of others that are
 * nowhere else; while it holds those of other routers of this owner, the subnet goes on using it too.
 *
 * @throws {CloudError} of kind `conflict` if other subnets use the table: it cannot be deleted.
 */
export async function removeOwnTable(context: OwnTableContext, signal: AbortSignal): Promise<void> {
  const { arm, vm, owner } = context;
  const subnet = await readSubnet(arm, vm.subnetId, signal);
  const own = await findOwnTable(context, await associatedTable(arm, subnet, signal), signal);
  if (own === null) return;
  const ofPeers = routesOfPeers(own, context);
  if (ofPeers.length > 0) {
    return warnOfStay(logger, own.name, "routes of other routers of this owner are in it", namesOf(ofPeers));
  }
  const formerId = formerIdOf(own, vm.subnetId, vm) ?? null;
  if (usesTable(subnet, own.id)) await giveBack(arm, subnet, formerId, signal);
  const former = formerId === null ? null : await readRouteTable(arm, formerId, signal);
  const others = otherSubnetsOf(own, vm.subnetId);
  if (others.length > 0) {
    const names = others.map(subnetName).join(", ");
    throw new CloudError("conflict", `Cannot delete route table ${own.name}: it is in use by ${names}`);
  }
  const foreign = foreignRoutesOf(own, former, owner);
  if (foreign.length > 0) {
    return warnOfStay(logger, own.name, "routes of others are in it and nowhere else", namesOf(foreign));
  }
  await deleteResource(arm, { action: `delete route table ${own.name}`, id: own.id }, signal);
}

function namesOf(routes: readonly ArmRoute[]): string[] {
  return routes.map(({ name }) => name);
}

/**
 * Makes the subnet use its former table again. Whether that still exists is left to the subnet's own write: a 404 of the
 * table itself may be a lagging replica's, and would take the subnet its way out.
 */
async function giveBack(
  arm: ArmClient,
  subnet: ArmSubnet,
  formerId: string | null,
  signal: AbortSignal,
): Promise<void> {
  try {
    await associate(arm, subnet, formerId, signal);
  } catch (error) {
    const isGone = error instanceof CloudError && error.code === "InvalidResourceReference";
    if (formerId === null || !isGone) throw error;
    logger.warn("The subnet's former route table {id} is gone; the subnet gets none", { id: formerId });
    await associate(arm, subnet, null, signal);
  }
}
