/**
 * A small Google Cloud to test against: one network of two subnets, three VMs, a project (or two, with Shared
 * VPC), the fake API and the metadata server of `router-a`. Reachable on loopback, and from inside a network
 * namespace by {@linkcode GcpRig.relayInto}.
 */

import type { AnyCloudOptions } from "../cloud_options.ts";
import { cloudOptions } from "../cloud_options.ts";
import type { Namespace } from "../../system/namespace.ts";
import { FakeCompute } from "./compute.ts";
import { FakeMetadata } from "./metadata.ts";
import type { FakeInstance, FakeNetwork, FakeProject, FakeRoute } from "./world.ts";
import { urlOf } from "./world.ts";

/** How the rig is to be. */
export interface GcpRigOptions {
  /** The network belongs to project `host`, the VMs to `prod`. */
  readonly sharedVpc?: boolean;
  /** From a request to its operation's end, in milliseconds; 0 unless told. */
  readonly operationMs?: number;
  /** Entries a page of a list; 500 unless told. */
  readonly pageSize?: number;
}

/** Addresses of `router-a`, which the program runs on, and of its neighbours. */
export const addresses = {
  router: "10.0.0.2",
  routerIpv6: "fd20:0:0:1::2",
  neighbour: "10.0.0.3",
  neighbourIpv6: "fd20:0:0:1::3",
  client: "10.0.0.4",
  /** A router in another region of the network. */
  elsewhere: "10.1.0.5",
  /** Of an alias range, and an internal load balancer: no next hop that `nextHopIp` takes. */
  alias: "10.64.0.9",
  loadBalancer: "10.0.0.100",
  gateway: "10.0.0.1",
} as const;

/** The rig. */
export class GcpRig implements AsyncDisposable {
  readonly compute = new FakeCompute();
  readonly metadata: FakeMetadata;
  /** The metadata server of `router-b`. */
  readonly metadataOfB: FakeMetadata;
  /** The project of the network and its routes. */
  readonly project: FakeProject;
  /** What the program needs in its environment to find the rig. */
  readonly environment: Readonly<Record<string, string>>;
  /** The same on `router-b`. */
  readonly environmentOfB: Readonly<Record<string, string>>;
  readonly #servers: readonly Deno.HttpServer[];
  readonly #ports: readonly { readonly port: number; readonly socket: string }[];
  readonly #folder: string;

  private constructor(options: GcpRigOptions) {
    this.project = this.compute.project(options.sharedVpc === true ? "host" : "prod");
    this.compute.operations.delayMs = options.operationMs ?? 0;
    this.compute.pageSize = options.pageSize ?? 500;
    const instance = furnish(this.compute, this.project);
    this.metadata = new FakeMetadata("prod", instance);
    const second = this.compute.project("prod").instances.find(({ name }) => name === "router-b");
    this.metadataOfB = new FakeMetadata("prod", second ?? instance);
    this.compute.tokens.add("ya29.first");
    this.compute.scopes = () => this.metadata.scopes;
    this.#folder = Deno.makeTempDirSync({ prefix: "cloudroutesync-gcp-" });
    const handlers = [this.compute.handle, this.metadata.handle, this.metadataOfB.handle];
    const servers = handlers.map((handler, index) => serve(handler, `${this.#folder}/${index}.sock`));
    this.#servers = servers.flatMap(({ tcp, unix }) => [tcp, unix]);
    this.#ports = servers.map(({ tcp, socket }) => ({ port: tcp.addr.port, socket }));
    const [api, metadata, metadataOfB] = this.#ports;
    this.environment = {
      CLOUDROUTESYNC_GCP_ENDPOINT: `http://127.0.0.1:${api?.port}`,
      GCE_METADATA_HOST: `127.0.0.1:${metadata?.port}`,
    };
    this.environmentOfB = { ...this.environment, GCE_METADATA_HOST: `127.0.0.1:${metadataOfB?.port}` };
  }

  /** Starts the rig. */
  static start(options: GcpRigOptions = {}): GcpRig {
    return new GcpRig(options);
  }

  /** The network that the program's VM is in. */
  get net(): FakeNetwork {
    const net = this.project.networks.get("net");
    if (net === undefined) throw new Error("The rig has no network net any more");
    return net;
  }

  /** Short URL of the network, which is the id of its table. */
  get network(): string {
    return `projects/${this.project.id}/global/networks/net`;
  }

  /** Options to open the cloud with. */
  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    return cloudOptions({
      owner: "edge",
      families: [4, 6],
      gcpEndpoint: this.environment.CLOUDROUTESYNC_GCP_ENDPOINT ?? null,
      environment: (name) => this.environment[name],
      ...changed,
    });
  }

  /** Routes that are neither the cloud's own nor the default one. */
  get routes(): readonly FakeRoute[] {
    return [...this.project.routes.values()].filter(({ name }) => !name.startsWith("default-route-"));
  }

  /** What the routes come to, for comparisons: `10.1.0.0/16 router-a`, sorted. */
  get summary(): readonly string[] {
    return this.routes.map(({ destRange, nextHopInstance, nextHopIp, nextHopIlb }) =>
      `${destRange} ${(nextHopInstance ?? nextHopIp ?? nextHopIlb ?? "").replace(/^.*\//, "")}`
    ).sort();
  }

  /** Says how a VM stands: `RUNNING`, `TERMINATED`, … */
  setStatus(name: string, status: string): void {
    const instance = this.compute.project("prod").instances.find((each) => each.name === name);
    if (instance === undefined) throw new Error(`The rig has no instance ${name}`);
    instance.status = status;
  }

  /** A second interface for the VM that the program runs on, in network `other`. */
  addInterface(): void {
    const leg = { subnetProject: this.project.id, subnet: "south", networkIP: "172.20.0.2" };
    Object.assign(this.metadata.instance, { interfaces: [...this.metadata.instance.interfaces, leg] });
  }

  /** A VM comes. */
  addInstance(name: string, networkIP: string): void {
    const interfaces = [{ subnetProject: this.project.id, subnet: "west", networkIP }];
    this.compute.project("prod").instances.push({
      name,
      zone: "europe-west1-b",
      canIpForward: true,
      interfaces,
    });
  }

  /** And goes. */
  removeInstance(name: string): void {
    const { instances } = this.compute.project("prod");
    instances.splice(instances.findIndex((each) => each.name === name), 1);
  }

  /** An operator's own static route. */
  addForeign(name: string, destRange: string, changed: Partial<FakeRoute> = {}): void {
    const network = urlOf(this.network);
    const nextHopIp = addresses.client;
    this.project.routes.set(name, {
      name,
      network,
      destRange,
      priority: 1000,
      nextHopIp,
      routeType: "STATIC",
      ...changed,
    });
  }

  /** Makes the rig reachable inside a namespace, at the same addresses as outside. */
  async relayInto(namespace: Namespace): Promise<AsyncDisposable> {
    const relay = new URL("../relay.ts", import.meta.url).pathname;
    const children = this.#ports.map(({ port, socket }) =>
      namespace.spawn([Deno.execPath(), "run", "-A", relay, `${port}`, socket], {
        stdout: "null",
        stderr: "null",
      })
    );
    for (const { port } of this.#ports) await untilListening(namespace, port);
    return {
      [Symbol.asyncDispose]: async (): Promise<void> => {
        for (const child of children) child.kill("SIGKILL");
        await Promise.all(children.map((child) => child.status));
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.compute.stop();
    await Promise.all(this.#servers.map((server) => server.shutdown()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Furnishes the projects. @returns the VM that the program runs on. */
function furnish(compute: FakeCompute, project: FakeProject): FakeInstance {
  project.addNetwork("net", [
    {
      name: "west",
      region: "europe-west1",
      ipCidrRange: "10.0.0.0/24",
      gatewayAddress: addresses.gateway,
      internalIpv6Prefix: "fd20:0:0:1::/64",
      secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.64.0.0/16" }],
    },
    { name: "east", region: "us-east1", ipCidrRange: "10.1.0.0/24", gatewayAddress: "10.1.0.1" },
  ]);
  project.addNetwork("other", [
    { name: "south", region: "europe-west1", ipCidrRange: "172.20.0.0/24", gatewayAddress: "172.20.0.1" },
  ]);
  const vm = (name: string, networkIP: string, ipv6Address?: string): FakeInstance => ({
    name,
    zone: "europe-west1-b",
    canIpForward: true,
    interfaces: [{
      subnetProject: project.id,
      subnet: "west",
      networkIP,
      ...(ipv6Address === undefined ? {} : { ipv6Address }),
    }],
  });
  const router = vm("router-a", addresses.router, addresses.routerIpv6);
  compute.project("prod").instances.push(
    router,
    vm("router-b", addresses.neighbour, addresses.neighbourIpv6),
    vm("client", addresses.client),
    {
      name: "router-east",
      zone: "us-east1-b",
      canIpForward: true,
      interfaces: [{ subnetProject: project.id, subnet: "east", networkIP: addresses.elsewhere }],
    },
  );
  project.forwardingRules.push(
    { name: "routers", region: "europe-west1", network: "net", IPAddress: addresses.loadBalancer },
  );
  return router;
}

function serve(
  handler: (request: Request) => Response | Promise<Response>,
  socket: string,
): { readonly tcp: Deno.HttpServer<Deno.NetAddr>; readonly unix: Deno.HttpServer; readonly socket: string } {
  const quiet = (): void => {};
  const tcp = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: quiet }, handler);
  const unix = Deno.serve({ path: socket, onListen: quiet }, handler);
  return { tcp, unix, socket };
}

async function untilListening(namespace: Namespace, port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { code } = await namespace.run(["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port}`]);
    if (code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Cannot reach the rig in the namespace: nothing listens at port ${port}`);
}
