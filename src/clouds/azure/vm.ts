/**
 * Where this VM is: from the metadata service who it is, from Azure Resource Manager its interfaces, their subnets and
 * the virtual network.
 */

import * as v from "valibot";
import type { OwnAddress } from "../../routes/own_address.ts";
import type { Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./api.ts";
import { isScaleSetId, networkOfSubnet, parseArmId, sameId } from "./resource_id.ts";
import { readResource } from "./resources.ts";
import {
  type ArmNetwork,
  type ArmSubnet,
  hasFailed,
  networkSchema,
  peeringSchema,
  subnetSchema,
} from "./schemas.ts";
import { chooseInterface, identityOf, prefixesOf, subnetIdsOf } from "./identity.ts";
import type { InstanceMetadata } from "./metadata.ts";
import { findInterfaces } from "./interfaces.ts";
import { signOf } from "./route_name.ts";

/** This VM in its network. */
export interface Vm {
  readonly name: string;
  readonly subscription: string;
  /** Where its route table is looked for and made. */
  readonly resourceGroup: string;
  /** The region of the virtual network, in which a route table must be too. */
  readonly location: string;
  /** The interface that routes to this VM point at: the one that `-self` names, else the primary one. */
  readonly interfaceId: string;
  /** Whether that is an interface of a scale set, which cannot be changed by itself. */
  readonly inScaleSet: boolean;
  /** That interface's subnet: the one whose route table is ours. */
  readonly subnetId: string;
  readonly networkId: string;
  /** The subnets of all its interfaces. */
  readonly subnets: readonly { readonly id: string; readonly prefixes: readonly Prefix[] }[];
  /** Id of the table that the own subnet used when this VM was identified; null: none, or the subnet's last change has failed. */
  readonly usedTable: string | null;
  readonly identity: CloudIdentity;
}

/** What decides which interface and resource group are meant. */
export interface VmChoice {
  /** Whether the marks of routes name this VM; false: nobody else has this owner. */
  readonly signs: boolean;
  /** `AZURE_RESOURCE_GROUP`, or the one that metadata names. */
  readonly resourceGroup: string;
  /** `-self`. */
  readonly self: readonly OwnAddress[];
}

/**
 * Finds this VM.
 *
 * @throws {CloudError} `invalid` if it has no interface, or none that `-self` names.
 */
export async function findVm(
  arm: ArmClient,
  metadata: InstanceMetadata,
  { signs, resourceGroup, self }: VmChoice,
  signal: AbortSignal,
): Promise<Vm> {
  const interfaces = await findInterfaces(arm, metadata, resourceGroup, signal);
  const chosen = chooseInterface(interfaces, self);
  if (chosen === null) {
    throw new CloudError(
      "invalid",
      `Cannot find the network interface of VM ${metadata.compute.name}: none in resource group ${resourceGroup} ` +
        `has a MAC address that the metadata service names, or says that it belongs to this VM`,
    );
  }
  const { id, subnetId } = chosen;
  const address = chosen.addresses.find(({ family }) => family === 4);
  const otherSubnetIds = new Set(interfaces.flatMap(subnetIdsOf).filter((each) => each !== subnetId));
  const networkId = networkOfSubnet(subnetId);
  const network = await readResource(
    arm,
    { action: `read virtual network ${networkId}`, id: networkId },
    networkSchema,
    signal,
  );
  const [subnet, ...others] = await subnetsIn(arm, network, [subnetId, ...otherSubnetIds], signal);
  const subnets = [subnet, ...others];
  const addressSpace = prefixesOf([
    ...network.properties.addressSpace.addressPrefixes,
    ...peeredPrefixes(network),
  ]);
  return {
    name: metadata.compute.name,
    subscription: arm.subscription,
    resourceGroup,
    location: network.location,
    interfaceId: id,
    inScaleSet: isScaleSetId(id),
    subnetId,
    networkId,
    subnets: subnets.map((each) => ({ id: each.id, prefixes: prefixesOfSubnet(each) })),
    usedTable: hasFailed(subnet) ? null : subnet.properties.routeTable?.id ?? null,
    identity: {
      ...identityOf(metadata, chosen, interfaces, subnets.flatMap(prefixesOfSubnet), addressSpace),
      ...(signs && address !== undefined ? { sign: signOf(metadata.compute.resourceId, address) } : {}),
    },
  };
}

/**
 * What a virtual network reaches by its peerings: Azure has system routes to it just as to the network's own address space
 * (learn.microsoft.com, "Virtual network traffic routing", "Virtual network peering").
 */
function peeredPrefixes({ properties }: ArmNetwork): readonly string[] {
  return (properties.virtualNetworkPeerings ?? []).flatMap((item) => {
    const parsed = v.safeParse(peeringSchema, item);
    if (!parsed.success) return [];
    const { peeringState, remoteAddressSpace } = parsed.output.properties;
    return peeringState === "Connected" ? remoteAddressSpace?.addressPrefixes ?? [] : [];
  });
}

/** Subnets of a network, which its answer holds; one that it does not show is read by itself. */
async function subnetsIn(
  arm: ArmClient,
  { properties }: ArmNetwork,
  [first, ...others]: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<[ArmSubnet, ...ArmSubnet[]]> {
  const shown = (properties.subnets ?? []).flatMap((item) => {
    const parsed = v.safeParse(subnetSchema, item);
    return parsed.success ? [parsed.output] : [];
  });
  const subnetOf = async (id: string): Promise<ArmSubnet> =>
    shown.find((subnet) => sameId(subnet.id, id)) ?? await readSubnet(arm, id, signal);
  return [await subnetOf(first), ...await Promise.all(others.map(subnetOf))];
}

/** Reads a subnet whole. */
export function readSubnet(arm: ArmClient, id: string, signal: AbortSignal): Promise<ArmSubnet> {
  return readResource(arm, { action: `read subnet ${id}`, id }, subnetSchema, signal);
}

/** Names a subnet for people: `vnet1/clients`. */
export function subnetName(id: string): string {
  const { names } = parseArmId(id);
  return `${names.get("virtualnetworks") ?? "?"}/${names.get("subnets") ?? "?"}`;
}

function prefixesOfSubnet({ properties }: ArmSubnet): ReturnType<typeof prefixesOf> {
  return prefixesOf([...new Set([...properties.addressPrefixes ?? [], properties.addressPrefix ?? ""])]);
}
