/** What the program must know of this VM to judge routes. Pure. */

import { type IpAddress, parseAddress } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { gcpNetworkFacts } from "./network_facts.ts";
import type { SelfHop } from "./next_hop.ts";
import { type NetworkRanges, reachesOf } from "./neighbours.ts";
import { allRanges, nodeRanges, type Surroundings } from "./subnets.ts";
import type { Vm } from "./vm.ts";

/**
 * Puts the identity together.
 *
 * @param surroundings of the VM's interfaces in the networks to keep in step.
 * @param self how routes point at this VM, see `next_hop.ts`.
 */
export function identityOf(vm: Vm, surroundings: readonly Surroundings[], self: SelfHop): CloudIdentity {
  const reaches = reachesOf(surroundings.map(rangesOf));
  const subnets = surroundings.flatMap(({ own, all }) => [...own === null ? [] : [own], ...all]);
  const routers = subnets.flatMap(({ gatewayAddress }) =>
    gatewayAddress ? [parseAddress(gatewayAddress)] : []
  );
  const { reserved, linkLocalIsRouter } = gcpNetworkFacts;
  return {
    instance: vm.name,
    addresses: vm.interfaces.flatMap((leg) => leg.addresses),
    self: { 4: self.fields[4] && self.id, 6: self.fields[6] && self.id },
    attachments: surroundings.map(({ leg }, index) => ({
      addresses: leg.addresses,
      networks: reaches[index]?.ranges ?? [],
    })),
    networks: surroundings.flatMap((
      { all, space },
    ) => [...all.flatMap(allRanges), ...space.auto, ...space.peers]),
    subnetRouters: unique([
      ...routers,
      ...surroundings.flatMap(({ leg }) => leg.ipv6Router === null ? [] : [leg.ipv6Router]),
    ]),
    linkLocalIsRouter,
    reserved,
  };
}

/**
 * The ranges of an interface's network. A gateway in a peer's subnet is reached by it as well; that Google takes no such next hop is for
 * Google to say, since this VM in its place would get its own packets back for ever.
 */
export function rangesOf({ leg, own, all, space }: Surroundings): NetworkRanges {
  return {
    network: leg.network,
    own: own === null ? [] : nodeRanges(own),
    all: all.flatMap(allRanges),
    peers: space.peers,
  };
}

function unique(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [address.text, address])).values()];
}
