/** Where this VM stands in its network: its ports, subnets and the routers that serve them. */

import { type Family, type IpAddress, parseAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { familyOf } from "./extra_routes.ts";
import { type Metadata, readMetadata } from "./metadata.ts";
import type { Neutron, Port, RouterName, Subnet } from "./neutron.ts";

/** What is known of this VM's surroundings. */
export interface Place {
  readonly metadata: Metadata;
  readonly ports: readonly Port[];
  /** All subnets of the ports' networks. */
  readonly subnets: readonly Subnet[];
  /** The routers to keep in step, in the order given. */
  readonly routers: readonly RouterName[];
  /** The ports by which those routers are on networks, one list a router. */
  readonly routerPorts: readonly (readonly Port[])[];
}

/** What decides which routers are meant. */
export interface RouterChoice {
  /** `-route-table`. */
  readonly routeTables: readonly string[];
  /** `-router`. */
  readonly router: string | null;
}

/**
 * Finds out where this VM stands.
 *
 * @throws {CloudError} `gone` if a port or router is not there, `invalid` if it cannot be told which router is meant.
 */
export async function findPlace(
  neutron: Neutron,
  metadataEndpoint: string,
  choice: RouterChoice,
  signal: AbortSignal,
): Promise<Place> {
  const metadata = await readMetadata(metadataEndpoint, signal);
  const ports = await neutron.ports(metadata.portIds, signal);
  if (ports.length === 0) {
    throw new CloudError(
      "gone",
      `Cannot find port ${
        metadata.portIds.join(", ")
      } of this VM: it does not exist, or belongs to another project`,
    );
  }
  const subnets = await neutron.subnets([...new Set(ports.map((port) => port.network_id))], signal);
  const routers = await findRouters(neutron, ports, subnets, choice, signal);
  const routerPorts = await Promise.all(routers.map(({ id }) => neutron.portsOfRouter(id, signal)));
  return { metadata, ports, subnets, routers, routerPorts };
}

/**
 * Who this VM is.
 *
 * @throws {CloudError} `invalid` if no address of it is on a subnet that all routers are on, so that no route could point here.
 */
export function identityOf(place: Place): CloudIdentity {
  const reachable = reachableSubnets(place);
  const own = place.ports.flatMap((port) => port.fixed_ips);
  const usable = own.filter((fixed) => reachable.has(fixed.subnet_id));
  if (usable.length === 0) {
    const names = place.routers.map(({ id, name }) => `${name} (${id})`).join(", ");
    throw new CloudError(
      "invalid",
      `Cannot point routes of router ${names} at this VM: none of its addresses ${
        own.map((fixed) => fixed.ip_address).join(", ")
      } is on a subnet of it`,
    );
  }
  const addressOf = (family: Family): string | null => {
    const found = usable.find((fixed) => familyOf(fixed.ip_address) === family);
    return found === undefined ? null : parseAddress(found.ip_address).text;
  };
  const ownSubnets = new Set(usable.map((fixed) => fixed.subnet_id));
  return {
    instance: place.metadata.instance,
    addresses: own.map((fixed) => parseAddress(fixed.ip_address)),
    self: { 4: addressOf(4), 6: addressOf(6) },
    subnets: place.subnets.filter(({ id }) => ownSubnets.has(id)).map(prefixOfSubnet),
    networks: place.subnets.map(prefixOfSubnet),
    subnetRouters: routerAddresses(place),
    reserved: [],
  };
}

/** Subnets on which every router has an interface: a next hop must be on one (Neutron: "not connected with router"). */
export function reachableSubnets(place: Place): ReadonlySet<string> {
  const [first = new Set<string>(), ...others] = place.routerPorts.map((ports) =>
    new Set(ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.subnet_id)))
  );
  return others.reduce((common, subnets) => common.intersection(subnets), first);
}

/** The subnets' gateways and the routers' own addresses: a route by way of one would loop. */
function routerAddresses(place: Place): IpAddress[] {
  const gateways = place.subnets.flatMap(({ gateway_ip: gateway }) => gateway === null ? [] : [gateway]);
  const interfaces = place.routerPorts.flat().flatMap((port) =>
    port.fixed_ips.map((fixed) => fixed.ip_address)
  );
  return [...new Set([...gateways, ...interfaces])].map(parseAddress);
}

function prefixOfSubnet(subnet: Subnet): Prefix {
  return parsePrefix(subnet.cidr);
}

async function findRouters(
  neutron: Neutron,
  ports: readonly Port[],
  subnets: readonly Subnet[],
  choice: RouterChoice,
  signal: AbortSignal,
): Promise<RouterName[]> {
  const given = choice.routeTables.length > 0 || choice.router === null
    ? choice.routeTables
    : [choice.router];
  if (given.length === 0) return [await findSubnetRouter(neutron, ports, subnets, signal)];
  const routers: RouterName[] = [];
  for (const text of given) {
    const router = await findGivenRouter(neutron, text, signal);
    if (!routers.some(({ id }) => id === router.id)) routers.push(router);
  }
  return routers;
}

async function findGivenRouter(neutron: Neutron, text: string, signal: AbortSignal): Promise<RouterName> {
  const [router, ...others] = await neutron.findRouters(text, signal);
  if (router === undefined) {
    throw new CloudError(
      "gone",
      `Cannot find router "${text}": no router of this project has that id or name`,
    );
  }
  if (others.length === 0) return router;
  const ids = [router, ...others].map(({ id }) => id).join(", ");
  throw new CloudError(
    "invalid",
    `Cannot tell which router "${text}" is meant: that name have ${ids}; give the id`,
  );
}

/** The one router on the VM's subnets. */
async function findSubnetRouter(
  neutron: Neutron,
  ports: readonly Port[],
  subnets: readonly Subnet[],
  signal: AbortSignal,
): Promise<RouterName> {
  const ownSubnets = new Set(ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.subnet_id)));
  const interfaces = await neutron.routerPorts([...new Set(ports.map((port) => port.network_id))], signal);
  const onOwnSubnets = interfaces.filter((port) =>
    port.fixed_ips.some((fixed) => ownSubnets.has(fixed.subnet_id))
  );
  const ids = [...new Set(onOwnSubnets.map((port) => port.device_id))].sort();
  const [id, ...others] = ids;
  const cidrs = subnets.filter((subnet) => ownSubnets.has(subnet.id)).map(({ cidr }) => cidr).join(", ");
  if (id === undefined) {
    throw new CloudError(
      "gone",
      `Cannot find the router of subnet ${cidrs}: none is on it that this project can see; name one with -router`,
    );
  }
  if (others.length > 0) {
    const names = await Promise.all(ids.map((each) => describeRouter(neutron, each, signal)));
    throw new CloudError(
      "invalid",
      `Cannot tell which router of subnet ${cidrs} to write to: ${
        names.join(", ")
      } are on it; name one with -router`,
    );
  }
  return await findGivenRouter(neutron, id, signal);
}

async function describeRouter(neutron: Neutron, id: string, signal: AbortSignal): Promise<string> {
  const [router] = await neutron.findRouters(id, signal);
  return router === undefined ? id : `${router.name} (${id})`;
}
