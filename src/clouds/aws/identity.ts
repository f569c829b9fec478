/** This VM's metadata as the rest of the program sees it. */

import type { OwnAddress } from "../../routes/own_address.ts";
import type { Family, Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { ownInterface } from "../kit/own_interface.ts";
import { firstAddresses } from "../network_facts.ts";
import { awsNetworkFacts } from "./network_facts.ts";
import type { InstanceFacts } from "./metadata.ts";

/**
 * The metadata with the interface that `-self` names as the primary one.
 *
 * @throws {CloudError} `invalid` if no interface of this VM has such an address, or they are of several.
 */
export function factsOf(facts: InstanceFacts, self: readonly OwnAddress[]): InstanceFacts {
  return { ...facts, primary: ownInterface(facts.interfaces, self) ?? facts.primary };
}

/** Makes an identity of the metadata. Routes to this VM point at its primary interface; interfaces in other VPCs do not count. */
export function identityOf(facts: InstanceFacts): CloudIdentity {
  const { id, vpcId } = facts.primary;
  const interfaces = facts.interfaces.filter((each) => each.vpcId === vpcId);
  const networks = unique(interfaces.flatMap((each) => each.networks));
  const addresses = interfaces.flatMap((each) => each.addresses);
  const speaks = (family: Family): boolean =>
    networks.some((network) => network.family === family) ||
    addresses.some((address) => address.family === family);
  const { reserved, linkLocalIsRouter } = awsNetworkFacts;
  return {
    instance: facts.instanceId,
    place: `interface ${facts.primary.id} in ${facts.region}`,
    addresses,
    self: { 4: id, 6: speaks(6) ? id : null },
    attachments: [{ addresses, networks }],
    networks,
    subnetRouters: firstAddresses(unique(interfaces.flatMap((each) => each.subnets))),
    linkLocalIsRouter,
    reserved,
  };
}

function unique(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [prefix.text, prefix])).values()];
}
