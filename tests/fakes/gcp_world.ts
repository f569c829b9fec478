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
  readonly interfaces: readonly FakeInterface[];
}

/** A project and all in it. */
export class FakeProject {
  readonly networks = new Set<string>();
  readonly subnets: FakeSubnet[] = [];
  readonly instances: FakeInstance[] = [];
  readonly routes = new Map<string, FakeRoute>();
  /** Static routes that the project may have. */
  routeLimit = 1000;
  /** Whether `projects.get` tells the quota. */
  tellsQuota = true;
  /** Permissions that the caller lacks. */
  readonly denied = new Set<string>();

  constructor(readonly id: string) {}

  /** Static routes, which the quota counts. */
  get staticRoutes(): readonly FakeRoute[] {
    return [...this.routes.values()].filter((route) => route.nextHopNetwork === undefined);
  }

  /** A network with the routes that Google makes by itself: the default one, and one a subnet. */
  addNetwork(name: string, subnets: readonly Omit<FakeSubnet, "network">[]): void {
    this.networks.add(name);
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
