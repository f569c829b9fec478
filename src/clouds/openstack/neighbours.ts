/** Which gateways are other VMs of the network. */

import type { IpAddress } from "../../routes/prefix.ts";
import type { Neutron } from "./neutron.ts";

/** A burst of routes by way of one gateway asks once; ports come and go by people's hands. */
const keepMs = 60_000;

/** The gateways that have been looked up, kept for a while. */
export class Neighbours {
  readonly #known = new Map<string, { readonly taken: boolean; readonly at: number }>();

  /**
   * Looks gateways up.
   *
   * @param networks ids of the networks whose ports count.
   * @returns for each gateway its address, if a port has it, else null.
   */
  async resolve(
    gateways: readonly IpAddress[],
    networks: readonly string[],
    neutron: Neutron,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const now = Date.now();
    const texts = gateways.map((gateway) => gateway.text);
    const unknown = texts.filter((text) => now - (this.#known.get(text)?.at ?? -Infinity) >= keepMs);
    if (unknown.length > 0) {
      const ports = await neutron.portsWithAddresses(networks, unknown, signal);
      const addresses = new Set(ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address)));
      for (const text of unknown) this.#known.set(text, { taken: addresses.has(text), at: now });
    }
    return new Map(texts.map((text) => [text, this.#known.get(text)?.taken === true ? text : null]));
  }
}
