/** The calls to Neutron that the program makes (Networking API v2.0). */

import * as v from "valibot";
import { AnswerReader, fields, query } from "./answer_reader.ts";
import {
  type ExtraRoute,
  networkSchema,
  pairedPortSchema,
  type PeerPort,
  peerPortSchema,
  type Port,
  portSchema,
  quotaSchema,
  type Router,
  type RouterName,
  routerNameSchema,
  routerSchema,
  securityGroupRulesSchema,
  serverSchema,
  type Subnet,
  subnetSchema,
  taggedRouterSchema,
} from "./schemas.ts";
import type { NeutronCall, Session } from "./session.ts";

/** Who owns the port by which a router is on a subnet: plain, distributed and highly available routers. */
const routerInterfaceOwners = [
  "network:router_interface",
  "network:router_interface_distributed",
  "network:ha_router_replicated_interface",
];

const portFields = [
  "id",
  "network_id",
  "device_id",
  "device_owner",
  "fixed_ips",
  "mac_address",
  "revision_number",
  "port_security_enabled",
  "allowed_address_pairs",
  "security_groups",
];
const peerPortFields = ["id", "device_id", "device_owner", "status", "fixed_ips"];
const subnetFields = ["id", "network_id", "cidr", "gateway_ip"];
const routerFields = ["id", "name", "project_id", "revision_number", "routes"];

/** Addresses asked for in one call: keeps the URL well below the 8 KiB that proxies take. */
const addressesPerCall = 50;

/** Neutron, as far as the program needs it. Every method throws {@linkcode CloudError} if its call fails. */
export class Neutron {
  readonly #session: Session;
  readonly #answers: AnswerReader;

  constructor(session: Session) {
    this.#session = session;
    this.#answers = new AnswerReader(session);
  }

  /** Whether the login is for the whole cloud: a Neutron that enforces scopes shows it nothing, and refuses nothing. */
  get isForSystem(): boolean {
    return this.#session.isForSystem;
  }

  /** Ports by their ids; one that does not exist or is not visible is missing from the answer. */
  ports(ids: readonly string[], signal: AbortSignal): Promise<Port[]> {
    return this.#listPorts("read this VM's ports", ids.map((id) => ["id", id]), signal);
  }

  /** Ports of the networks by which routers are on them. */
  routerPorts(networkIds: readonly string[], signal: AbortSignal): Promise<Port[]> {
    const filters = [
      ...networkIds.map((id) => ["network_id", id]),
      ...routerInterfaceOwners.map((owner) => ["device_owner", owner]),
    ];
    return this.#listPorts("find the router of this VM's subnet", filters, signal);
  }

  /** All ports by which one router is on networks, its gateway included. */
  portsOfRouter(routerId: string, signal: AbortSignal): Promise<Port[]> {
    return this.#listPorts(`read the ports of router ${routerId}`, [["device_id", routerId]], signal);
  }

  /** Ports of the networks that have one of the addresses. */
  async portsWithAddresses(
    networkIds: readonly string[],
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<Port[]> {
    const found: Port[] = [];
    for (let start = 0; start < addresses.length; start += addressesPerCall) {
      const filters = [
        ...networkIds.map((id) => ["network_id", id]),
        ...addresses.slice(start, start + addressesPerCall).map((
          text,
        ) => ["fixed_ips", `ip_address=${text}`]),
      ];
      found.push(...await this.#listPorts("find the ports of gateways", filters, signal));
    }
    return found;
  }

  /** Ports of the networks that have one of the addresses, and how they stand. */
  async peerPorts(
    networkIds: readonly string[],
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<PeerPort[]> {
    if (addresses.length === 0) return [];
    const filters = [
      ...networkIds.map((id) => ["network_id", id]),
      ...addresses.map((text) => ["fixed_ips", `ip_address=${text}`]),
    ];
    const action = "find the ports of the peers";
    const parameters = [...filters, ...fields(peerPortFields)];
    return await this.#answers.list({ action, name: "ports", parameters, signal }, peerPortSchema);
  }

  /** Whether the login's project owns a network. Neutron shows a network's owner all ports on it. */
  async ownsNetwork(id: string, signal: AbortSignal): Promise<boolean> {
    const project = await this.#session.projectId(signal);
    const parameters = [["id", id], ...fields(["id", "project_id"])];
    const action = "find whose the network is";
    const found = await this.#answers.list({ action, name: "networks", parameters, signal }, networkSchema);
    return project !== null && found.some((network) => network.id === id && network.project_id === project);
  }

  /** The addresses, and prefixes, besides their own that the ports of a network may send from. */
  async pairedAddresses(networkId: string, signal: AbortSignal): Promise<string[]> {
    const action = "read the allowed address pairs of the network's ports";
    const parameters = [["network_id", networkId], ...fields(["id", "allowed_address_pairs"])];
    const ports = await this.#answers.list({ action, name: "ports", parameters, signal }, pairedPortSchema);
    return ports.flatMap((port) => port.allowed_address_pairs.map(({ ip_address: text }) => text));
  }

  /** How a server stands, by Nova. @throws {CloudError} `gone` if there is none, `invalid` if the cloud has no Nova. */
  async serverStatus(id: string, signal: AbortSignal): Promise<string> {
    const call = { action: `read server ${id}`, service: "compute", path: `servers/${id}`, signal } as const;
    return (await this.#answers.get(call, serverSchema)).server.status;
  }

  /** All subnets of the networks. */
  async subnets(networkIds: readonly string[], signal: AbortSignal): Promise<Subnet[]> {
    const filters = networkIds.map((id) => ["network_id", id]);
    const parameters = [...filters, ...fields(subnetFields)];
    const action = "read the network's subnets";
    return await this.#answers.list({ action, name: "subnets", parameters, signal }, subnetSchema);
  }

  /** Routers whose id or name is the given text. */
  async findRouters(idOrName: string, signal: AbortSignal): Promise<RouterName[]> {
    for (const key of ["id", "name"]) {
      const parameters = [[key, idOrName], ...fields(["id", "name"])];
      const action = `find router "${idOrName}"`;
      const routers = await this.#answers.list(
        { action, name: "routers", parameters, signal },
        routerNameSchema,
      );
      if (routers.length > 0) return routers;
    }
    return [];
  }

  /** Routers with a tag. A Neutron without tags would answer with all routers, so that each is asked for its own. */
  async routersWithTag(tag: string, signal: AbortSignal): Promise<RouterName[]> {
    const parameters = [["tags", tag], ...fields(["id", "name", "tags"])];
    const action = `find the routers with the tag ${tag}`;
    const routers = await this.#answers.list(
      { action, name: "routers", parameters, signal },
      taggedRouterSchema,
    );
    return routers.filter(({ tags }) => tags.includes(tag)).map(({ id, name }) => ({ id, name }));
  }

  /** A router with its routes. */
  async router(id: string, signal: AbortSignal): Promise<Router> {
    const path = `routers/${encodeURIComponent(id)}?${query(fields(routerFields))}`;
    const schema = v.object({ router: routerSchema });
    return (await this.#answers.get({ action: `read router ${id}`, path, signal }, schema)).router;
  }

  /**
   * Adds pairs in one atomic step; pairs that are there already stay. An empty list changes nothing.
   *
   * @param revision the revision at which the router must still be; null if it may be at any. Neutron looks at it only when
   * it has something to change: a list of pairs that are all there already is answered as if they had been added.
   * @throws {CloudError} `conflict` if the router has moved on.
   */
  addRoutes(
    routerId: string,
    routes: readonly ExtraRoute[],
    revision: number | null,
    signal: AbortSignal,
  ): Promise<Router> {
    const action = `add ${countOf(routes)} to router ${routerId}`;
    return this.#putRouter(action, `${routerId}/add_extraroutes`, routes, ifAt(revision), signal);
  }

  /** Removes pairs in one atomic step; pairs that are not there are passed over. */
  removeRoutes(routerId: string, routes: readonly ExtraRoute[], signal: AbortSignal): Promise<Router> {
    const action = `remove ${countOf(routes)} from router ${routerId}`;
    return this.#putRouter(action, `${routerId}/remove_extraroutes`, routes, {}, signal);
  }

  /**
   * Writes all pairs at once, if the router is still at the revision.
   *
   * @throws {CloudError} `conflict` if it is not.
   */
  setRoutes(
    routerId: string,
    routes: readonly ExtraRoute[],
    revision: number,
    signal: AbortSignal,
  ): Promise<Router> {
    const action = `write the routes of router ${routerId}`;
    return this.#putRouter(action, routerId, routes, ifAt(revision), signal);
  }

  /** How many extra routes a router of the project takes; null if Neutron does not tell, Infinity if as many as one likes. */
  async routeLimit(projectId: string, signal: AbortSignal): Promise<number | null> {
    const call = { action: "read the project's quota", path: `quotas/${projectId}`, signal };
    const limit = (await this.#answers.get(call, quotaSchema)).quota.router_route ?? null;
    return limit !== null && limit < 0 ? Infinity : limit;
  }

  /** Which of the security groups some rule names as its remote group. */
  async remoteGroups(groups: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const filters = groups.map((id) => ["remote_group_id", id]);
    const path = `security-group-rules?${query([...filters, ...fields(["id", "remote_group_id"])])}`;
    const call = { action: "read which rules name this VM's security groups", path, signal };
    const { security_group_rules: rules } = await this.#answers.get(call, securityGroupRulesSchema);
    return [...new Set(rules.map(({ remote_group_id: id }) => id))];
  }

  /** Aliases of the extensions that Neutron has. */
  async extensions(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const schema = v.object({ extensions: v.array(v.object({ alias: v.string() })) });
    const call = { action: "list Neutron's extensions", path: "extensions?fields=alias", signal };
    const { extensions } = await this.#answers.get(call, schema);
    return new Set(extensions.map(({ alias }) => alias));
  }

  /**
   * Lets a port send and receive packets of the given prefixes, besides those of its own addresses.
   *
   * @param revision the revision at which the port must still be; null if it may be at any.
   * @throws {CloudError} `conflict` if the port has moved on.
   */
  async setAddressPairs(
    portId: string,
    pairs: Port["allowed_address_pairs"],
    revision: number | null,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#session.call({
      action: `set the allowed address pairs of port ${portId}`,
      method: "PUT",
      path: `ports/${portId}`,
      headers: ifAt(revision),
      body: { port: { allowed_address_pairs: pairs } },
      signal,
    });
  }

  async #listPorts(action: string, filters: readonly string[][], signal: AbortSignal): Promise<Port[]> {
    const parameters = [...filters, ...fields(portFields)];
    return await this.#answers.list({ action, name: "ports", parameters, signal }, portSchema);
  }

  async #putRouter(
    action: string,
    path: string,
    routes: readonly ExtraRoute[],
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Router> {
    const body = { router: { routes } };
    const call: NeutronCall = { action, method: "PUT", path: `routers/${path}`, headers, body, signal };
    return (await this.#answers.get(call, v.object({ router: routerSchema }))).router;
  }
}

/** The header that makes a call conditional on a revision. */
function ifAt(revision: number | null): Record<string, string> {
  return revision === null ? {} : { "if-match": `revision_number=${revision}` };
}

function countOf(routes: readonly ExtraRoute[]): string {
  const [first, ...others] = routes;
  if (first === undefined) return "no route";
  return others.length === 0 ? `${first.destination} via ${first.nexthop}` : `${routes.length} routes`;
}
