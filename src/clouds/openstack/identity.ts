/** Who this VM is, made of its ports, their subnets and the routers that serve them. */

import {
  compareAddresses,
  type Family,
  type IpAddress,
  ipAddress,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixContainsAddress,
} from "../../routes/prefix.ts";
import type { CloudIdentity } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { openstackNetworkFacts } from "./network_facts.ts";
import type { RouterName, Subnet } from "./schemas.ts";
import type { Vm } from "./vm.ts";

/**
 * Who this VM is.
 *
 * @throws {CloudError} `invalid` if no address of it is on a subnet that all routers are on, so that no route could point here.
 */
export function identityOf(vm: Vm): CloudIdentity {
  const subnets = commonSubnets(vm).map(prefixOfSubnet);
  const usable = usableAddresses(vm);
  if (usable.length === 0) throw outOfReach(vm.routers, vm);
  const selfOf = (family: Family): string | null =>
    usable.find((address) => address.family === family)?.text ?? null;
  const fixed = vm.ports.flatMap((port) => port.fixed_ips).map(({ ip_address: text }) => parseAddress(text));
  const addresses = unique([...fixed, ...vm.self.map(({ address }) => address)]);
  const { reserved, linkLocalIsRouter } = openstackNetworkFacts;
  return {
    instance: vm.metadata.instance,
    addresses,
    self: { 4: selfOf(4), 6: selfOf(6) },
    attachments: [{ addresses, networks: subnets }],
    networks: vm.subnets.map(prefixOfSubnet),
    subnetRouters: routerAddresses(vm),
    linkLocalIsRouter,
    reserved,
  };
}

/** Sets routers aside by which no route could come to this VM, as long as there is another. */
export function withoutStrangers(vm: Vm): Vm {
  const seen = vm.routers.map((router, index) => {
    const ports = vm.routerPorts[index] ?? [];
    return { router, ports, isNear: usableAddresses({ ...vm, routerPorts: [ports] }).length > 0 };
  });
  const near = seen.filter(({ isNear }) => isNear);
  if (near.length === 0 || near.length === seen.length) return vm;
  return {
    ...vm,
    routers: near.map(({ router }) => router),
    routerPorts: near.map(({ ports }) => ports),
    strangers: seen.filter(({ isNear }) => !isNear)
      .map(({ router }) => ({ router, failure: outOfReach([router], vm) })),
  };
}

/**
 * The addresses that routes of all routers may point at: those of `-self`, then those of the server's ports, one port after the other.
 * Neutron lists a port's addresses in whatever order: the lowest is first.
 */
function usableAddresses(vm: Pick<Vm, "subnets" | "ownPorts" | "self" | "routerPorts">): IpAddress[] {
  const subnets = commonSubnets(vm);
  const ids = new Set(subnets.map(({ id }) => id));
  const prefixes = subnets.map(prefixOfSubnet);
  const own = vm.ownPorts.flatMap((port) =>
    port.fixed_ips.filter((fixed) => ids.has(fixed.subnet_id))
      .map((fixed) => parseAddress(fixed.ip_address)).sort(compareAddresses)
  );
  return [...vm.self.map(({ address }) => address), ...own].filter((address) =>
    prefixes.some((prefix) => prefixContainsAddress(prefix, address))
  );
}

/** The subnets, of the ports' networks, on which every router is. */
function commonSubnets(vm: Pick<Vm, "subnets" | "routerPorts">): Subnet[] {
  const reachable = reachableSubnets(vm);
  return vm.subnets.filter(({ id }) => reachable.has(id));
}

function outOfReach(
  routers: readonly RouterName[],
  { ownPorts }: Pick<Vm, "ownPorts">,
): CloudError {
  const names = routers.map(({ id, name }) => `${name} (${id})`).join(", ");
  const own = ownPorts.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address)).join(", ");
  return new CloudError(
    "invalid",
    `Cannot point routes of router ${names} at this VM: none of its addresses ${own} is on a subnet of it`,
    {
      remedy:
        "attach the VM's subnet to the router (openstack router add subnet), or name another with -router",
    },
  );
}

/** Subnets on which every router has an interface: a next hop must be on one (Neutron: "not connected with router"). */
export function reachableSubnets(vm: Pick<Vm, "routerPorts">): ReadonlySet<string> {
  const [first = new Set<string>(), ...others] = vm.routerPorts.map((ports) =>
    new Set(ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.subnet_id)))
  );
  return others.reduce((common, subnets) => common.intersection(subnets), first);
}

/**
 * The subnets' gateways and the routers' own addresses: a route by way of one would loop. A router's link-local address is made of
 * its port's MAC address, by the L3 agent (`ipv6_utils.get_ipv6_addr_by_EUI64`) as by OVN (`lrp_networks.ipv6_addrs`).
 */
function routerAddresses(vm: Vm): IpAddress[] {
  const gateways = vm.subnets.flatMap(({ gateway_ip: gateway }) => gateway === null ? [] : [gateway]);
  const ports = vm.routerPorts.flat();
  const interfaces = ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address));
  const linkLocal = ports.flatMap((port) => linkLocalOf(port.mac_address) ?? []);
  return unique([...[...gateways, ...interfaces].map(parseAddress), ...linkLocal]);
}

/** The link-local address that a MAC address makes (RFC 4291 appendix A); null for a text that is no MAC address. */
export function linkLocalOf(mac: string): IpAddress | null {
  const bytes = mac.split(":").map((part) => parseInt(part, 16));
  const [first, second, third, fourth, fifth, sixth] = bytes;
  if (
    first === undefined || second === undefined || third === undefined || fourth === undefined ||
    fifth === undefined || sixth === undefined || bytes.some((byte) => !(byte >= 0 && byte <= 255))
  ) return null;
  const high = (((first ^ 2) << 24) | (second << 16) | (third << 8) | 0xff) >>> 0;
  const low = ((0xfe << 24) | (fourth << 16) | (fifth << 8) | sixth) >>> 0;
  return ipAddress(6, [0xfe800000, 0, high, low]);
}

function unique(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [address.text, address])).values()];
}

function prefixOfSubnet(subnet: Subnet): Prefix {
  return parsePrefix(subnet.cidr);
}
