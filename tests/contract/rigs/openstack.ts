/** OpenStack's row: the real Keystone and Neutron behind the proxy. */

import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { closedPort } from "../../fakes/closed_port.ts";
import { Door } from "../../fakes/door.ts";
import { passedHeader } from "../../fakes/tap.ts";
import { openstackOptions } from "../../fakes/openstack/options.ts";
import {
  openstackMissing,
  type OpenstackRig,
  peerServer,
  startOpenstack,
} from "../../fakes/openstack/rig.ts";
import { add } from "../helpers.ts";
import { HttpTraffic, pathEnds } from "../http_traffic.ts";
import { cameBy, metadataBehind } from "../metadata_door.ts";
import { becauseOfLookUp, withoutOwnTable, withoutReadingAhead } from "../exceptions.ts";
import type {
  ContractRig,
  ContractRow,
  FaultCall,
  MetadataControl,
  Neighbours,
  Refusal,
  SecondInterface,
} from "../rig.ts";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { wire } from "../wires/openstack.ts";

const self = { 4: "10.0.0.20", 6: "fd00:10::20" } as const;
const absent = "10.0.0.99";

class OpenstackContractRig implements ContractRig {
  readonly self = self;
  readonly refused = { change: add("198.51.99.0/24", "192.0.2.99"), kind: "invalid" } as const;
  readonly manyRoutes = 20;
  readonly traffic: HttpTraffic;
  readonly neighbours: Neighbours = {
    standing: {
      4: { address: "10.0.0.30", id: "10.0.0.30" },
      6: { address: "fd00:10::30", id: "fd00:10::30" },
    },
    absent,
    add: async () => {
      const { network, subnet4 } = this.#rig.ids;
      const fixed = [{ subnet_id: subnet4, ip_address: absent }];
      const device = { device_id: "b1a7cd9c-0d5f-4d8c-9f1e-7a0a4f6f2f10", device_owner: "compute:nova" };
      const values = { name: "late", network_id: network, fixed_ips: fixed, ...device };
      this.#late = (await this.#rig.member.create("neutron", "ports", "port", values)).id;
      this.#lastLate = this.#late;
      return absent;
    },
    remove: () => this.#removeLate(),
    stop: () => {
      this.#rig.serverStatuses.set(peerServer, "SHUTOFF");
      return Promise.resolve(`server ${peerServer} is SHUTOFF`);
    },
    start: () => Promise.resolve(void this.#rig.serverStatuses.delete(peerServer)),
    obscure: () => Promise.resolve(void this.#rig.serverStatuses.set(peerServer, "REBUILD")),
    goneCause: () => `port ${this.#lastLate} does not exist any more`,
    addOdd: () => {
      this.#rig.proxy.tap.change(wire.request.resolve, withOddPort);
      return Promise.resolve();
    },
    pageByOne: () => {
      // As with `pagination_max_limit = 1` in neutron.conf: Neutron itself makes the pages and the links to the next.
      const tap = this.#rig.proxy.tap;
      tap.answer(({ method, url }) => method === "GET" && url.pathname.endsWith("/ports"), async (seen) => {
        const url = new URL(seen.url);
        url.searchParams.set("limit", "1");
        const headers = new Headers(seen.headers);
        headers.set(passedHeader, "1");
        headers.delete("host");
        return await fetch(url, { headers });
      });
    },
    ofOtherFamily: () => ({ gateway: "fd00:10::30", id: "10.0.0.30" }),
  };
  readonly missingTable = "nowhere";
  readonly #rig: OpenstackRig;
  readonly #door: Door;
  /** Whether routes or the quota may differ from what the stage begins with: to put them back takes Neutron long. */
  #isChanged = true;
  #late: string | null = null;
  #lastLate: string | null = null;
  /** Ids of routers that a case has made. */
  readonly #lateRouters: string[] = [];
  /** Id of this VM's second port. */
  #second: string | null = null;

  constructor(rig: OpenstackRig) {
    this.#rig = rig;
    this.#door = new Door(rig.proxy.url, rig.proxy.tap);
    this.traffic = new HttpTraffic(rig.proxy.tap, wire);
  }

  get metadata(): MetadataControl {
    return metadataBehind(this.#door, this.#rig.proxy.tap, cameBy(this.#door));
  }

  async reset(): Promise<void> {
    this.#rig.proxy.tap.clear();
    this.#door.open();
    await this.#removeLate();
    this.#rig.serverStatuses.clear();
    await this.#removeRouters();
    await this.#removeSecond();
    if (this.#isChanged || this.traffic.writes > 0) await this.#rig.reset();
    this.#isChanged = false;
    this.#rig.proxy.clear();
    this.#rig.proxy.tap.reset();
  }

  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    return openstackOptions(this.#rig.environment(), { imdsEndpoint: this.#door.url, ...changed });
  }

  async snapshot(): Promise<unknown> {
    const { port } = await this.#rig.admin.neutron("GET", `ports/${this.#rig.ids.port}`);
    return [await this.#rig.routes(), port];
  }

  async routes(tableId: string): Promise<readonly string[]> {
    const { router } = await this.#rig.admin.neutron("GET", `routers/${tableId}`) as {
      router: { routes: { destination: string; nexthop: string }[] };
    };
    return router.routes.map(({ destination, nexthop }) => `${destination} > ${nexthop}`).sort();
  }

  async addForeign(_tableId: string, ...prefixes: readonly string[]): Promise<string> {
    const routes = prefixes.map((destination) => ({
      destination,
      nexthop: destination.includes(":") ? "fd00:10::77" : "10.0.0.77",
    }));
    this.#isChanged = true;
    await this.#rig.addRoutes(routes);
    return `${routes[0]?.destination} > ${routes[0]?.nexthop}`;
  }

  addOddRoute(): Promise<void> {
    this.#rig.proxy.tap.change(wire.request.read, withOddPair);
    return Promise.resolve();
  }

  async handOver(): ReturnType<ContractRig["handOver"]> {
    const { member, ids } = this.#rig;
    const { id } = await member.create("neutron", "routers", "router", { name: "handed-over" });
    const port = await member.create("neutron", "ports", "port", { network_id: ids.network });
    await member.neutron("PUT", `routers/${id}/add_router_interface`, { port_id: port.id });
    this.#lateRouters.push(id);
    const tag = async (given: boolean): Promise<void> => {
      await member.neutron(given ? "PUT" : "DELETE", `routers/${id}/tags/${encodeURIComponent("crs=yes")}`);
    };
    return { options: { routeTables: ["handed-over"] }, tag, remove: () => this.#removeRouters() };
  }

  async setLimit(limit: number, isPublished: boolean): Promise<void> {
    const { tap } = this.#rig.proxy;
    tap.clear();
    this.#isChanged = true;
    await this.#rig.setRouteQuota(limit);
    if (isPublished) return;
    // Before release 29 Neutron tells its limit in the refusal alone.
    tap.answer(pathEnds("GET", /\/quotas\/[^/]+$/), () => Response.json({ quota: { router: 10 } }));
    tap.change(
      wire.isWrite,
      async (response) => response.status === 409 ? await oldRefusal(limit) : response,
    );
  }

  fail(kind: Refusal, call: FaultCall, retryAfter?: string): ReturnType<ContractRig["fail"]> {
    return Promise.resolve(this.traffic.fail(kind, call, retryAfter));
  }

  damage(...[damage, call]: Parameters<ContractRig["damage"]>): Promise<void> {
    return Promise.resolve(this.traffic.damage(damage, call));
  }

  heal(): Promise<void> {
    this.#rig.proxy.tap.clear();
    this.#door.open();
    return Promise.resolve();
  }

  async revokeTokens(): Promise<void> {
    if (this.#rig.proxy.lastToken !== null) await this.#rig.revokeToken();
  }

  shortenTokens(): void {
    this.#rig.proxy.tap.change(wire.isLogin, withShortToken);
  }

  async addInterface(): Promise<SecondInterface> {
    const { network, subnet4, port } = this.#rig.ids;
    const address = "10.0.0.40";
    const values = { network_id: network, fixed_ips: [{ subnet_id: subnet4, ip_address: address }] };
    const { id } = await this.#rig.member.create("neutron", "ports", "port", values);
    this.#second = id;
    this.#rig.proxy.tap.answer(
      ({ url }) => url.pathname.endsWith("/network_data.json"),
      () => Response.json({ links: [{ vif_id: port }, { vif_id: id }] }),
    );
    return { address: parseInterfaceAddress(`${address}/24`), ids: { 4: address, 6: null } };
  }

  unreachable(): Partial<AnyCloudOptions> {
    const { environment } = this.options();
    return {
      environment: (name) => name === "OS_AUTH_URL" ? `http://${closedPort()}/v3` : environment(name),
    };
  }

  async strangeTable(): Promise<string> {
    const { id } = await this.#rig.member.create("neutron", "routers", "router", { name: "elsewhere" });
    this.#lateRouters.push(id);
    return "elsewhere";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rig.proxy.tap.clear();
    await this.#door[Symbol.asyncDispose]();
    await this.#rig[Symbol.asyncDispose]();
  }

  async #removeLate(): Promise<void> {
    const id = this.#late;
    this.#late = null;
    if (id !== null) await this.#rig.admin.neutron("DELETE", `ports/${id}`);
  }

  async #removeSecond(): Promise<void> {
    const id = this.#second;
    this.#second = null;
    if (id !== null) await this.#rig.member.neutron("DELETE", `ports/${id}`);
  }

  async #removeRouters(): Promise<void> {
    for (let id = this.#lateRouters.pop(); id !== undefined; id = this.#lateRouters.pop()) {
      await this.#removeRouter(id);
    }
  }

  async #removeRouter(id: string): Promise<void> {
    await this.#rig.member.neutron("PUT", `routers/${id}`, { router: { routes: [] } });
    const { ports } = await this.#rig.member.neutron("GET", `ports?device_id=${id}`) as {
      ports: { id: string }[];
    };
    for (const port of ports) {
      await this.#rig.member.neutron("PUT", `routers/${id}/remove_router_interface`, { port_id: port.id });
    }
    await this.#rig.member.neutron("DELETE", `routers/${id}`);
  }
}

function oldRefusal(limit: number): Response {
  const message = `Unable to complete operation for r. The number of routes exceeds the maximum ${limit}.`;
  return Response.json({ NeutronError: { type: "RoutesExhausted", message, detail: "" } }, { status: 400 });
}

async function withShortToken(response: Response): Promise<Response> {
  const body = await response.json();
  body.token.expires_at = new Date(Date.now() + 30_000).toISOString();
  return Response.json(body, { status: response.status, headers: response.headers });
}

async function withOddPort(response: Response): Promise<Response> {
  const { ports } = await response.json();
  const odd = {
    id: "odd",
    network_id: "n",
    device_id: "",
    device_owner: "",
    mac_address: "fa:16:3e:00:00:99",
    fixed_ips: [{ subnet_id: "s", ip_address: "10.0.0.x" }],
    allowed_address_pairs: [],
  };
  return Response.json({ ports: [odd, ...ports] });
}

async function withOddPair(response: Response): Promise<Response> {
  const { router } = await response.json();
  const routes = [{ destination: "service:storage", nexthop: "10.0.0.77" }, ...router.routes];
  return Response.json({ router: { ...router, routes } });
}

const noTable = "A router is never made by this program, nor is there anything to take away";

export const openstack: ContractRow = {
  cloud: "openstack",
  missing: openstackMissing,
  start: async () => new OpenstackContractRig(await startOpenstack()),
  deletedAlready: "done",
  parsePolicy: (text) => {
    if (!Array.isArray(JSON.parse(text))) throw new Error("the access rules are no list");
  },
  notApplicable: {
    ...withoutOwnTable(noTable),
    ...withoutReadingAhead,
    ...becauseOfLookUp,
    "foresee() gives up with its caller's own reason at each of its requests": noTable,
    "a VM without an identity is an error that says so, and check() says how to give it one":
      "It logs in by what the environment says, not as the VM that it is",
    "check() with fix lets this VM forward packets of others, once":
      "What the port must let through is what is routed to it: tests/system/openstack/steps/doctor.ts",
    "prepare() makes one table though the answer to any of its requests is lost": noTable,
    "remove() gives up with its caller's own reason at each of its requests": noTable,
  },
};
