/**
 * The real Keystone and Neutron with a project in them, behind a {@linkcode FaultProxy}: what the OpenStack tests and
 * demonstrations work against. Start-up takes about 10 s, the first time 20 s more for the databases, which are then kept
 * as a template.
 *
 * The project has a network `net` (10.0.0.0/24 and fd00:10::/64) with a router `r1`, the port of "this VM" (10.0.0.20,
 * fd00:10::20) and that of a neighbour (10.0.0.30, fd00:10::30).
 */

import { exists } from "../files.ts";
import { fileMissing } from "../../needs.ts";
import { AdminClient, type Json, type ServerUrls } from "./admin.ts";
import { type Backend, FaultProxy } from "./proxy.ts";
import type { Namespace } from "../../system/namespace.ts";

const repository = new URL("../../../", import.meta.url).pathname;
const cache = `${Deno.env.get("CLOUDROUTESYNC_TEST_CACHE") ?? `${repository}.cache`}/openstack`;
const python = `${cache}/venv/bin/python`;
const servers = `${repository}tests/fakes/openstack/servers.py`;
const adminLogin = { user: "admin", password: "secret", project: "admin" };

/** Why the rig cannot start here, or null if it can. */
export function openstackMissing(): string | null {
  return fileMissing(`${cache}/installed`, "Keystone with Neutron", "run .ci/install/openstack.sh");
}

/** One extra route as Neutron stores it. */
export interface ExtraRoute {
  readonly destination: string;
  readonly nexthop: string;
}

/** Ids of what the rig made. */
export interface RigIds {
  readonly project: string;
  readonly user: string;
  readonly network: string;
  readonly subnet4: string;
  readonly subnet6: string;
  readonly router: string;
  readonly port: string;
  readonly neighbour: string;
}

/** An application credential of the rig's user. */
export interface ApplicationCredential {
  readonly id: string;
  readonly secret: string;
}

/** A process of the rig, that ends with us even if we are killed. */
class Server {
  readonly #child: Deno.ChildProcess;

  constructor(args: readonly string[], log: string) {
    this.#child = new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" 2>>${log}`, python, servers, ...args],
      stdin: "piped",
      stdout: "null",
    }).spawn();
  }

  get pid(): number {
    return this.#child.pid;
  }

  async stop(): Promise<void> {
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }
}

/** The running servers. Dispose of it to stop them. */
export class OpenstackRig implements AsyncDisposable {
  readonly proxy: FaultProxy;
  /** Calls that neither pass the proxy nor appear in its log. */
  readonly admin: AdminClient;
  /** As {@linkcode admin}, but as the user `alice`, a plain member of the project. */
  readonly member: AdminClient;
  readonly ids: RigIds;
  /** Without access rules. */
  readonly credential: ApplicationCredential;
  readonly folder: string;
  /** By id what Nova says of servers; those that are not in it are `ACTIVE`. */
  readonly serverStatuses: Map<string, string>;
  readonly #ports: { readonly keystone: number; readonly neutron: number };
  readonly #keystone: Server;
  #neutron: Server | null;
  #quota: number | null = null;

  constructor(parts: {
    readonly proxy: FaultProxy;
    readonly admin: AdminClient;
    readonly member: AdminClient;
    readonly ids: RigIds;
    readonly credential: ApplicationCredential;
    readonly folder: string;
    readonly ports: { readonly keystone: number; readonly neutron: number };
    readonly keystone: Server;
    readonly neutron: Server;
    readonly serverStatuses: Map<string, string>;
  }) {
    this.proxy = parts.proxy;
    this.admin = parts.admin;
    this.member = parts.member;
    this.ids = parts.ids;
    this.credential = parts.credential;
    this.folder = parts.folder;
    this.#ports = parts.ports;
    this.#keystone = parts.keystone;
    this.serverStatuses = parts.serverStatuses;
    this.#neutron = parts.neutron;
  }

  /** Variables that let the program log in by application credential and find the metadata service. */
  environment(credential: ApplicationCredential = this.credential): Record<string, string> {
    return {
      OS_AUTH_TYPE: "v3applicationcredential",
      OS_AUTH_URL: `${this.proxy.url}/identity/v3`,
      OS_APPLICATION_CREDENTIAL_ID: credential.id,
      OS_APPLICATION_CREDENTIAL_SECRET: credential.secret,
      OS_REGION_NAME: "RegionOne",
      CLOUDROUTESYNC_IMDS_ENDPOINT: this.proxy.url,
    };
  }

  /** Another application credential of the same user, limited to the rules. */
  async restrictedCredential(name: string, accessRules: readonly unknown[]): Promise<ApplicationCredential> {
    return await createCredential(this.member, name, { access_rules: accessRules });
  }

  /** The router's extra routes, sorted. */
  async routes(): Promise<ExtraRoute[]> {
    const { router } = await this.admin.neutron("GET", `routers/${this.ids.router}`) as {
      router: { routes: ExtraRoute[] };
    };
    return router.routes.toSorted((left, right) => pairText(left) < pairText(right) ? -1 : 1);
  }

  /** The router's extra routes as `DESTINATION via NEXTHOP`, sorted. */
  async routeTexts(): Promise<string[]> {
    return (await this.routes()).map(pairText);
  }

  /** Writes the router's extra routes whole, as an operator with another tool does. */
  async setRoutes(routes: readonly ExtraRoute[]): Promise<void> {
    await this.admin.neutron("PUT", `routers/${this.ids.router}`, { router: { routes } });
  }

  /** Adds extra routes, as an operator with another tool does. */
  async addRoutes(routes: readonly ExtraRoute[]): Promise<void> {
    await this.admin.neutron("PUT", `routers/${this.ids.router}/add_extraroutes`, { router: { routes } });
  }

  /** Sets how many extra routes a router of the project takes. */
  async setRouteQuota(limit: number): Promise<void> {
    this.#quota = limit;
    await this.admin.neutron("PUT", `quotas/${this.ids.project}`, { quota: { router_route: limit } });
  }

  /** Revokes the token that was last seen at the proxy. */
  async revokeToken(): Promise<void> {
    await this.admin.revoke(this.proxy.lastToken ?? "");
  }

  /** Back to an empty router, a quota of 30, no faults and an empty log. Writes what is not so: a write takes Neutron long. */
  async reset(): Promise<void> {
    if (this.#quota !== 30) await this.setRouteQuota(30);
    if ((await this.routes()).length > 0) await this.setRoutes([]);
    this.proxy.clear();
  }

  /** Stops Neutron; the proxy then answers 503, as a load balancer does. */
  async stopNeutron(): Promise<void> {
    await this.#neutron?.stop();
    this.#neutron = null;
  }

  /** Starts Neutron again and waits until it serves. */
  async startNeutron(): Promise<void> {
    this.#neutron ??= startNeutron(this.folder, this.#ports);
    await untilServing(`http://127.0.0.1:${this.#ports.neutron}/`);
  }

  /** Makes the proxy reachable inside a namespace, by the same URL; dispose of the answer to end it. */
  async relayInto(namespace: Namespace): Promise<AsyncDisposable> {
    const relay = new URL("../relay.ts", import.meta.url).pathname;
    const child = namespace.spawn(
      [Deno.execPath(), "run", "-A", relay, `${this.proxy.port}`, this.proxy.socketPath],
      { stdin: "null", stdout: "null", stderr: "inherit" },
    );
    const probe = `exec 3<>/dev/tcp/127.0.0.1/${this.proxy.port}`;
    while ((await namespace.run(["bash", "-c", probe])).code !== 0) await pause(50);
    return {
      async [Symbol.asyncDispose](): Promise<void> {
        child.kill("SIGTERM");
        await child.status;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#neutron?.stop(), this.#keystone.stop()]);
    await this.proxy[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Starts the servers on free ports of loopback and sets up the project. */
export async function startOpenstack(): Promise<OpenstackRig> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-openstack-" });
  await copyTemplate(folder);
  const ports = { keystone: freePort(), neutron: freePort() };
  const urls = {
    keystone: `http://127.0.0.1:${ports.keystone}/v3`,
    neutron: `http://127.0.0.1:${ports.neutron}`,
  };
  const keystone = new Server(["keystone", folder, `${ports.keystone}`], `${folder}/keystone.err`);
  const neutron = startNeutron(folder, ports);
  const metadata: { document: Record<string, unknown> } = { document: {} };
  const serverStatuses = new Map<string, string>();
  const proxy = new FaultProxy(
    new Map<string, Backend>([
      ["identity", `http://127.0.0.1:${ports.keystone}`],
      ["network", urls.neutron],
      ["openstack", (request: Request) => answerMetadata(request, metadata.document)],
      ["compute", (request: Request) => answerServer(request, serverStatuses)],
    ]),
    `${folder}/proxy.sock`,
  );
  await untilServing(urls.keystone);
  const admin = await AdminClient.open(urls, adminLogin);
  await registerEndpoints(admin, proxy.url, urls);
  const project = await makeProject(admin);
  await untilServing(urls.neutron);
  const member = await AdminClient.open(urls, { user: "alice", password: "secret", project: "demo" });
  const ids = { ...project, ...await makeNetwork(member) };
  metadata.document = metadataOf(ids);
  const credential = await createCredential(member, "router", {});
  return new OpenstackRig({
    proxy,
    admin,
    member,
    ids,
    credential,
    folder,
    ports,
    keystone,
    neutron,
    serverStatuses,
  });
}

function startNeutron(
  folder: string,
  ports: { readonly keystone: number; readonly neutron: number },
): Server {
  const keystone = `http://127.0.0.1:${ports.keystone}/v3`;
  return new Server(["neutron", folder, `${ports.neutron}`, keystone], `${folder}/neutron.err`);
}

/** Databases and keys, made once and copied for each run. */
async function copyTemplate(folder: string): Promise<void> {
  const template = `${cache}/template`;
  if (!await exists(template)) {
    const draft = await Deno.makeTempDir({ dir: cache, prefix: "template-" });
    await run([python, servers, "prepare", draft]);
    // Another run may have been quicker; its template is as good.
    await Deno.rename(draft, template).catch(() => Deno.remove(draft, { recursive: true }));
  }
  await run(["cp", "-r", `${template}/.`, folder]);
}

/** Public endpoints lead through the proxy, internal ones (which Neutron itself uses) past it. */
async function registerEndpoints(admin: AdminClient, proxyUrl: string, urls: ServerUrls): Promise<void> {
  const services = [
    { type: "identity", publicUrl: `${proxyUrl}/identity/v3`, internalUrl: urls.keystone },
    { type: "network", publicUrl: `${proxyUrl}/network`, internalUrl: urls.neutron },
    { type: "compute", publicUrl: `${proxyUrl}/compute/v2.1`, internalUrl: `${proxyUrl}/compute/v2.1` },
  ];
  for (const { type, publicUrl, internalUrl } of services) {
    const service = await admin.create("keystone", "services", "service", { type, name: type });
    for (const [side, url] of [["public", publicUrl], ["internal", internalUrl]]) {
      const values = { service_id: service.id, interface: side, url, region_id: "RegionOne" };
      await admin.create("keystone", "endpoints", "endpoint", values);
    }
  }
}

async function makeProject(admin: AdminClient): Promise<{ project: string; user: string }> {
  const project = await admin.create("keystone", "projects", "project", {
    name: "demo",
    domain_id: "default",
  });
  const user = await admin.create("keystone", "users", "user", {
    name: "alice",
    password: "secret",
    domain_id: "default",
  });
  const { roles } = await admin.keystone("GET", "roles?name=member") as { roles: { id: string }[] };
  await admin.keystone("PUT", `projects/${project.id}/users/${user.id}/roles/${roles[0]?.id}`);
  return { project: project.id, user: user.id };
}

async function makeNetwork(member: AdminClient): Promise<Omit<RigIds, "project" | "user">> {
  const make = (path: string, noun: string, values: Json): Promise<Json & { id: string }> =>
    member.create("neutron", path, noun, values);
  const network = (await make("networks", "network", { name: "net" })).id;
  const subnet = async (ipVersion: number, cidr: string): Promise<string> =>
    (await make("subnets", "subnet", { network_id: network, ip_version: ipVersion, cidr })).id;
  const subnet4 = await subnet(4, "10.0.0.0/24");
  const subnet6 = await subnet(6, "fd00:10::/64");
  const router = (await make("routers", "router", { name: "r1" })).id;
  for (const id of [subnet4, subnet6]) {
    await member.neutron("PUT", `routers/${router}/add_router_interface`, { subnet_id: id });
  }
  const port = async (name: string, host: number, more: Json = {}): Promise<string> => {
    const fixed = [{ subnet_id: subnet4, ip_address: `10.0.0.${host}` }, {
      subnet_id: subnet6,
      ip_address: `fd00:10::${host}`,
    }];
    return (await make("ports", "port", { name, network_id: network, fixed_ips: fixed, ...more })).id;
  };
  const ids = {
    network,
    subnet4,
    subnet6,
    router,
    port: await port("vm", 20),
    neighbour: await port("peer", 30, { device_id: peerServer, device_owner: "compute:nova" }),
  };
  await letMembersIn(member);
  return ids;
}

/** The rules of a default group by which its members reach one another. Neutron's migrations make them, which SQLite does without. */
async function letMembersIn(member: AdminClient): Promise<void> {
  const { security_groups: [group] } = await member.neutron("GET", "security-groups?name=default") as {
    security_groups: { id: string }[];
  };
  for (const ethertype of ["IPv4", "IPv6"]) {
    const values = {
      direction: "ingress",
      ethertype,
      security_group_id: group?.id,
      remote_group_id: group?.id,
    };
    await member.create("neutron", "security-group-rules", "security_group_rule", values);
  }
}

async function createCredential(
  member: AdminClient,
  name: string,
  extra: Json,
): Promise<ApplicationCredential> {
  const path = `users/${member.userId}/application_credentials`;
  const made = await member.create("keystone", path, "application_credential", { name, ...extra });
  return { id: made.id, secret: `${made.secret}` };
}

/** A server of the rig's network, as its metadata service tells it. */
export interface RigServer {
  readonly uuid: string;
  readonly name: string;
  readonly port: string;
  /** Its address is 10.0.0.HOST. */
  readonly host: number;
}

/** "This VM". */
export const ownServer = "83679162-1378-4288-a2d4-70e13ec132aa";

/** What Nova's metadata service serves, as far as the program reads it. */
export function metadataOf(
  ids: RigIds,
  { uuid, name, port, host }: RigServer = { uuid: ownServer, name: "vm", port: ids.port, host: 20 },
): Record<string, unknown> {
  return {
    "/openstack/latest/meta_data.json": {
      uuid,
      name,
      hostname: `${name}.novalocal`,
      project_id: ids.project,
    },
    "/openstack/latest/network_data.json": {
      links: [{
        id: `tap${port.slice(0, 11)}`,
        vif_id: port,
        type: "ovs",
        ethernet_mac_address: `fa:16:3e:00:00:${host}`,
        mtu: 1500,
      }],
      networks: [{
        id: "network0",
        type: "ipv4",
        link: `tap${port.slice(0, 11)}`,
        ip_address: `10.0.0.${host}`,
        netmask: "255.255.255.0",
        network_id: ids.network,
        routes: [{ network: "0.0.0.0", netmask: "0.0.0.0", gateway: "10.0.0.1" }],
      }],
      services: [],
    },
  };
}

/** The server of the neighbour's port. */
export const peerServer = "5f0e52f0-3d1c-4a0a-8d5e-2f6a3c0f7c11";

/** As much of Nova as the program asks for: `GET /servers/{id}` (Compute API, "Show Server Details"). */
function answerServer({ method, url }: Request, statuses: ReadonlyMap<string, string>): Response {
  const id = /\/servers\/([^/]+)$/.exec(new URL(url).pathname)?.[1];
  if (method !== "GET" || id === undefined) return new Response("404 Not Found", { status: 404 });
  return Response.json({ server: { id, status: statuses.get(id) ?? "ACTIVE" } });
}

/** Answers as the metadata service. */
export function answerMetadata(request: Request, document: Record<string, unknown>): Response {
  const found = document[new URL(request.url).pathname];
  return found === undefined ? new Response("404 Not Found", { status: 404 }) : Response.json(found);
}

/** `DESTINATION via NEXTHOP`. */
export function pairText(route: ExtraRoute): string {
  return `${route.destination} via ${route.nexthop}`;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilServing(url: string): Promise<void> {
  const deadline = Date.now() + 180_000;
  for (;;) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch (cause) {
      if (Date.now() > deadline) throw new Error(`Cannot reach ${url} after 180 s`, { cause });
      await pause(100);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

async function run(args: readonly string[]): Promise<void> {
  const [program = "", ...rest] = args;
  const { code, stderr } = await new Deno.Command(program, { args: rest, stdout: "null", stderr: "piped" })
    .output();
  if (code !== 0) {
    throw new Error(`"${args.join(" ")}" ended with ${code}: ${new TextDecoder().decode(stderr)}`);
  }
}
