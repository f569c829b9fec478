/** Ids of Azure Resource Manager: `/subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME[/TYPE/NAME…]`. */

import { CloudError } from "../cloud_error.ts";

/** The parts of an id that this program needs. */
export interface ArmId {
  readonly subscription: string;
  readonly resourceGroup: string;
  /** Names by their type, in lower case: `virtualnetworks` → `vnet1`, `subnets` → `clients`. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Parses an id; type names are compared without regard to case, as Azure itself does.
 *
 * @throws {CloudError} of kind `invalid` naming the text.
 */
export function parseArmId(text: string): ArmId {
  const match = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/[^/]+\/(.+)$/i.exec(text);
  const [, subscription, resourceGroup, rest] = match ?? [];
  if (subscription === undefined || resourceGroup === undefined || rest === undefined) {
    throw new CloudError(
      "invalid",
      `Cannot parse resource id "${text}": it is not an id of a resource group's resource`,
    );
  }
  const names = new Map<string, string>();
  const segments = rest.split("/");
  for (let index = 0; index + 1 < segments.length; index += 2) {
    names.set((segments[index] ?? "").toLowerCase(), segments[index + 1] ?? "");
  }
  return { subscription, resourceGroup, names };
}

/** The name that an id gives for a type such as `subnets`, or the last segment if it names no such type. */
export function nameInId(id: string, type: string): string {
  return parseArmId(id).names.get(type.toLowerCase()) ?? id.slice(id.lastIndexOf("/") + 1);
}

/** Whether two ids mean the same resource: Azure's ids are not sensitive to case. */
export function sameId(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** Whether an id is that of a scale set's VM or of a part of one. */
export function isScaleSetId(id: string): boolean {
  return /\/virtualMachineScaleSets\//i.test(id);
}

/** Id of a resource group. */
export function groupId(subscription: string, resourceGroup: string): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}`;
}

/** Id of a route table. */
export function routeTableId(subscription: string, resourceGroup: string, name: string): string {
  return `${groupId(subscription, resourceGroup)}/providers/Microsoft.Network/routeTables/${name}`;
}

/** Id of the virtual network that a subnet's id lies in. */
export function networkOfSubnet(subnetId: string): string {
  return subnetId.replace(/\/subnets\/[^/]+$/i, "");
}
