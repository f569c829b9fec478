/** Why the fake refuses a request: errors as Google writes them, and the checks of a new route. */

import {
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixContainsAddress,
} from "../../../src/routes/prefix.ts";
import {
  type FakeForwardingRule,
  type FakeProject,
  type FakeRoute,
  instancePath,
  pathOf,
  subnetOf,
} from "./world.ts";

/** A refusal: its HTTP status, Google's reason and message. */
export class Refusal extends Error {
  /** @param info what `google.rpc.ErrorInfo` adds. */
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly info: { readonly reason: string; readonly metadata: Readonly<Record<string, string>> } | null =
      null,
  ) {
    super(message);
  }

  /** The body that Google sends. */
  get body(): unknown {
    const { status, reason, message, info } = this;
    const errors = [{ message, domain: "global", reason }];
    const details = [{
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      domain: "googleapis.com",
      ...info,
    }];
    return {
      error: {
        code: status,
        message,
        errors,
        ...(info === null ? {} : { status: "PERMISSION_DENIED", details }),
      },
    };
  }
}

/** The token's scopes do not cover the method (https://cloud.google.com/compute/docs/access/service-accounts, "Access scopes"). */
export function scopeRefusal(service: string): Refusal {
  const message = "Request had insufficient authentication scopes.";
  const info = { reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT", metadata: { service } };
  return new Refusal(403, "insufficientPermissions", message, info);
}

/** The API is not enabled in the project of the service account (https://cloud.google.com/apis/docs/troubleshooting, "accessNotConfigured"). */
export function disabledRefusal(service: string, project: string): Refusal {
  const message =
    `${service} has not been used in project ${project} before or it is disabled. Enable it by ` +
    `visiting https://console.developers.google.com/apis/api/${service}/overview?project=${project} then retry.`;
  const info = { reason: "SERVICE_DISABLED", metadata: { service, consumer: `projects/${project}` } };
  return new Refusal(403, "accessNotConfigured", message, info);
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
  checkSubnetsOfPeers(project, network[2] ?? "", route.destRange);
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

/**
 * "A local static route can't have a destination that exactly matches or fits within a peering subnet route"
 * (https://cloud.google.com/vpc/docs/vpc-peering, "Subnet and static route interactions").
 */
function checkSubnetsOfPeers(project: FakeProject, network: string, destination: string): void {
  const peerings = project.networks.get(network)?.peerings.filter(({ state }) => state === "ACTIVE") ?? [];
  const ranges = peerings.flatMap(({ routes }) => routes)
    .filter(({ type, imported }) => type === "SUBNET_PEERING_ROUTE" && imported);
  const hidden = ranges.find(({ destRange }) =>
    prefixContains(parsePrefix(destRange), parsePrefix(destination))
  );
  if (hidden === undefined) return;
  throw invalid(
    "destRange",
    destination,
    `${destination} hides the address space of a peer network (${hidden.destRange})`,
  );
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
  if (nextHopIlb !== undefined) checkIlbHop(projects, project, network, route, nextHopIlb);
  return [];
}

/**
 * The rule must be there, in the route's network, and of the route's family; without tags no second route may have the same
 * destination, priority and rule (https://cloud.google.com/load-balancing/docs/internal/ilb-next-hop-overview, "Additional
 * considerations").
 */
function checkIlbHop(
  projects: ReadonlyMap<string, FakeProject>,
  project: FakeProject,
  network: string,
  route: FakeRoute,
  hop: string,
): void {
  const found = forwardingRuleOf(projects, project, hop);
  if (found === null) throw invalid("nextHopIlb", hop, "The forwarding rule was not found");
  const [owner, rule] = found;
  if (owner !== project || rule.network !== network) {
    throw invalid("nextHopIlb", hop, "The forwarding rule must be in the network of the route");
  }
  if (rule.IPAddress.includes(":") !== route.destRange.includes(":")) {
    throw invalid("nextHopIlb", hop, "The IP version of the forwarding rule must match that of the route");
  }
  const twin = project.staticRoutesOf(network).find((other) =>
    other.destRange === route.destRange && other.priority === route.priority &&
    (other.tags ?? []).length === 0 && other.name !== route.name && other.nextHopIlb !== undefined &&
    forwardingRuleOf(projects, project, other.nextHopIlb)?.[1] === rule
  );
  if (twin !== undefined && (route.tags ?? []).length === 0) {
    throw invalid(
      "nextHopIlb",
      hop,
      `Route '${twin.name}' has the same destination range, priority and next hop`,
    );
  }
}

/** A forwarding rule by its URL or its address. */
function forwardingRuleOf(
  projects: ReadonlyMap<string, FakeProject>,
  project: FakeProject,
  hop: string,
): readonly [FakeProject, FakeForwardingRule] | null {
  const [, id, region, name] =
    /^projects\/([^/]+)\/regions\/([^/]+)\/forwardingRules\/([^/]+)$/.exec(pathOf(hop)) ?? [];
  const owner = id === undefined ? project : projects.get(id);
  const rule = owner?.forwardingRules.find((candidate) =>
    id === undefined ? candidate.IPAddress === hop : candidate.name === name && candidate.region === region
  );
  return owner === undefined || rule === undefined ? null : [owner, rule];
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
  // "The network IP address of an instance" (discovery document): a load balancer's goes into `nextHopIlb`.
  if (project.forwardingRules.some(({ IPAddress }) => IPAddress === parsed.text)) {
    throw invalid("nextHopIp", address, "The next hop must be the address of an instance");
  }
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
