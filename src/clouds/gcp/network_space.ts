/**
 * What belongs to a network besides its own subnets: the range in which Google makes subnets by itself, and the subnets of networks
 * that it is peered with. No static route leads there.
 */

import { getLogger } from "@logtape/logtape";
import { parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { ComputeApi } from "./api.ts";
import { resourceName } from "./resource_url.ts";
import { networkAnswer, networkFields, type PeeringRoute, peeringRoutePage } from "./schemas.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/**
 * Where an auto mode network has its subnets, those of regions to come too: "don't create custom static routes whose destinations
 * fit inside" (https://cloud.google.com/vpc/docs/static-routes).
 */
const autoModeRange = parsePrefix("10.128.0.0/9");

/** See the head of this file. */
export interface NetworkSpace {
  /** Where no route of this network may lead, its own subnets left aside. */
  readonly auto: readonly Prefix[];
  /** Subnets of the networks that it is peered with, as far as it imports them. */
  readonly peers: readonly Prefix[];
  /** How many static routes those networks have, as far as they export them. */
  readonly staticRoutesOfPeers: number;
}

const unknown: NetworkSpace = { auto: [], peers: [], staticRoutesOfPeers: 0 };

/**
 * Reads the space of a network.
 *
 * @param network short URL.
 * @param region of this VM: each region has the subnet routes of all.
 * @returns nothing of what may not be read; a warning in the log says so.
 */
export async function readNetworkSpace(
  api: ComputeApi,
  network: string,
  region: string,
  signal: AbortSignal,
): Promise<NetworkSpace> {
  return await orUnknown(network, unknown, async () => {
    const { autoCreateSubnetworks, peerings } = await api.send({
      action: `read network ${resourceName(network)}`,
      permission: "compute.networks.get",
      path: network,
      query: { fields: networkFields },
      answer: networkAnswer,
    }, signal);
    const active = peerings.filter(({ state }) => state === "ACTIVE");
    const routes = await Promise.all(
      active.map(({ name }) =>
        orUnknown(network, [], () => readPeeringRoutes(api, network, name, region, signal))
      ),
    );
    return {
      auto: autoCreateSubnetworks ? [autoModeRange] : [],
      peers: routes.flat().filter(isSubnet).map(({ destRange }) => parsePrefix(destRange)),
      staticRoutesOfPeers: routes.flat().filter(({ type }) => type === "STATIC_PEERING_ROUTE").length,
    };
  });
}

/** The routes that a peer exports to a network, those that it does not import too. */
async function readPeeringRoutes(
  api: ComputeApi,
  network: string,
  peering: string,
  region: string,
  signal: AbortSignal,
): Promise<readonly PeeringRoute[]> {
  const pages = await api.pages({
    action: `list the routes of peering ${peering}`,
    permission: "compute.networks.listPeeringRoutes",
    path: `${network}/listPeeringRoutes`,
    query: {
      peeringName: peering,
      region,
      direction: "INCOMING",
      fields: "nextPageToken,items(destRange,type,imported)",
    },
    answer: peeringRoutePage,
  }, signal);
  return pages.flatMap(({ items }) => items);
}

function isSubnet({ type, imported }: PeeringRoute): boolean {
  return type === "SUBNET_PEERING_ROUTE" && imported;
}

/** What may not be read, or has just gone, is not known; routes that lie in it are then refused by Google one by one. */
async function orUnknown<T>(network: string, fallback: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CloudError && ["denied", "gone", "invalid"].includes(error.kind))) throw error;
    logger.warn("The address space of {network} counts without its peers: {error}", {
      network: resourceName(network),
      error: error.message,
    });
    return fallback;
  }
}
