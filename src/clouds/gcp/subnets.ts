/** The subnets of the networks that are kept in step. The guest sees a /32 only; what its subnet is, Google knows. */

import { getLogger } from "@logtape/logtape";
import { parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import { type SubnetworkAnswer, subnetworkAnswer, subnetworkFields, subnetworkPage } from "./schemas.ts";
import type { ComputeApi } from "./api.ts";
import { type NetworkSpace, readNetworkSpace } from "./network_space.ts";
import { resourceName, shortUrl } from "./resource_url.ts";
import { networkProject, type VmInterface } from "./vm.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** An interface of this VM and the subnets of its network. */
export interface Surroundings {
  readonly leg: VmInterface;
  /** The interface's own; null in a legacy network, which has none. */
  readonly own: SubnetworkAnswer | null;
  /** All of the network, or the own one alone where they may not be listed. */
  readonly all: readonly SubnetworkAnswer[];
  readonly space: NetworkSpace;
}

/**
 * Reads what is around some interfaces.
 *
 * @param region of this VM.
 */
export function readSurroundings(
  api: ComputeApi,
  legs: readonly VmInterface[],
  region: string,
  signal: AbortSignal,
): Promise<readonly Surroundings[]> {
  return Promise.all(legs.map(async (leg) => {
    const [all, space] = await Promise.all([
      readNetworkSubnets(api, leg.network, signal),
      readNetworkSpace(api, leg.network, region, signal),
    ]);
    const own = leg.subnetwork === null
      ? null
      : subnetOf(leg.subnetwork, all ?? []) ?? await readSubnet(api, leg.subnetwork, signal);
    return { leg, own, all: all ?? (own === null ? [] : [own]), space };
  }));
}

/** The ranges that VMs have their own addresses in. */
export function nodeRanges(subnet: SubnetworkAnswer): readonly Prefix[] {
  const { ipCidrRange, ipv6CidrRange, internalIpv6Prefix, externalIpv6Prefix } = subnet;
  const texts = [ipCidrRange, ipv6CidrRange, internalIpv6Prefix, externalIpv6Prefix];
  return [...new Set(texts)].flatMap((text) => text ? [parsePrefix(text)] : []);
}

/** All ranges of a subnet, those that VMs have alias addresses in (pods and the like) too. */
export function allRanges(subnet: SubnetworkAnswer): readonly Prefix[] {
  return [
    ...nodeRanges(subnet),
    ...subnet.secondaryIpRanges.map(({ ipCidrRange }) => parsePrefix(ipCidrRange)),
  ];
}

/** A subnet by its short URL, out of a list; null: the list does not show it. */
function subnetOf(url: string, listed: readonly SubnetworkAnswer[]): SubnetworkAnswer | null {
  return listed.find(({ selfLink }) => selfLink !== undefined && shortUrl(selfLink) === url) ?? null;
}

function readSubnet(api: ComputeApi, url: string, signal: AbortSignal): Promise<SubnetworkAnswer> {
  return api.send({
    action: `read subnet ${resourceName(url)}`,
    permission: "compute.subnetworks.get",
    path: url,
    query: { fields: subnetworkFields },
    answer: subnetworkAnswer,
  }, signal);
}

/** All subnets of a network, or null if we may not list them. */
async function readNetworkSubnets(
  api: ComputeApi,
  network: string,
  signal: AbortSignal,
): Promise<readonly SubnetworkAnswer[] | null> {
  try {
    const pages = await api.pages({
      action: `list the subnets of ${network}`,
      permission: "compute.subnetworks.list",
      path: `projects/${networkProject(network)}/aggregated/subnetworks`,
      query: {
        filter: `network eq .*/${resourceName(network)}`,
        fields: `nextPageToken,items/*/subnetworks(${subnetworkFields})`,
      },
      answer: subnetworkPage,
    }, signal);
    return pages.flatMap(({ items }) => Object.values(items)).flatMap(({ subnetworks }) => subnetworks)
      .filter((subnet) => shortUrl(subnet.network) === network);
  } catch (error) {
    if (!(error instanceof CloudError && error.kind === "denied")) throw error;
    logger.warn("Only this VM's own subnet counts as the network's address space: {error}", {
      error: error.message,
    });
    return null;
  }
}
