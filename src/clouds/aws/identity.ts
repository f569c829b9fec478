/** This VM's metadata as the rest of the program sees it. */

import { type Family, type IpAddress, ipAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import type { InstanceFacts } from "./instance_metadata.ts";

/** Reserved for AWS' own services inside a VPC (metadata, DNS, time): no route may point there. */
const reservedRanges: readonly Prefix[] = [parsePrefix("fd00:ec2::/32")];

/** Makes an identity of the metadata. Routes to this VM point at its primary interface. */
export function identityOf(facts: InstanceFacts): CloudIdentity {
  const subnets = unique(facts.interfaces.flatMap((each) => each.subnets));
  const networks = unique(facts.interfaces.flatMap((each) => each.networks));
  const addresses = facts.interfaces.flatMap((each) => each.addresses);
  const speaks = (family: Family): boolean =>
    networks.some((network) => network.family === family) ||
    addresses.some((address) => address.family === family);
  return {
    instance: facts.instanceId,
    addresses,
    self: { 4: facts.primary.id, 6: speaks(6) ? facts.primary.id : null },
    subnets,
    networks,
    subnetRouters: subnets.map(firstAddress),
    reserved: reservedRanges,
  };
}

/**
 * The subnet's router has the first address after the network's own
 * (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
 */
function firstAddress(subnet: Prefix): IpAddress {
  const [first, second, third, fourth] = subnet.words;
  return subnet.family === 4
    ? ipAddress(4, [first + 1, 0, 0, 0])
    : ipAddress(6, [first, second, third, fourth + 1]);
}

function unique(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [prefix.text, prefix])).values()];
}
