/** Where this VM stands in its network: its ports, subnets and the routers that serve them. */

import type { OwnAddress } from "../../routes/own_address.ts";
import { addressOrNull } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import { ownInterface } from "../kit/own_interface.ts";
import type { MissingTable } from "../kit/given_tables.ts";
import { namedTables } from "../kit/table_tag.ts";
import { type GivenRouters, handedOver, otherProjects, type RouterApi } from "./handed_over.ts";
import { type Metadata, type MetadataService, readMetadata } from "./metadata.ts";
import type { Neutron } from "./api.ts";
import type { Port, RouterName, Subnet } from "./schemas.ts";

/** The calls that are made. */
type VmApi =
  & RouterApi
  & Pick<Neutron, "isForSystem" | "ports" | "subnets" | "portsOfRouter">;

/** What is known of this VM's surroundings. */
export interface Vm {
  readonly metadata: Metadata;
  /** All ports of this VM, in the server's order. */
  readonly ports: readonly Port[];
  /** Those that routes to this VM may point at: the one that `-self` picks, else all. */
  readonly ownPorts: readonly Port[];
  /** `-self`: the addresses that routes to this VM point at. */
  readonly self: readonly OwnAddress[];
  /** All subnets of the ports' networks. */
  readonly subnets: readonly Subnet[];
  /** The routers to keep in step, in the order given. */
  readonly routers: readonly RouterName[];
  /** Those that were named and are not there, or of which it is not clear which one is meant. */
  readonly missing: readonly MissingTable[];
  /** Those that are there and not to be kept, since no route of theirs could come to this VM. */
  readonly strangers: readonly Stranger[];
  /** The ports by which those routers are on networks, one list a router. */
  readonly routerPorts: readonly (readonly Port[])[];
}

/** A router by which no route could come to this VM. */
export interface Stranger {
  readonly router: RouterName;
  readonly failure: CloudError;
}

/** What decides which port and which routers are meant. */
export interface VmChoice {
  /** `-self`. */
  readonly self: readonly OwnAddress[];
  /** `-route-table`. */
  readonly routeTables: readonly string[];
  /** `-router`. */
  readonly router: string | null;
}

/**
 * Finds out where this VM stands.
 *
 * @throws {CloudError} `gone` if a port or router is not there, `invalid` if it is not clear which router is meant.
 */
export async function findVm(
  neutron: VmApi,
  service: MetadataService,
  choice: VmChoice,
  signal: AbortSignal,
): Promise<Vm> {
  const metadata = await readMetadata(service, signal);
  const ports = inOrder(await neutron.ports(metadata.portIds, signal), metadata);
  if (ports.length === 0) {
    const why = neutron.isForSystem
      ? "Neutron shows no ports to a login with system_scope; log in for the port's project"
      : "it does not exist, or belongs to another project";
    throw new CloudError("gone", `Cannot find port ${metadata.portIds.join(", ")} of this VM: ${why}`);
  }
  const subnets = await neutron.subnets([...new Set(ports.map((port) => port.network_id))], signal);
  const { self } = choice;
  const ownPorts = portsOf(ports, self);
  const { routers, missing } = await findRouters(neutron, ownPorts, subnets, choice, signal);
  const routerPorts = await portsOfRouters(neutron, routers, signal);
  return { metadata, ports, ownPorts, self, subnets, routers, missing, strangers: [], routerPorts };
}

/**
 * The same with the routers that `-route-table` names now.
 *
 * @throws {NoTableError} if tags alone were given and no router has one of them.
 */
export async function withRoutersNow(
  neutron: VmApi,
  vm: Vm,
  choice: VmChoice,
  signal: AbortSignal,
): Promise<Vm> {
  const { routers, missing } = await findRouters(neutron, vm.ownPorts, vm.subnets, choice, signal);
  const before = vm.routers.map(({ id }) => id).join();
  const isSame = routers.map(({ id }) => id).join() === before;
  const routerPorts = isSame ? vm.routerPorts : await portsOfRouters(neutron, routers, signal);
  return { ...vm, routers, missing, strangers: [], routerPorts };
}

function portsOfRouters(
  neutron: VmApi,
  routers: readonly RouterName[],
  signal: AbortSignal,
): Promise<readonly (readonly Port[])[]> {
  return Promise.all(routers.map(({ id }) => neutron.portsOfRouter(id, signal)));
}

/** Neutron lists ports in whatever order, Nova as they were given to the server, and the guest numbers its devices like that. */
function inOrder(ports: readonly Port[], { portIds }: Metadata): readonly Port[] {
  return ports.toSorted((left, right) => portIds.indexOf(left.id) - portIds.indexOf(right.id));
}

/** The port that `-self` picks, also by an address that it shares with others (`allowed_address_pairs`); without `-self` all. */
function portsOf(ports: readonly Port[], self: readonly OwnAddress[]): readonly Port[] {
  const candidates = ports.map((port) => {
    const pairs = port.allowed_address_pairs.map((pair) => pair.ip_address);
    const texts = [...port.fixed_ips.map((fixed) => fixed.ip_address), ...pairs];
    return { port, addresses: texts.flatMap((text) => addressOrNull(text) ?? []) };
  });
  const picked = ownInterface(candidates, self);
  return picked === null ? ports : [picked.port];
}

async function findRouters(
  neutron: VmApi,
  ports: readonly Port[],
  subnets: readonly Subnet[],
  choice: VmChoice,
  signal: AbortSignal,
): Promise<GivenRouters> {
  const { ids, tags } = namedTables(choice.routeTables);
  const given = choice.routeTables.length > 0 || choice.router === null ? ids : [choice.router];
  if (given.length === 0 && tags.length === 0) {
    return { routers: [await findSubnetRouter(neutron, ports, subnets, signal)], missing: [] };
  }
  return await handedOver(neutron, given, tags, ports, signal);
}

/** The one router on the VM's subnets. */
async function findSubnetRouter(
  neutron: VmApi,
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
      { remedy: `put the subnet on a router of this project, or name one with -router; ${otherProjects}` },
    );
  }
  if (others.length > 0) {
    const gateways = new Set(subnets.map((subnet) => subnet.gateway_ip));
    const names = await Promise.all(
      ids.map((each) => describeRouter(neutron, each, interfacesOf(each, onOwnSubnets, gateways), signal)),
    );
    throw new CloudError(
      "invalid",
      `Cannot tell which router of subnet ${cidrs} to write to: ${
        names.join("; ")
      }; name one by its id with -router`,
    );
  }
  const [router] = await neutron.findRouters(id, signal);
  if (router !== undefined) return router;
  throw new CloudError(
    "gone",
    `Cannot use the router of subnet ${cidrs}, ${id} at ${
      interfacesOf(id, onOwnSubnets, new Set())
    }: it belongs to another project`,
    { remedy: otherProjects },
  );
}

/** What tells routers of one name apart: their addresses on the VM's subnets, and whether the subnet's gateway is among them. */
function interfacesOf(id: string, ports: readonly Port[], gateways: ReadonlySet<string | null>): string {
  const fixed = ports.filter((port) => port.device_id === id).flatMap((port) => port.fixed_ips);
  const texts = fixed.map(({ ip_address: text }) => text);
  const ordered = [
    ...texts.filter((text) => !text.includes(":")),
    ...texts.filter((text) => text.includes(":")),
  ];
  return ordered.map((text) => gateways.has(text) ? `${text} (the gateway)` : text).join(" and ");
}

async function describeRouter(
  neutron: VmApi,
  id: string,
  interfaces: string,
  signal: AbortSignal,
): Promise<string> {
  const [router] = await neutron.findRouters(id, signal);
  const name = router === undefined ? "a router that this login cannot see" : router.name;
  return `${name} (${id}, at ${interfaces})`;
}
