/** Who this VM is when only the kernel can tell. */

import type { OwnAddress } from "../../routes/own_address.ts";
import type { Family } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { firstAddresses, type NetworkFacts } from "../network_facts.ts";
import { localNetworkFacts } from "./network_facts.ts";

/**
 * Makes an identity of this VM's own addresses; its network is taken to be its subnets.
 *
 * @param own one address a family at most.
 * @param facts what is known of the networks of the cloud that the VM is in.
 */
export function localIdentity(
  own: readonly OwnAddress[],
  facts: NetworkFacts = localNetworkFacts,
): CloudIdentity {
  const addressOf = (family: Family): string | null =>
    own.find(({ address }) => address.family === family)?.address.text ?? null;
  const subnets = own.map(({ subnet }) => subnet);
  const addresses = own.map(({ address }) => address);
  return {
    instance: addresses.map(({ text }) => text).join(", "),
    addresses,
    self: { 4: addressOf(4), 6: addressOf(6) },
    attachments: [{ addresses, networks: subnets }],
    networks: subnets,
    subnetRouters: facts.firstAddressIsRouter ? firstAddresses(subnets) : [],
    linkLocalIsRouter: facts.linkLocalIsRouter,
    reserved: facts.reserved,
  };
}
