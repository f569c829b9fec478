/**
 * Which routers of a group are dead: their server does not run, their port lost its server or is gone. Nova says how a server stands
 * where this login may ask it; where it may not, a port that was seen `ACTIVE` and is `DOWN` counts, which its agent says when the
 * server's interface is unplugged. A port that was never seen is gone only where this login would see it (free_addresses.ts).
 */

import { getLogger } from "@logtape/logtape";
import { addressOrNull } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { DeadPeer, PeerRouter } from "../cloud.ts";
import { deadPeersOf } from "../kit/dead_peers.ts";
import type { Neutron } from "./api.ts";
import { type FreeAddressApi, FreeAddresses } from "./free_addresses.ts";
import type { PeerPort, Subnet } from "./schemas.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/**
 * Statuses in which a server forwards nothing (Compute API, "Server status"). `REBOOT`, `MIGRATING`, `RESIZE` and others pass by
 * themselves; in `ERROR` a server may run.
 */
const endedStatuses: ReadonlySet<string> = new Set([
  "SHUTOFF",
  "PAUSED",
  "SUSPENDED",
  "SHELVED",
  "SHELVED_OFFLOADED",
  "SOFT_DELETED",
  "DELETED",
]);

/** The calls that are made. */
type PeerApi = Pick<Neutron, "peerPorts" | "serverStatus"> & FreeAddressApi;

/** Finds dead routers; it remembers the ports that it saw. */
export class DeadPeers {
  /** Ports as they were when they last had a server, by address; and whether they were ever seen `ACTIVE`. */
  readonly #known = new Map<string, PeerPort & { readonly wasActive: boolean }>();
  readonly #free = new FreeAddresses();
  #novaRefusal: string | null = null;

  /**
   * Asks for the routers' ports and servers.
   *
   * @param subnets all subnets of this VM's networks.
   * @throws {CloudError}
   */
  async find(
    neutron: PeerApi,
    subnets: readonly Subnet[],
    peers: readonly PeerRouter[],
    signal: AbortSignal,
  ): Promise<readonly DeadPeer[]> {
    const addresses = [...new Set(peers.flatMap(({ nextHops }) => nextHops))];
    const networkIds = [...new Set(subnets.map((subnet) => subnet.network_id))];
    const ports = await neutron.peerPorts(networkIds, addresses, signal);
    const causes = new Map<string, string>();
    for (const address of addresses) {
      const port = ports.find(({ fixed_ips: fixed }) =>
        fixed.some(({ ip_address: text }) => addressOrNull(text)?.text === address)
      );
      const cause = port === undefined && !this.#known.has(address)
        ? await this.#free.causeOf(neutron, address, subnets, signal)
        : await this.#causeOf(neutron, address, port, signal);
      if (cause !== null) causes.set(address, cause);
    }
    return deadPeersOf(peers, (address) => causes.get(address));
  }

  async #causeOf(
    neutron: PeerApi,
    address: string,
    port: PeerPort | undefined,
    signal: AbortSignal,
  ): Promise<string | null> {
    const known = this.#known.get(address);
    if (port === undefined) return known === undefined ? null : `port ${known.id} does not exist any more`;
    if (port.device_id === "") {
      return known === undefined ? null : `port ${port.id} belongs to no server any more`;
    }
    const wasActive = port.status === "ACTIVE" || (known?.id === port.id && known.wasActive);
    this.#known.set(address, { ...port, wasActive });
    if (!port.device_owner.startsWith("compute:")) return null;
    const status = await this.#statusOf(neutron, port.device_id, signal);
    if (status === "gone") return `server ${port.device_id} does not exist`;
    if (status !== null) return endedStatuses.has(status) ? `server ${port.device_id} is ${status}` : null;
    return wasActive && port.status === "DOWN" ? `port ${port.id} is DOWN` : null;
  }

  /** How a server stands; null where this login may not ask. */
  async #statusOf(neutron: PeerApi, id: string, signal: AbortSignal): Promise<string | null> {
    try {
      return await neutron.serverStatus(id, signal);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      if (error.kind === "gone") return "gone";
      if (error.kind !== "denied" && error.kind !== "invalid") throw error;
      if (this.#novaRefusal !== error.message) {
        logger.warn("A dead peer is recognized by its port alone: {message}", { message: error.message });
      }
      this.#novaRefusal = error.message;
      return null;
    }
  }
}
