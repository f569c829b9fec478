/** Which route table a subnet uses. A subnet is written whole, with all that it has, and only as it was read. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { associationForbidden, ownedByAnother } from "../kit/own_table.ts";
import type { ArmClient } from "./api.ts";
import { sameId } from "./resource_id.ts";
import { writeResource } from "./resources.ts";
import type { ArmRouteTable, ArmSubnet } from "./schemas.ts";
import { subnetName } from "./vm.ts";
import { whyKept } from "./known_keepers.ts";
import { ownerOfTable } from "./tags.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** Whether a subnet uses a table. */
export function usesTable(subnet: ArmSubnet, tableId: string): boolean {
  return sameId(subnet.properties.routeTable?.id ?? "", tableId);
}

/**
 * Refuses to change what the subnet uses where that would take it from somebody.
 *
 * @param associated the table that the subnet uses now, or null.
 * @throws {CloudError} of kind `invalid` with the reason.
 */
export function checkMayAssociate(
  subnet: ArmSubnet,
  associated: ArmRouteTable | null,
  options: { readonly owner: string; readonly noAssociate: boolean },
): void {
  const name = subnetName(subnet.id);
  const uses = associated === null ? "no route table" : `route table ${associated.name}`;
  if (options.noAssociate) throw associationForbidden(name, uses);
  if (associated === null) return;
  const kept = whyKept(name, associated);
  if (kept !== null) throw new CloudError("invalid", kept);
  const other = ownerOfTable(associated);
  if (other !== null && other !== options.owner) throw ownedByAnother(name, associated, options.owner, other);
}

/**
 * Makes a subnet use a table.
 *
 * @param tableId the table's id, or null for none.
 * @throws {CloudError} of kind `conflict` if the subnet has changed since it was read.
 */
export async function associate(
  arm: ArmClient,
  subnet: ArmSubnet,
  tableId: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { routeTable: _, ...properties } = subnet.properties;
  const name = subnetName(subnet.id);
  await writeResource(arm, {
    action: `make subnet ${name} use ${tableId === null ? "no route table" : `route table ${tableId}`}`,
    id: subnet.id,
    body: {
      ...subnet,
      properties: tableId === null ? properties : { ...properties, routeTable: { id: tableId } },
    },
    ifMatch: subnet.etag,
  }, signal);
  logger.info("Subnet {name} now uses route table {table}", { name, table: tableId ?? "none" });
}

/**
 * Writes a subnet that uses a table once more, because Azure says that its last change has failed: the table may not be in force
 * (learn.microsoft.com, "Troubleshoot Microsoft.Network failed provisioning state").
 */
export async function associateAgain(
  arm: ArmClient,
  subnet: ArmSubnet,
  tableId: string,
  signal: AbortSignal,
): Promise<void> {
  logger.warn("The last change of subnet {name} has failed; writing it once more as it is", {
    name: subnetName(subnet.id),
  });
  await associate(arm, subnet, tableId, signal);
}
