/**
 * Whether routers use several next hops of one destination as they should. Neutron's API takes the pairs always; what its agents make of
 * them depends on their version, which only the API's extensions tell:
 *
 * - The L3 agent of Neutron 15 to 18 (`RouterInfo.routes_updated`) replaces the destination's one route with each pair, and deletes it
 *   with whichever pair goes: of two next hops the second alone is used, and when it goes the destination has none. Since 19 it writes
 *   one multipath route.
 * - The extension `quota-check-limit` came with Neutron 20, in the ML2 plugin and in OVN's list of what it supports; nothing came with
 *   19 that is always there.
 * - A highly available router hands each pair to keepalived as a route of its own (`HaRouter.routes_updated`), and the part of a
 *   distributed router that all share writes one next hop. Both show in the owner of the ports by which the router is on its subnets.
 */

import type { Port } from "./schemas.ts";

/** On which extension the proof rests. */
const sinceNeutron20 = "quota-check-limit";

const plainInterface = "network:router_interface";

/**
 * Why one next hop a route has to do.
 *
 * @param extensions the aliases of those that Neutron has.
 * @param routerPorts the ports by which the routers are on networks, one list a router.
 * @returns null if several next hops are proven to be right, else the reason.
 */
export function noEcmpReason(
  extensions: ReadonlySet<string>,
  routerPorts: readonly (readonly Port[])[],
): string | null {
  if (!extensions.has(sinceNeutron20)) {
    return "this Neutron is not known to be 20 (Yoga) or newer, and older ones lose a route when one of its next hops goes";
  }
  const special = routerPorts.flat().find(({ device_owner: owner }) =>
    isInterface(owner) && owner !== plainInterface
  );
  if (special === undefined) return null;
  const kind = special.device_owner.includes("distributed") ? "distributed" : "highly available";
  return `router ${special.device_id} is ${kind}, and such a router uses one next hop`;
}

function isInterface(owner: string): boolean {
  return owner.startsWith(plainInterface) || owner === "network:ha_router_replicated_interface";
}
