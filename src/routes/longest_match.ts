/** The prefix by which the kernel would send packets to an address. */

import type { KernelTable } from "../kernel/kernel_table.ts";
import type { Policy } from "./policy.ts";
import { addressBits, hostPrefix, type IpAddress, type Prefix, prefixOf } from "./prefix.ts";
import { selectWinner } from "./winner.ts";

/**
 * Finds the longest prefix that has a route which takes part in the kernel's choice.
 *
 * @returns the address's own host prefix where none has.
 */
export function longestMatch(
  address: IpAddress,
  kernel: Pick<KernelTable, "routesOf">,
  { tables }: Pick<Policy, "tables">,
): Prefix {
  for (let length: number = addressBits(address.family); length >= 0; length--) {
    const prefix = prefixOf(address.family, address.words, length);
    if (selectWinner(kernel.routesOf(prefix), tables) !== null) return prefix;
  }
  return hostPrefix(address);
}
