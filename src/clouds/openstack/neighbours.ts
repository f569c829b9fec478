/** Which gateways are other machines of the network, and how routes name them. */

import { addressOrNull, type Family, type IpAddress } from "../../routes/prefix.ts";
import type { Neighbour } from "../cloud.ts";
import { AddressCache } from "../kit/address_cache.ts";
import type { Neutron } from "./api.ts";
import type { Port } from "./schemas.ts";
import { type Vm } from "./vm.ts";
import { reachableSubnets } from "./identity.ts";

/** The addresses of a port that Neutron takes as a next hop, by family; null where it has none. */
type PortAddresses = Readonly<Record<Family, string | null>>;

/** Ports of the VM's networks by address. */
export class Neighbours {
  readonly #cache: AddressCache<PortAddresses>;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#cache = new AddressCache(now);
  }

  /**
   * Finds the ports that gateways belong to.
   *
   * @returns one entry a neighbour, in their order: the gateway itself if a port has it; for a route of the other family an address of
   * that port. Null where no port has the gateway, or it has no address of that family on a subnet of the router.
   */
  async find(
    neighbours: readonly Neighbour[],
    vm: Vm,
    neutron: Neutron,
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]> {
    const networks = [...new Set(vm.ports.map((port) => port.network_id))];
    const reachable = reachableSubnets(vm);
    const gateways = neighbours.map(({ gateway }) => gateway);
    const found = await this.#cache.find(gateways, async (addresses) => {
      const texts = addresses.map(({ text }) => text);
      const ports = await neutron.portsWithAddresses(networks, texts, signal);
      return new Map(ports.flatMap((port) => {
        const own = usableOf(port, reachable);
        return addressesOf(port.fixed_ips).map(({ text }) => [text, own] as const);
      }));
    });
    return neighbours.map(({ gateway, family }, index) => {
      const addresses = found[index] ?? null;
      if (addresses === null) return null;
      return gateway.family === family ? gateway.text : addresses[family];
    });
  }

  /** Addresses may have moved to other ports. */
  forget(addresses: readonly IpAddress[]): void {
    this.#cache.forget(addresses);
  }
}

function usableOf(port: Port, reachable: ReadonlySet<string>): PortAddresses {
  const usable = addressesOf(port.fixed_ips.filter((fixed) => reachable.has(fixed.subnet_id)));
  const first = (family: Family): string | null =>
    usable.find((address) => address.family === family)?.text ?? null;
  return { 4: first(4), 6: first(6) };
}

function addressesOf(fixed: Port["fixed_ips"]): readonly IpAddress[] {
  return fixed.flatMap(({ ip_address: text }) => addressOrNull(text) ?? []);
}
