/** Routes that would turn packets for a router back to the router. */

import { parseAddress, type Prefix, prefixContainsAddress } from "../../routes/prefix.ts";

/**
 * The next hop that a route would cut off, or null.
 *
 * A packet for the next hop itself normally follows the system route of the virtual network. A user-defined route whose
 * prefix contains the next hop and is at least as long as that system route takes its place (learn.microsoft.com,
 * "Virtual network traffic routing": longest prefix first, then user-defined before system), so the packet for the
 * gateway is sent to the gateway's own route for ever. A default route is shorter and therefore harmless.
 *
 * @param nextHops IP addresses.
 * @param networks address space of the virtual network.
 */
export function cutOffNextHop(
  prefix: Prefix,
  nextHops: readonly string[],
  networks: readonly Prefix[],
): string | null {
  return nextHops.find((text) => {
    const address = parseAddress(text);
    if (!prefixContainsAddress(prefix, address)) return false;
    const systemRoutes = networks.filter((network) => prefixContainsAddress(network, address));
    return systemRoutes.every((network) => network.length <= prefix.length);
  }) ?? null;
}
