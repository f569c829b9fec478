/** What is known of this VM: its interfaces and their networks. */

import { type IpAddress, parseAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import { type InstanceAnswer, instanceAnswer, interfaceFields } from "./schemas.ts";
import type { ComputeApi } from "./api.ts";
import type { MetadataServer, VmMetadata } from "./metadata.ts";
import { projectOf, regionOfZone, shortUrl } from "./resource_url.ts";

/** One network interface of this VM. */
export interface VmInterface {
  /** Short URL of the VPC network; it names the project that the network, and so its routes, belong to. */
  readonly network: string;
  /** Short URL of the subnet; null in a legacy network, which has none. */
  readonly subnetwork: string | null;
  readonly addresses: readonly IpAddress[];
  /** The subnet's IPv6 router, a link-local address. */
  readonly ipv6Router: IpAddress | null;
}

/** This VM. */
export interface Vm {
  readonly name: string;
  /** The project that the VM itself belongs to; that of its network may be another (Shared VPC). */
  readonly project: string;
  readonly zone: string;
  readonly region: string;
  /** Short URL, as `nextHopInstance` takes it. */
  readonly url: string;
  readonly canIpForward: boolean;
  readonly interfaces: readonly VmInterface[];
}

/** Asks metadata server and API who this VM is. */
export async function readVm(metadata: MetadataServer, api: ComputeApi, signal: AbortSignal): Promise<Vm> {
  const seen = await metadata.vm(signal);
  const { project, zone, name } = seen;
  const instance = await api.send({
    action: `read instance ${name}`,
    permission: "compute.instances.get",
    path: `projects/${project}/zones/${zone}/instances/${name}`,
    query: { fields: `name,selfLink,zone,canIpForward,networkInterfaces(${interfaceFields})` },
    answer: instanceAnswer,
  }, signal);
  const interfaces = instance.networkInterfaces.map((leg, index) => vmInterface(leg, seen.interfaces[index]));
  if (interfaces.length === 0) {
    throw new CloudError("malformed", `Cannot use instance ${name}: it has no interface`);
  }
  const { canIpForward } = instance;
  return {
    name,
    project,
    zone,
    region: regionOfZone(zone),
    url: shortUrl(instance.selfLink),
    canIpForward,
    interfaces,
  };
}

function vmInterface(
  leg: InstanceAnswer["networkInterfaces"][number],
  seen: VmMetadata["interfaces"][number] | undefined,
): VmInterface {
  const texts = [
    leg.networkIP,
    leg.ipv6Address,
    ...leg.ipv6AccessConfigs.map(({ externalIpv6 }) => externalIpv6),
  ].filter((text): text is string => text !== undefined && text !== "");
  const addresses = new Map(
    texts.map((text) => parseAddress(text)).map((address) => [address.text, address]),
  );
  return {
    network: shortUrl(leg.network),
    subnetwork: leg.subnetwork === undefined ? null : shortUrl(leg.subnetwork),
    addresses: [...addresses.values()],
    ipv6Router: seen?.gatewayIpv6 ? parseAddress(seen.gatewayIpv6) : null,
  };
}

/** The project of a network's routes. */
export function networkProject(network: string): string {
  const project = projectOf(network);
  if (project === null) {
    throw new CloudError("malformed", `Cannot use network "${network}": its URL names no project`);
  }
  return project;
}
