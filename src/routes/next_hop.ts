/**
 * The next-hop rule: a gateway inside the VM's own subnet may be another VM, then the cloud points at that one; any
 * other gateway is known to this VM alone, then the cloud points at this VM.
 */

import type { Leg } from "../kernel/kernel_table.ts";
import { compareAddresses, type IpAddress, type Prefix, prefixContainsAddress } from "./prefix.ts";

/** One next hop of a wanted route. */
export interface NextHop {
  /** Address of the other VM that packets should go to at once, if it proves to be one; null: this VM. */
  readonly neighbour: IpAddress | null;
  /** The kernel's gateway, for people and for order; null for a route out of a device. */
  readonly gateway: IpAddress | null;
}

/** What the rule must know of the VM; a part of `CloudIdentity`. */
export interface NextHopIdentity {
  readonly addresses: readonly IpAddress[];
  readonly subnets: readonly Prefix[];
}

/**
 * Applies the rule to the usable legs of a route.
 *
 * @param legs usable legs; null stands for this VM itself (a blackhole route).
 * @returns the next hops in order of preference, the lowest gateway address first, each once.
 */
export function nextHopsOf(legs: readonly (Leg | null)[], identity: NextHopIdentity): readonly NextHop[] {
  const hops = legs.map((leg): NextHop => {
    const gateway = leg?.gateway ?? null;
    return { neighbour: isNeighbour(gateway, identity) ? gateway : null, gateway };
  });
  const seen = new Set<string>();
  return hops.sort(compareNextHops).filter((hop) => {
    const key = hop.neighbour?.text ?? "self";
    return seen.has(key) ? false : seen.add(key);
  });
}

function isNeighbour(gateway: IpAddress | null, identity: NextHopIdentity): boolean {
  return gateway !== null &&
    identity.subnets.some((subnet) => prefixContainsAddress(subnet, gateway)) &&
    !identity.addresses.some((own) => own.text === gateway.text);
}

/** By gateway address; those without a gateway come last. */
function compareNextHops(left: NextHop, right: NextHop): number {
  if (left.gateway === null || right.gateway === null) {
    return Number(left.gateway === null) - Number(right.gateway === null);
  }
  return compareAddresses(left.gateway, right.gateway);
}
