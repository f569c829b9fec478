/**
 * Where this VM is: from the metadata service who it is, from Azure Resource Manager its interfaces, their subnets and
 * the virtual network.
 */

import {
  compareAddresses,
  type IpAddress,
  ipAddress,
  parseAddress,
  parseInterfaceAddress,
  type Prefix,
} from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./arm_client.ts";
import { groupId, networkOfSubnet, parseArmId, sameId } from "./arm_id.ts";
import { listResources, readResource } from "./arm_resources.ts";
import {
  type ArmInterface,
  type ArmSubnet,
  interfaceSchema,
  networkSchema,
  subnetSchema,
} from "./arm_schema.ts";
import type { InstanceMetadata } from "./instance_metadata.ts";

/** API version of the calls that are about a scale set's interfaces (they have had no newer one since). */
export const scaleSetApiVersion = "2018-10-01";

/** WireServer: Azure's own agent, DHCP and DNS address; a route must never cover it. */
const wireServer = parseInterfaceAddress("168.63.129.16/32").subnet;

/** This VM in its network. */
export interface Machine {
  readonly name: string;
  readonly subscription: string;
  /** Where its route table is looked for and made. */
  readonly resourceGroup: string;
  /** The region of the virtual network, in which a route table must be too. */
  readonly location: string;
  /** The primary interface: what routes to this VM point at. */
  readonly interfaceId: string;
  /** Whether that is an interface of a scale set, which cannot be changed by itself. */
  readonly inScaleSet: boolean;
  /** The primary interface's subnet: the one whose route table is ours. */
  readonly subnetId: string;
  /** The subnets of all its interfaces. */
  readonly subnetIds: readonly string[];
  readonly networkId: string;
  readonly identity: CloudIdentity;
}

/**
 * Finds this VM.
 *
 * @param resourceGroup `AZURE_RESOURCE_GROUP`, or the one that metadata names.
 */
export async function findMachine(
  arm: ArmClient,
  metadata: InstanceMetadata,
  resourceGroup: string,
  signal: AbortSignal,
): Promise<Machine> {
  const interfaces = await findInterfaces(arm, metadata, resourceGroup, signal);
  const primary = interfaces.find((item) => item.properties.primary === true) ?? interfaces[0];
  const subnetId = primary === undefined ? undefined : subnetIdsOf(primary)[0];
  if (primary === undefined || subnetId === undefined) {
    throw new CloudError(
      "invalid",
      `Cannot find the network interface of VM ${metadata.compute.name}: none in resource group ${resourceGroup} ` +
        `has a MAC address that the metadata service names, or says that it belongs to this VM`,
    );
  }
  const subnetIds = [...new Set([subnetId, ...interfaces.flatMap(subnetIdsOf)])];
  const networkId = networkOfSubnet(subnetId);
  const [network, ...subnets] = await Promise.all([
    readResource(arm, { action: `read virtual network ${networkId}`, id: networkId }, networkSchema, signal),
    ...subnetIds.map((id) => readSubnet(arm, id, signal)),
  ]);
  return {
    name: metadata.compute.name,
    subscription: arm.subscription,
    resourceGroup,
    location: network.location,
    interfaceId: primary.id,
    inScaleSet: isScaleSetId(primary.id),
    subnetId,
    subnetIds,
    networkId,
    identity: identityOf(metadata, primary, subnets, network.properties.addressSpace.addressPrefixes),
  };
}

/** Reads a subnet whole. */
export function readSubnet(arm: ArmClient, id: string, signal: AbortSignal): Promise<ArmSubnet> {
  return readResource(arm, { action: `read subnet ${id}`, id }, subnetSchema, signal);
}

/** Whether an id is that of a scale set's VM or of a part of one. */
export function isScaleSetId(id: string): boolean {
  return /\/virtualMachineScaleSets\//i.test(id);
}

/** Prefixes of a subnet; a text that is none is passed over, as Azure may grow other words. */
export function prefixesOf(texts: readonly string[]): Prefix[] {
  return texts.flatMap((text) => {
    try {
      return [parseInterfaceAddress(text).subnet];
    } catch {
      return [];
    }
  });
}

/** This VM's interfaces, found by the MAC addresses that metadata names, or by the VM that they say they belong to. */
async function findInterfaces(
  arm: ArmClient,
  metadata: InstanceMetadata,
  resourceGroup: string,
  signal: AbortSignal,
): Promise<ArmInterface[]> {
  const action = `list the network interfaces of VM ${metadata.compute.name}`;
  const macAddresses = new Set(metadata.network.interface.map((item) => plainMac(item.macAddress)));
  const list = async (path: string, apiVersion?: string): Promise<ArmInterface[]> => {
    const request = { action, path, ...(apiVersion === undefined ? {} : { apiVersion }) };
    const all = await listResources(arm, request, interfaceSchema, signal);
    return all.filter(({ properties }) =>
      macAddresses.has(plainMac(properties.macAddress ?? "")) ||
      sameId(properties.virtualMachine?.id ?? "", metadata.compute.resourceId)
    );
  };
  const { resourceId } = metadata.compute;
  if (isScaleSetId(resourceId)) return await list(`${resourceId}/networkInterfaces`, scaleSetApiVersion);
  const networkInterfaces = "/providers/Microsoft.Network/networkInterfaces";
  const found = await list(`${groupId(arm.subscription, resourceGroup)}${networkInterfaces}`);
  if (found.length > 0) return found;
  return await list(`/subscriptions/${arm.subscription}${networkInterfaces}`);
}

/** Metadata writes `000D3A…`, Azure Resource Manager `00-0D-3A-…`. */
function plainMac(text: string): string {
  return text.replace(/[^0-9a-f]/gi, "").toLowerCase();
}

function subnetIdsOf({ properties }: ArmInterface): string[] {
  const byRank = [...properties.ipConfigurations].sort((left, right) => rank(left) - rank(right));
  return byRank.flatMap((item) => item.properties.subnet?.id ?? []);
}

function rank(configuration: ArmInterface["properties"]["ipConfigurations"][number]): number {
  return configuration.properties.primary === true ? 0 : 1;
}

function identityOf(
  metadata: InstanceMetadata,
  primary: ArmInterface,
  subnets: readonly ArmSubnet[],
  addressSpace: readonly string[],
): CloudIdentity {
  const own = [...primary.properties.ipConfigurations].sort((left, right) => rank(left) - rank(right))
    .flatMap((item) => item.properties.privateIPAddress ?? []).map(parseAddress);
  const told = metadata.network.interface.flatMap(({ ipv4, ipv6 }) =>
    [...ipv4.ipAddress, ...ipv6.ipAddress].map((item) => item.privateIpAddress)
  );
  const subnetPrefixes = subnets.flatMap(({ properties }) =>
    prefixesOf([...new Set([...properties.addressPrefixes ?? [], properties.addressPrefix ?? ""])])
  );
  return {
    instance: metadata.compute.name,
    addresses: unique([...own, ...told.map(parseAddress)]),
    self: {
      4: own.find((address) => address.family === 4)?.text ?? null,
      6: own.find((address) => address.family === 6)?.text ?? null,
    },
    subnets: subnetPrefixes,
    networks: prefixesOf(addressSpace),
    subnetRouters: subnetPrefixes.map(firstAddress),
    reserved: [wireServer],
  };
}

function unique(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [address.text, address])).values()].sort(compareAddresses);
}

/** Azure's own router in a subnet: the first address after the network's (learn.microsoft.com, virtual network FAQ). */
function firstAddress({ family, words }: Prefix): IpAddress {
  const [first, second, third, fourth] = words;
  return family === 4 ? ipAddress(4, [first + 1, 0, 0, 0]) : ipAddress(6, [first, second, third, fourth + 1]);
}

/** Names a subnet for people: `vnet1/clients`. */
export function subnetName(id: string): string {
  const { names } = parseArmId(id);
  return `${names.get("virtualnetworks") ?? "?"}/${names.get("subnets") ?? "?"}`;
}
