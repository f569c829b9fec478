/** Who this VM is, made of its interfaces, their subnets, the virtual network, and what metadata says. */

import type { OwnAddress } from "../../routes/own_address.ts";
import {
  addressBits,
  compareAddresses,
  type Family,
  interfaceAddressOrNull,
  type IpAddress,
  type Prefix,
  prefixContainsAddress,
} from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { ownInterface } from "../kit/own_interface.ts";
import { firstAddresses } from "../network_facts.ts";
import { azureNetworkFacts } from "./network_facts.ts";
import type { ArmInterface } from "./schemas.ts";
import type { InstanceMetadata } from "./metadata.ts";

/** The interface that routes to this VM point at. */
export interface OwnInterface {
  readonly id: string;
  /** The subnet whose route table is ours. */
  readonly subnetId: string;
  /** Its addresses, the preferred first. */
  readonly addresses: readonly IpAddress[];
}

/** What an IP configuration has: an address, or a block of them ("single IP address or a CIDR block"). */
interface Configuration {
  readonly subnetId: string | null;
  readonly address: IpAddress | null;
  readonly block: Prefix | null;
}

/**
 * Chooses the interface that has the addresses of `-self`, else the primary one.
 *
 * @returns null if no interface is in a subnet.
 * @throws {CloudError} `invalid` if no interface has an address of `-self`.
 */
export function chooseInterface(
  interfaces: readonly ArmInterface[],
  self: readonly OwnAddress[],
): OwnInterface | null {
  const candidates = interfaces.map((item) => {
    const configurations = configurationsOf(item);
    const addresses = configurations.flatMap(({ address }) => address ?? []);
    const blocks = configurations.flatMap(({ block }) => block ?? []);
    return { item, configurations, addresses, blocks };
  });
  const chosen = ownInterface(candidates, self) ??
    candidates.find(({ item }) => item.properties.primary === true) ?? candidates[0];
  if (chosen === undefined) return null;
  const own = self.map(({ address }) => address);
  const isNamed = ({ address, block }: Configuration): boolean =>
    own.some((each) =>
      address === null ? block !== null && prefixContainsAddress(block, each) : each.text === address.text
    );
  const subnetId = chosen.configurations.find(isNamed)?.subnetId ??
    chosen.configurations.find((each) => each.subnetId !== null)?.subnetId ?? null;
  if (subnetId === null) return null;
  return { id: chosen.item.id, subnetId, addresses: unique([...own, ...chosen.addresses]) };
}

/** Ids of the subnets that an interface is in, the primary configuration's first. */
export function subnetIdsOf(item: ArmInterface): readonly string[] {
  return configurationsOf(item).flatMap(({ subnetId }) => subnetId ?? []);
}

/** @param addressSpace of the virtual network, and of those that it is peered with. */
export function identityOf(
  metadata: InstanceMetadata,
  chosen: OwnInterface,
  interfaces: readonly ArmInterface[],
  subnets: readonly Prefix[],
  addressSpace: readonly Prefix[],
): CloudIdentity {
  const known = interfaces.flatMap((item) => configurationsOf(item).flatMap(({ address }) => address ?? []));
  const listed = metadata.network.interface.flatMap(({ ipv4, ipv6 }) =>
    [...ipv4.ipAddress, ...ipv6.ipAddress].flatMap(({ privateIpAddress }) =>
      interfaceAddressOrNull(privateIpAddress) ?? []
    )
  ).flatMap(({ address, subnet }) => isSingle(subnet) ? [address] : []);
  const addresses = unique([...chosen.addresses, ...known, ...listed]).sort(compareAddresses);
  const selfOf = (family: Family): string | null =>
    chosen.addresses.find((address) => address.family === family)?.text ?? null;
  const { reserved, linkLocalIsRouter } = azureNetworkFacts;
  return {
    instance: metadata.compute.name,
    addresses,
    self: { 4: selfOf(4), 6: selfOf(6) },
    attachments: [{ addresses, networks: addressSpace }],
    networks: addressSpace,
    subnetRouters: firstAddresses(subnets),
    linkLocalIsRouter,
    reserved,
  };
}

/** Prefixes of a subnet or network; a text that is none is passed over, as Azure may grow other words. */
export function prefixesOf(texts: readonly string[]): Prefix[] {
  return texts.flatMap((text) => interfaceAddressOrNull(text)?.subnet ?? []);
}

function configurationsOf({ properties }: ArmInterface): readonly Configuration[] {
  const rank = (item: (typeof properties.ipConfigurations)[number]): number =>
    item.properties.primary === true ? 0 : 1;
  return [...properties.ipConfigurations].sort((left, right) => rank(left) - rank(right)).map((item) => {
    const { privateIPAddress, subnet } = item.properties;
    const read = interfaceAddressOrNull(privateIPAddress ?? "");
    const single = read !== null && isSingle(read.subnet);
    return {
      subnetId: subnet?.id ?? null,
      address: single ? read.address : null,
      block: read === null || single ? null : read.subnet,
    };
  });
}

function isSingle({ family, length }: Prefix): boolean {
  return length === addressBits(family);
}

function unique(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [address.text, address])).values()];
}
