/**
 * The next-hop rule: the cloud must send a packet where the kernel would, never somewhere that it cannot go. Pure.
 *
 * | the leg                                                   | next hop                            |
 * | --------------------------------------------------------- | ----------------------------------- |
 * | has no gateway: a device, a blackhole                     | this VM (`no-gateway`)              |
 * | carries an encapsulation                                  | this VM (`encapsulation`)           |
 * | leaves by a device that is not on the cloud network       | this VM (`other-device`)            |
 * | has a gateway that is an address of this VM               | this VM (`own-address`)             |
 * | has a gateway outside of that network's address space     | this VM (`outside-network`)         |
 * | anything else                                             | the gateway: the cloud says who it is |
 *
 * Who has the gateway's address, and whether a route of this family can point at it, is the cloud's to say
 * (`Cloud.resolve`); where it cannot, this VM is the next hop.
 */

import type { Leg } from "../kernel/kernel_table.ts";
import type { Attachment, Devices } from "./devices.ts";
import { compareAddresses, type IpAddress, prefixContainsAddress } from "./prefix.ts";
import { linkLocal } from "./special_ranges.ts";

/** One next hop of a wanted route. */
export interface NextHop {
  /** Address of the other machine that packets should go to at once, if it proves to be one; null: this VM. */
  readonly neighbour: IpAddress | null;
  /** The kernel's gateway, for people and for order; null for a route out of a device. */
  readonly gateway: IpAddress | null;
}

/** Why a leg ends in this VM though another machine may be its gateway. */
export type SelfReason = "no-gateway" | "encapsulation" | "other-device" | "own-address" | "outside-network";

/** What each means. */
export const selfReasonMeanings: Readonly<Record<SelfReason, string>> = {
  "no-gateway": "the leg has no gateway",
  "encapsulation": "packets leave wrapped, so that they do not reach the gateway as they are",
  "other-device": "the leg leaves by a device that has no address of this VM on the cloud network",
  "own-address": "the gateway is an address of this VM",
  "outside-network": "the gateway is not in the cloud network",
};

/** What the rule must know of the VM; a part of `CloudIdentity`. */
export interface NextHopIdentity {
  /** This VM's own addresses. */
  readonly addresses: readonly IpAddress[];
  /** Addresses of the subnets' own routers: a route by way of one would loop. */
  readonly subnetRouters: readonly IpAddress[];
  /** Whether each link-local gateway of the network is the subnet's router: no other machine is reached by one. */
  readonly linkLocalIsRouter: boolean;
}

/** The rule, for one VM at one moment. */
export class NextHopRule {
  readonly #own: ReadonlySet<string>;
  readonly #routers: ReadonlySet<string>;
  readonly #linkLocalIsRouter: boolean;
  readonly #attached: ReadonlyMap<number, Attachment>;

  constructor(identity: NextHopIdentity, { attached }: Pick<Devices, "attached">) {
    this.#own = new Set(identity.addresses.map(({ text }) => text));
    this.#routers = new Set(identity.subnetRouters.map(({ text }) => text));
    this.#linkLocalIsRouter = identity.linkLocalIsRouter;
    this.#attached = attached;
  }

  /**
   * Whether a leg goes by the cloud's own subnet router, so that packets would come back for ever. Where no device of the kernel
   * is known to be on the cloud network any may be.
   */
  goesBySubnetRouter({ gateway, interfaceIndex }: Leg): boolean {
    if (gateway === null) return false;
    if (this.#attached.size > 0 && !this.#attached.has(interfaceIndex)) return false;
    return this.#routers.has(gateway.text) ||
      (this.#linkLocalIsRouter && prefixContainsAddress(linkLocal, gateway));
  }

  /** Why this VM is the next hop of a leg; null if its gateway may be another machine. See the table above. */
  whySelf({ gateway, interfaceIndex, encapsulation }: Leg): SelfReason | null {
    if (gateway === null) return "no-gateway";
    if (encapsulation !== null) return "encapsulation";
    const attachment = this.#attached.get(interfaceIndex);
    if (attachment === undefined) return "other-device";
    if (this.#own.has(gateway.text)) return "own-address";
    const isInside = attachment.networks.some((network) => prefixContainsAddress(network, gateway));
    return isInside ? null : "outside-network";
  }

  /**
   * Applies the rule to the usable legs of a route.
   *
   * @param legs usable legs; null stands for this VM itself (a blackhole route).
   * @returns the next hops in order of preference, the lowest gateway address first, each once.
   */
  nextHopsOf(legs: readonly (Leg | null)[]): readonly NextHop[] {
    const [only] = legs;
    if (legs.length === 1 && only !== undefined) return [this.#nextHopOf(only)];
    const seen = new Set<string>();
    return legs.map((leg) => this.#nextHopOf(leg)).sort(compareNextHops).filter((hop) => {
      const key = hop.neighbour?.text ?? "self";
      return seen.has(key) ? false : seen.add(key);
    });
  }

  #nextHopOf(leg: Leg | null): NextHop {
    if (leg === null) return { neighbour: null, gateway: null };
    const { gateway } = leg;
    return { neighbour: this.whySelf(leg) === null ? gateway : null, gateway };
  }
}

/** By gateway address; those without a gateway come last. */
function compareNextHops(left: NextHop, right: NextHop): number {
  if (left.gateway === null || right.gateway === null) {
    return Number(left.gateway === null) - Number(right.gateway === null);
  }
  return compareAddresses(left.gateway, right.gateway);
}
