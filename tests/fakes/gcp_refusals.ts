/** Why the fake refuses a request: errors as Google writes them, and the checks of a new route. */

import {
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixContainsAddress,
} from "../../src/routes/prefix.ts";
import { type FakeProject, type FakeRoute, instancePath, pathOf, subnetOf } from "./gcp_world.ts";

/** A refusal: its HTTP status, Google's reason and message. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly reason: string, message: string) {
    super(message);
  }

  /** The body that Google sends. */
  get body(): unknown {
    const { status, reason, message } = this;
    return { error: { code: status, message, errors: [{ message, domain: "global", reason }] } };
  }
}

/** A warning that an operation may end with. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/**
 * Checks a route that is to be made.
 *
 * @returns what Google would warn of.
 * @throws {Refusal}
 */
export function checkNewRoute(
  projects: ReadonlyMap<string, FakeProject>,
  project: FakeProject,
  route: FakeRoute,
): readonly Warning[] {
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(route.name ?? "")) {
    throw invalid("name", route.name, "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'");
  }
  const network = /^projects\/([^/]+)\/global\/networks\/([^/]+)$/.exec(pathOf(route.network ?? ""));
  if (network?.[1] !== project.id || !project.networks.has(network[2] ?? "")) {
    throw new Refusal(404, "notFound", `The resource '${route.network}' was not found`);
  }
  checkDestination(project, network[2] ?? "", route.destRange);
  for (const tag of route.tags ?? []) {
    if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(tag)) throw invalid("tags[0]", tag, "It is not RFC 1035");
  }
  return checkNextHop(projects, project, network[2] ?? "", route);
}

function checkDestination(project: FakeProject, network: string, destination: string): void {
  let prefix: Prefix;
  try {
    prefix = parsePrefix(destination);
  } catch {
    throw invalid("destRange", destination, "The address range must be a canonical CIDR");
  }
  for (const subnet of project.subnets.filter((candidate) => candidate.network === network)) {
    const ranges = [
      subnet.ipCidrRange,
      ...(subnet.secondaryIpRanges ?? []).map(({ ipCidrRange }) => ipCidrRange),
      ...(subnet.internalIpv6Prefix === undefined ? [] : [subnet.internalIpv6Prefix]),
    ];
    const hidden = ranges.find((range) => prefixContains(parsePrefix(range), prefix));
    if (hidden === undefined) continue;
    throw invalid(
      "destRange",
      destination,
      `${destination} hides the reserved address space for network (${hidden})`,
    );
  }
}

function checkNextHop(
  projects: ReadonlyMap<string, FakeProject>,
  project: FakeProject,
  network: string,
  route: FakeRoute,
): readonly Warning[] {
  const { nextHopInstance, nextHopIp, nextHopIlb, nextHopGateway } = route;
  const hops = [nextHopInstance, nextHopIp, nextHopIlb, nextHopGateway].filter((hop) => hop !== undefined);
  if (hops.length !== 1) {
    throw invalid("nextHop", `${hops}`, "Exactly one of the next hop fields must be specified");
  }
  if (nextHopInstance !== undefined) return checkInstanceHop(project, network, route, nextHopInstance);
  if (nextHopIp !== undefined) return checkAddressHop(projects, project, network, nextHopIp);
  return [];
}

function checkInstanceHop(
  project: FakeProject,
  network: string,
  route: FakeRoute,
  url: string,
): readonly Warning[] {
  const instance = project.instances.find((candidate) => instancePath(project.id, candidate) === pathOf(url));
  if (instance === undefined) {
    throw invalid("nextHopInstance", url, "The instance must be in the same project as the route");
  }
  if (!instance.canIpForward) {
    return [{ code: "NEXT_HOP_CANNOT_IP_FORWARD", message: `'${url}' cannot IP forward.` }];
  }
  const leg = instance.interfaces.find(({ subnetProject, subnet }) =>
    subnetProject === project.id &&
    project.subnets.some(({ name, network: other }) => name === subnet && other === network)
  );
  if (leg === undefined) {
    return [{ code: "NEXT_HOP_INSTANCE_NOT_ON_NETWORK", message: `'${url}' is elsewhere.` }];
  }
  if (route.destRange.includes(":") && leg.ipv6Address === undefined) {
    return [{ code: "NEXT_HOP_INSTANCE_HAS_NO_IPV6_INTERFACE", message: `'${url}' has no IPv6.` }];
  }
  return [];
}

function checkAddressHop(
  projects: ReadonlyMap<string, FakeProject>,
  project: FakeProject,
  network: string,
  address: string,
): readonly Warning[] {
  const parsed = parseAddress(address);
  const inNetwork = project.subnets.some((subnet) =>
    subnet.network === network &&
    [subnet.ipCidrRange, subnet.internalIpv6Prefix].some((range) =>
      range !== undefined && prefixContainsAddress(parsePrefix(range), parsed)
    )
  );
  if (!inNetwork) throw invalid("nextHopIp", address, "The next hop must be inside a subnet of the network");
  const isAssigned = [...projects.values()].flatMap(({ instances }) => instances).some(({ interfaces }) =>
    interfaces.some((leg) =>
      leg.subnetProject === project.id && subnetOf(projects, leg).network === network &&
      [leg.networkIP, leg.ipv6Address].includes(parsed.text)
    )
  );
  return isAssigned
    ? []
    : [{ code: "NEXT_HOP_ADDRESS_NOT_ASSIGNED", message: `'${address}' is not assigned.` }];
}

function invalid(field: string, value: string | undefined, why: string): Refusal {
  return new Refusal(400, "invalid", `Invalid value for field 'resource.${field}': '${value}'. ${why}.`);
}
