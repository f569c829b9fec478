/** What the program must know of this VM to judge routes. */

import { getLogger } from "@logtape/logtape";
import { type IpAddress, parseAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type SubnetworkAnswer, subnetworkAnswer, subnetworkFields, subnetworkPage } from "./answers.ts";
import type { ComputeApi } from "./compute_api.ts";
import type { SelfHop } from "./next_hop.ts";
import { resourceName, shortUrl } from "./resource_url.ts";
import { networkProject, type Vm, type VmInterface } from "./vm.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/**
 * Ranges by which Google's own services are reached
 * (https://cloud.google.com/vpc/docs/configure-private-google-access): a route into them would cut VMs off.
 */
const reserved = ["199.36.153.4/30", "199.36.153.8/30"].map(parsePrefix);

/**
 * Puts the identity together. The guest sees a /32 only; what its subnet is, Google knows.
 *
 * @param legs the VM's interfaces in the networks to keep in step.
 * @param self how routes point at this VM, see `next_hop.ts`.
 */
export async function readIdentity(
  api: ComputeApi,
  vm: Vm,
  legs: readonly VmInterface[],
  self: SelfHop,
  signal: AbortSignal,
): Promise<CloudIdentity> {
  const perLeg = await Promise.all(legs.map(async (leg) => {
    const own = leg.subnetwork === null ? null : await readSubnet(api, leg.subnetwork, signal);
    const all = await readNetworkSubnets(api, leg.network, signal) ?? (own === null ? [] : [own]);
    return { own, all };
  }));
  const own = perLeg.flatMap((leg) => leg.own ?? []);
  return {
    instance: vm.name,
    addresses: vm.interfaces.flatMap((leg) => leg.addresses),
    self: { 4: self.fields[4] && self.id, 6: self.fields[6] && self.id },
    subnets: own.flatMap(nodeRanges),
    networks: perLeg.flatMap(({ all }) =>
      all.flatMap((subnet) => [...nodeRanges(subnet), ...secondaryRanges(subnet)])
    ),
    subnetRouters: [
      ...own.flatMap(({ gatewayAddress }) => gatewayAddress ? [parseAddress(gatewayAddress)] : []),
      ...legs.flatMap(({ ipv6Router }): IpAddress[] => ipv6Router === null ? [] : [ipv6Router]),
    ],
    reserved,
  };
}

/** The ranges of an interface's subnet; none in a legacy network. */
export async function readRanges(
  api: ComputeApi,
  leg: VmInterface,
  signal: AbortSignal,
): Promise<readonly Prefix[]> {
  return leg.subnetwork === null ? [] : nodeRanges(await readSubnet(api, leg.subnetwork, signal));
}

/** The ranges that VMs have their own addresses in. */
function nodeRanges(subnet: SubnetworkAnswer): readonly Prefix[] {
  const { ipCidrRange, ipv6CidrRange, internalIpv6Prefix, externalIpv6Prefix } = subnet;
  const texts = [ipCidrRange, ipv6CidrRange, internalIpv6Prefix, externalIpv6Prefix];
  return [...new Set(texts)].flatMap((text) => text ? [parsePrefix(text)] : []);
}

/** The ranges that VMs have alias addresses in: pods and the like. A route cannot point at one. */
function secondaryRanges(subnet: SubnetworkAnswer): readonly Prefix[] {
  return subnet.secondaryIpRanges.map(({ ipCidrRange }) => parsePrefix(ipCidrRange));
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

/** All subnets of a network, or null if we may not list them: then the VM's own one has to do. */
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
