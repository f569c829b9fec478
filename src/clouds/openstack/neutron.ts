/** The calls to Neutron that the program makes (Networking API v2.0), each answer checked before it is believed. */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import type { NeutronCall, Session } from "./session.ts";

const fixedIpSchema = v.object({ subnet_id: v.string(), ip_address: v.string() });

const portSchema = v.object({
  id: v.string(),
  network_id: v.string(),
  device_id: v.string(),
  device_owner: v.string(),
  fixed_ips: v.array(fixedIpSchema),
  /** Absent where the extension `standard-attr-revisions` is. */
  revision_number: v.optional(v.number()),
  /** Absent where the extension `port-security` is. */
  port_security_enabled: v.optional(v.boolean()),
  allowed_address_pairs: v.optional(v.array(v.looseObject({ ip_address: v.string() })), []),
});

const subnetSchema = v.object({
  id: v.string(),
  network_id: v.string(),
  cidr: v.string(),
  gateway_ip: v.optional(v.nullable(v.string()), null),
});

const routeSchema = v.object({ destination: v.string(), nexthop: v.string() });

const routerSchema = v.object({
  id: v.string(),
  name: v.string(),
  project_id: v.string(),
  /** Absent where the extension `standard-attr-revisions` is. */
  revision_number: v.optional(v.number()),
  routes: v.array(routeSchema),
});

/** Only what names a router: a listing of routers need not carry their routes. */
const routerNameSchema = v.object({ id: v.string(), name: v.string() });

/** `-1` stands for no limit. */
const quotaSchema = v.object({
  quota: v.object({ router_route: v.optional(v.pipe(v.number(), v.integer())) }),
});

/** A port: an address or several on one network. */
export type Port = v.InferOutput<typeof portSchema>;
/** A subnet of a network. */
export type Subnet = v.InferOutput<typeof subnetSchema>;
/** A router with its extra routes. */
export type Router = v.InferOutput<typeof routerSchema>;
/** A router's id and name. */
export type RouterName = v.InferOutput<typeof routerNameSchema>;
/** One extra route: Neutron keeps pairs of destination and next hop, each text as it was sent. */
export type ExtraRoute = v.InferOutput<typeof routeSchema>;

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
  "revision_number",
  "port_security_enabled",
  "allowed_address_pairs",
];
const subnetFields = ["id", "network_id", "cidr", "gateway_ip"];
const routerFields = ["id", "name", "project_id", "revision_number", "routes"];

/** Addresses asked for in one call: keeps the URL well below the 8 KiB that proxies take. */
const addressesPerCall = 50;

/** Neutron, as far as the program needs it. Every method throws {@linkcode CloudError} if its call fails. */
export class Neutron {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
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

  /** All subnets of the networks. */
  async subnets(networkIds: readonly string[], signal: AbortSignal): Promise<Subnet[]> {
    const filters = networkIds.map((id) => ["network_id", id]);
    const path = `subnets?${query([...filters, ...fields(subnetFields)])}`;
    const schema = v.object({ subnets: v.array(subnetSchema) });
    return (await this.#get({ action: "read the network's subnets", path, signal }, schema)).subnets;
  }

  /** Routers whose id or name is the given text. */
  async findRouters(idOrName: string, signal: AbortSignal): Promise<RouterName[]> {
    const schema = v.object({ routers: v.array(routerNameSchema) });
    for (const key of ["id", "name"]) {
      const path = `routers?${query([[key, idOrName], ...fields(["id", "name"])])}`;
      const { routers } = await this.#get({ action: `find router "${idOrName}"`, path, signal }, schema);
      if (routers.length > 0) return routers;
    }
    return [];
  }

  /** A router with its routes. */
  async router(id: string, signal: AbortSignal): Promise<Router> {
    const path = `routers/${encodeURIComponent(id)}?${query(fields(routerFields))}`;
    const schema = v.object({ router: routerSchema });
    return (await this.#get({ action: `read router ${id}`, path, signal }, schema)).router;
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
    const limit = (await this.#get(call, quotaSchema)).quota.router_route ?? null;
    return limit !== null && limit < 0 ? Infinity : limit;
  }

  /** Aliases of the extensions that Neutron has. */
  async extensions(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const schema = v.object({ extensions: v.array(v.object({ alias: v.string() })) });
    const call = { action: "list Neutron's extensions", path: "extensions?fields=alias", signal };
    const { extensions } = await this.#get(call, schema);
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
    const path = `ports?${query([...filters, ...fields(portFields)])}`;
    return (await this.#get({ action, path, signal }, v.object({ ports: v.array(portSchema) }))).ports;
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
    return (await this.#get(call, v.object({ router: routerSchema }))).router;
  }

  async #get<Schema extends v.GenericSchema>(
    call: NeutronCall,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    const { body, status } = await this.#session.call(call);
    const result = v.safeParse(schema, body);
    if (result.success) return result.output;
    const where = result.issues.map((issue) => `${v.getDotPath(issue) ?? "answer"}: ${issue.message}`).join(
      "; ",
    );
    throw new CloudError("invalid", `Cannot ${call.action}: Neutron's answer makes no sense: ${where}`, {
      status,
    });
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

function fields(names: readonly string[]): string[][] {
  return names.map((name) => ["fields", name]);
}

function query(pairs: readonly (readonly string[])[]): string {
  return pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
}
