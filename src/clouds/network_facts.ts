/** What is true of a cloud's networks, for the cloud itself and for `routes`, which asks no cloud. Each cloud has its own. */

import { addressBits, type IpAddress, ipAddress, type Prefix } from "../routes/prefix.ts";

/** See the head of this file. */
export interface NetworkFacts {
  /** Ranges that it reserves besides those that all reserve. */
  readonly reserved: readonly Prefix[];
  /** Whether each link-local gateway on its network is the subnet's router. */
  readonly linkLocalIsRouter: boolean;
  /** Whether the subnet's router has the first address after the subnet's own. */
  readonly firstAddressIsRouter: boolean;
}

/** The first address after a subnet's own; none in a subnet of one address. */
export function firstAddresses(subnets: readonly Prefix[]): readonly IpAddress[] {
  return subnets.filter(({ family, length }) => length < addressBits(family)).map(({ family, words }) => {
    const [first, second, third, fourth] = words;
    return family === 4
      ? ipAddress(4, [first + 1, 0, 0, 0])
      : ipAddress(6, [first, second, third, fourth + 1]);
  });
}
