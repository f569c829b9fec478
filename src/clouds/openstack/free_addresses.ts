/**
 * Whether an address is nobody's, though no port with it was ever seen. That no port is shown proves nothing by itself: the port may be
 * another project's, or on a network that was not asked for, and a port may send from an address that is not its own. So it counts only
 * where the address is in a subnet of one of this VM's networks, this login's project owns that network, whose ports Neutron then shows
 * it all, and none of them has the address among its allowed address pairs.
 */

import { getLogger } from "@logtape/logtape";
import { addressOrNull, interfaceAddressOrNull, prefixContainsAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { Neutron } from "./api.ts";
import type { Subnet } from "./schemas.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/** The calls that are made. */
export type FreeAddressApi = Pick<Neutron, "ownsNetwork" | "pairedAddresses">;

/** See the head of this file; it remembers whose the networks are. */
export class FreeAddresses {
  readonly #owned = new Map<string, boolean>();

  /**
   * Why nobody has an address that no port is shown of, for logs; null: that is not proven.
   *
   * @param subnets all subnets of this VM's networks.
   * @throws {CloudError}
   */
  async causeOf(
    neutron: FreeAddressApi,
    address: string,
    subnets: readonly Subnet[],
    signal: AbortSignal,
  ): Promise<string | null> {
    const networks = new Set(
      subnets.filter(({ cidr }) => contains(cidr, address)).map((subnet) => subnet.network_id),
    );
    for (const network of networks) {
      if (!await this.#isOwned(neutron, network, signal)) return null;
      const paired = await neutron.pairedAddresses(network, signal);
      if (paired.some((text) => contains(text, address))) return null;
    }
    return networks.size === 0 ? null : `no port has ${address}`;
  }

  /** Whether the login's project owns a network; it does not change hands. */
  async #isOwned(neutron: FreeAddressApi, network: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#owned.get(network);
    if (known !== undefined) return known;
    const isOwned = await this.#askOwner(neutron, network, signal);
    this.#owned.set(network, isOwned);
    return isOwned;
  }

  async #askOwner(neutron: FreeAddressApi, network: string, signal: AbortSignal): Promise<boolean> {
    try {
      return await neutron.ownsNetwork(network, signal);
    } catch (error) {
      if (!(error instanceof CloudError) || error.kind !== "denied") throw error;
      logger.warn("A peer whose port was never seen is not known to be gone: {message}", {
        message: error.message,
      });
      return false;
    }
  }
}

/** Whether an address, or a prefix, is or has an address. */
function contains(text: string, address: string): boolean {
  const [inner, outer] = [addressOrNull(address), interfaceAddressOrNull(text)?.subnet];
  if (inner === null) return false;
  return outer === undefined ? addressOrNull(text)?.text === inner.text : prefixContainsAddress(outer, inner);
}
