/** What stands in the fake Google Cloud: projects with their networks, subnets, VMs and routes. */

/** A route as the API shows it. */
export interface FakeRoute {
  readonly name: string;
  readonly description?: string;
  readonly network: string;
  readonly destRange: string;
  readonly priority: number;
  readonly tags?: readonly string[];
  readonly nextHopInstance?: string;
  readonly nextHopIp?: string;
  readonly nextHopIlb?: string;
  readonly nextHopGateway?: string;
  readonly nextHopNetwork?: string;
  readonly nextHopPeering?: string;
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
  readonly routeType?: string;
}

/** A subnet. */
export interface FakeSubnet {
  readonly name: string;
  readonly region: string;
  /** Name of the network, in the same project. */
  readonly network: string;
  readonly ipCidrRange: string;
  readonly gatewayAddress: string;
  readonly internalIpv6Prefix?: string;
  readonly secondaryIpRanges?: readonly { readonly rangeName: string; readonly ipCidrRange: string }[];
}

/** A network interface: the subnet may be another project's. */
export interface FakeInterface {
  readonly subnetProject: string;
  readonly subnet: string;
  readonly networkIP: string;
  readonly ipv6Address?: string;
}

/** A VM. */
export interface FakeInstance {
  readonly name: string;
  readonly zone: string;
  canIpForward: boolean;
  /** `RUNNING` unless told. */
  status?: string;
  readonly interfaces: readonly FakeInterface[];
}

/** A forwarding rule of an internal passthrough load balancer. */
export interface FakeForwardingRule {
  readonly name: string;
  readonly region: string;
  /** Name of the network, in the same project. */
  readonly network: string;
  readonly IPAddress: string;
  readonly IPProtocol?: "TCP" | "UDP" | "L3_DEFAULT";
  readonly loadBalancingScheme?: string;
  readonly allowGlobalAccess?: boolean;
}

/** A peering of a network with another, seen from one side. */
export interface FakePeering {
  readonly name: string;
  /** Short URL of the other network. */
  readonly network: string;
  readonly state: "ACTIVE" | "INACTIVE";
  /** What the other network exports. */
  readonly routes: readonly {
    readonly destRange: string;
    readonly type: "SUBNET_PEERING_ROUTE" | "STATIC_PEERING_ROUTE" | "DYNAMIC_PEERING_ROUTE";
    readonly imported: boolean;
  }[];
}

/** A network. */
export class FakeNetwork {
  autoCreateSubnetworks = false;
  readonly peerings: FakePeering[] = [];
  /**
   * Static routes that it may have, and it and its peers together: quotas that the Compute API tells by a refusal alone
   * (https://cloud.google.com/vpc/docs/quota, "Per network").
   */
  staticLimit = 200;
  peeringGroupLimit = 300;
  constructor(readonly name: string) {}

  /** Static routes of the networks that it is peered with. */
  get staticRoutesOfPeers(): number {
    return this.peerings.flatMap(({ routes }) => routes).filter(({ type }) => type === "STATIC_PEERING_ROUTE")
      .length;
  }
}

/** A project and all in it. */
export class FakeProject {
  readonly networks = new Map<string, FakeNetwork>();
  readonly subnets: FakeSubnet[] = [];
  readonly instances: FakeInstance[] = [];
  readonly routes = new Map<string, FakeRoute>();
  readonly forwardingRules: FakeForwardingRule[] = [];
  /** Permissions that the caller lacks. */
  readonly denied = new Set<string>();

  constructor(readonly id: string) {}

  /** Static routes of a network, which its quota counts. */
  staticRoutesOf(network: string): readonly FakeRoute[] {
    return [...this.routes.values()].filter((route) =>
      route.nextHopNetwork === undefined && route.nextHopPeering === undefined &&
      route.network.endsWith(`/${network}`)
    );
  }

  /** A network with the routes that Google makes by itself: the default one, and one a subnet. */
  addNetwork(name: string, subnets: readonly Omit<FakeSubnet, "network">[]): void {
    this.networks.set(name, new FakeNetwork(name));
    const network = urlOf(`projects/${this.id}/global/networks/${name}`);
    const nextHopGateway = urlOf(`projects/${this.id}/global/gateways/default-internet-gateway`);
    this.routes.set(`default-route-${name}`, {
      name: `default-route-${name}`,
      network,
      destRange: "0.0.0.0/0",
      priority: 1000,
      nextHopGateway,
      routeType: "STATIC",
    });
    for (const subnet of subnets) {
      this.subnets.push({ ...subnet, network: name });
      const route = `default-route-${subnet.name}`;
      const destRange = subnet.ipCidrRange;
      this.routes.set(route, {
        name: route,
        network,
        destRange,
        priority: 0,
        nextHopNetwork: network,
        routeType: "SUBNET",
      });
    }
  }
}

/** A resource's URL as the API writes it. */
export function urlOf(path: string): string {
  return `https://www.googleapis.com/compute/v1/${path}`;
}

/** The tail of a resource's URL. */
export function pathOf(url: string): string {
  return url.replace(/^https?:\/\/[^/]+\/compute\/v1\//, "");
}

/** A subnet as the API shows it. */
export function subnetAnswer(project: FakeProject, subnet: FakeSubnet): Readonly<Record<string, unknown>> {
  const { network, internalIpv6Prefix, ...rest } = subnet;
  return {
    ...rest,
    kind: "compute#subnetwork",
    network: urlOf(`projects/${project.id}/global/networks/${network}`),
    region: urlOf(`projects/${project.id}/regions/${subnet.region}`),
    selfLink: urlOf(subnetPath(project.id, subnet)),
    ...(internalIpv6Prefix === undefined ? {} : { internalIpv6Prefix, ipv6CidrRange: internalIpv6Prefix }),
  };
}

/** A VM as the API shows it. */
export function instanceAnswer(
  projects: ReadonlyMap<string, FakeProject>,
  project: FakeProject,
  instance: FakeInstance,
): Readonly<Record<string, unknown>> {
  const { name, zone, canIpForward } = instance;
  return {
    kind: "compute#instance",
    id: "7340196583271940118",
    name,
    canIpForward,
    status: instance.status ?? "RUNNING",
    zone: urlOf(`projects/${project.id}/zones/${zone}`),
    selfLink: urlOf(instancePath(project.id, instance)),
    networkInterfaces: instance.interfaces.map((leg, index) => {
      const subnet = subnetOf(projects, leg);
      return {
        name: `nic${index}`,
        network: urlOf(`projects/${leg.subnetProject}/global/networks/${subnet.network}`),
        subnetwork: urlOf(subnetPath(leg.subnetProject, subnet)),
        networkIP: leg.networkIP,
        ...(leg.ipv6Address === undefined ? {} : { ipv6Address: leg.ipv6Address }),
      };
    }),
  };
}

/** A network as the API shows it. */
export function networkAnswer(project: FakeProject, network: FakeNetwork): Readonly<Record<string, unknown>> {
  const { name, autoCreateSubnetworks, peerings } = network;
  return {
    kind: "compute#network",
    name,
    autoCreateSubnetworks,
    selfLink: urlOf(`projects/${project.id}/global/networks/${name}`),
    ...(peerings.length === 0 ? {} : {
      peerings: peerings.map(({ routes: _, ...peering }) => ({
        ...peering,
        network: urlOf(peering.network),
        exchangeSubnetRoutes: true,
      })),
    }),
  };
}

/** A forwarding rule as the API shows it. */
export function forwardingRuleAnswer(
  project: FakeProject,
  rule: FakeForwardingRule,
): Readonly<Record<string, unknown>> {
  const { name, region, network, IPAddress } = rule;
  return {
    kind: "compute#forwardingRule",
    name,
    region: urlOf(`projects/${project.id}/regions/${region}`),
    network: urlOf(`projects/${project.id}/global/networks/${network}`),
    selfLink: urlOf(`projects/${project.id}/regions/${region}/forwardingRules/${name}`),
    IPAddress,
    // The API leaves the version out for IPv4.
    ...(IPAddress.includes(":") ? { ipVersion: "IPV6" } : {}),
    IPProtocol: rule.IPProtocol ?? "TCP",
    loadBalancingScheme: rule.loadBalancingScheme ?? "INTERNAL",
    allPorts: true,
    ...(rule.allowGlobalAccess === true ? { allowGlobalAccess: true } : {}),
  };
}

/** The subnet that an interface is in. */
export function subnetOf(projects: ReadonlyMap<string, FakeProject>, leg: FakeInterface): FakeSubnet {
  const subnet = projects.get(leg.subnetProject)?.subnets.find(({ name }) => name === leg.subnet);
  if (subnet === undefined) throw new Error(`The fake has no subnet ${leg.subnet} in ${leg.subnetProject}`);
  return subnet;
}

/** A VM's URL without host. */
export function instancePath(project: string, instance: Pick<FakeInstance, "name" | "zone">): string {
  return `projects/${project}/zones/${instance.zone}/instances/${instance.name}`;
}

function subnetPath(project: string, subnet: FakeSubnet): string {
  return `projects/${project}/regions/${subnet.region}/subnetworks/${subnet.name}`;
}
