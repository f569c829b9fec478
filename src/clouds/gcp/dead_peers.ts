/** Which routers of a group are dead: their instance does not run, or is gone. */

import { addressOrNull, parseAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { DeadPeer, PeerRouter } from "../cloud.ts";
import { deadPeersOf } from "../kit/dead_peers.ts";
import type { ComputeApi } from "./api.ts";
import { resourceName, shortUrl } from "./resource_url.ts";
import { instancePage, type PeerInstance, peerInstance, peerInstanceFields } from "./schemas.ts";

/**
 * Statuses in which an instance forwards nothing, or is about to end (compute v1, discovery revision 20261106, `Instance.status`).
 * `PROVISIONING`, `STAGING` and `PENDING` are coming up; of one in `REPAIRING` Google does not say what it does.
 */
const endedStatuses: ReadonlySet<string> = new Set([
  "PENDING_STOP",
  "STOPPING",
  "STOPPED",
  "TERMINATED",
  "SUSPENDING",
  "SUSPENDED",
  "DEPROVISIONING",
]);

/** Where routers are looked for. */
export interface PeerPlace {
  /** The project of this VM. */
  readonly project: string;
  /** Short URLs of the networks that routes are written to. */
  readonly networks: readonly string[];
}

/**
 * Asks for the routers' instances: each by its URL where their routes name it, else by its address among the project's. An address that
 * none of these has proves nothing: it may be another project's.
 *
 * @throws {CloudError}
 */
export async function findDeadPeers(
  api: ComputeApi,
  place: PeerPlace,
  peers: readonly PeerRouter[],
  signal: AbortSignal,
): Promise<readonly DeadPeer[]> {
  const hops = [...new Set(peers.flatMap(({ nextHops }) => nextHops))];
  const known = new Map<string, string | null>();
  for (const url of hops.filter(isInstance)) {
    const instance = await readInstance(api, url, signal);
    known.set(url, instance === null ? `instance ${resourceName(url)} does not exist` : causeOf(instance));
    if (instance !== null) {
      for (const address of addressesOf(instance, place)) known.set(address, causeOf(instance));
    }
  }
  if (hops.some((hop) => addressOrNull(hop) !== null && !known.has(hop))) {
    for (const instance of await listInstances(api, place.project, signal)) {
      for (const address of addressesOf(instance, place)) known.set(address, causeOf(instance));
    }
  }
  return deadPeersOf(peers, (hop) => known.get(hop) ?? undefined);
}

function isInstance(hop: string): boolean {
  return /^projects\/[^/]+\/zones\/[^/]+\/instances\/[^/]+$/.test(hop);
}

function causeOf({ name, status }: PeerInstance): string | null {
  return endedStatuses.has(status) ? `instance ${name} is ${status}` : null;
}

function addressesOf({ networkInterfaces }: PeerInstance, { networks }: PeerPlace): readonly string[] {
  return networkInterfaces.filter(({ network }) => networks.includes(shortUrl(network)))
    .flatMap(({ networkIP, ipv6Address, ipv6AccessConfigs }) => [
      networkIP,
      ipv6Address,
      ...ipv6AccessConfigs.map(({ externalIpv6 }) => externalIpv6),
    ])
    .flatMap((text) => text === undefined || text === "" ? [] : parseAddress(text).text);
}

async function readInstance(api: ComputeApi, url: string, signal: AbortSignal): Promise<PeerInstance | null> {
  try {
    return await api.send({
      action: `read instance ${resourceName(url)}`,
      permission: "compute.instances.get",
      path: url,
      query: { fields: peerInstanceFields },
      answer: peerInstance,
    }, signal);
  } catch (error) {
    if (error instanceof CloudError && error.kind === "gone") return null;
    throw error;
  }
}

async function listInstances(
  api: ComputeApi,
  project: string,
  signal: AbortSignal,
): Promise<readonly PeerInstance[]> {
  const pages = await api.pages({
    action: `list the instances of project ${project}`,
    permission: "compute.instances.list",
    path: `projects/${project}/aggregated/instances`,
    query: { fields: `nextPageToken,items/*/instances(${peerInstanceFields})` },
    answer: instancePage,
  }, signal);
  return pages.flatMap(({ items }) => Object.values(items)).flatMap(({ instances }) => instances);
}
