/** This VM's network interfaces, as Azure Resource Manager knows them. */

import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./api.ts";
import { groupId, isScaleSetId, sameId } from "./resource_id.ts";
import { listResources } from "./resources.ts";
import { type ArmInterface, interfaceSchema } from "./schemas.ts";
import type { InstanceMetadata } from "./metadata.ts";

/** API version of the calls that are about a scale set's interfaces (they have had no newer one since). */
export const scaleSetApiVersion = "2018-10-01";

/**
 * Finds this VM's interfaces, by the MAC addresses that metadata names, or by the VM that they say they belong to. They are looked for
 * in the VM's own resource group, then in the one that is given, then in the whole subscription.
 *
 * @param resourceGroup `AZURE_RESOURCE_GROUP`, or the VM's own.
 * @returns those of the first place that has any.
 * @throws {CloudError} the first refusal, if no place that may be read has any.
 */
export async function findInterfaces(
  arm: ArmClient,
  metadata: InstanceMetadata,
  resourceGroup: string,
  signal: AbortSignal,
): Promise<readonly ArmInterface[]> {
  const { resourceId, resourceGroupName } = metadata.compute;
  if (isScaleSetId(resourceId)) {
    const { action, isMeant } = ownInterfaces(metadata);
    const path = `${resourceId}/networkInterfaces`;
    const list = { action, path, apiVersion: scaleSetApiVersion, skipOdd: true };
    return (await listResources(arm, list, interfaceSchema, signal)).filter(isMeant);
  }
  const groups = [groupId(arm.subscription, resourceGroupName), groupId(arm.subscription, resourceGroup)];
  const places = [...groups, `/subscriptions/${arm.subscription}`];
  return await searchInterfaces(arm, { places, ...ownInterfaces(metadata) }, signal);
}

/** Which interfaces are looked for. */
export interface InterfaceSearch {
  /** Ids of resource groups and subscriptions. */
  readonly places: readonly string[];
  /** What is done, as a verb phrase that fits after "Cannot". */
  readonly action: string;
  readonly isMeant: (item: ArmInterface) => boolean;
}

/**
 * Looks for interfaces place by place.
 *
 * @returns those of the first place that has any.
 * @throws {CloudError} the first refusal, if no place that may be read has any.
 */
export async function searchInterfaces(
  arm: ArmClient,
  { places, action, isMeant }: InterfaceSearch,
  signal: AbortSignal,
): Promise<readonly ArmInterface[]> {
  let refusal: CloudError | null = null;
  for (const place of new Set(places)) {
    try {
      const path = `${place}/providers/Microsoft.Network/networkInterfaces`;
      const all = await listResources(arm, { action, path, skipOdd: true }, interfaceSchema, signal);
      const found = all.filter(isMeant);
      if (found.length > 0) return found;
    } catch (error) {
      if (!(error instanceof CloudError && (error.kind === "denied" || error.kind === "gone"))) throw error;
      refusal ??= error;
    }
  }
  if (refusal !== null) throw refusal;
  return [];
}

function ownInterfaces(metadata: InstanceMetadata): Pick<InterfaceSearch, "action" | "isMeant"> {
  const { name, resourceId } = metadata.compute;
  const macAddresses = new Set(metadata.network.interface.map((item) => plainMac(item.macAddress)));
  return {
    action: `list the network interfaces of VM ${name}`,
    isMeant: ({ properties }) =>
      macAddresses.has(plainMac(properties.macAddress ?? "")) ||
      sameId(properties.virtualMachine?.id ?? "", resourceId),
  };
}

/** Metadata writes `000D3A…`, Azure Resource Manager `00-0D-3A-…`. */
function plainMac(text: string): string {
  return text.replace(/[^0-9a-f]/gi, "").toLowerCase();
}
