/** Google Cloud's row: the fake Compute API and metadata server. */

import { parse } from "yaml";
import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { closedPort } from "../../fakes/closed_port.ts";
import { Door } from "../../fakes/door.ts";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { type FakeRoute, pathOf } from "../../fakes/gcp/world.ts";
import { add } from "../helpers.ts";
import { HttpTraffic } from "../http_traffic.ts";
import { cameBy, metadataBehind } from "../metadata_door.ts";
import { withoutLookUp, withoutOwnTable, withoutReadingAhead } from "../exceptions.ts";
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
import { wire } from "../wires/gcp.ts";

const self = "projects/prod/zones/europe-west1-b/instances/router-a";
const absent = "10.0.0.99";

class GcpContractRig implements ContractRig {
  readonly self = { 4: self, 6: self };
  readonly refused = { change: add("10.0.0.128/25", self), kind: "invalid" } as const;
  readonly manyRoutes = 30;
  readonly neighbours: Neighbours = {
    standing: {
      4: { address: addresses.neighbour, id: addresses.neighbour },
      6: { address: addresses.neighbourIpv6, id: addresses.neighbourIpv6 },
    },
    absent,
    add: () => {
      this.#rig.addInstance("late", absent);
      return Promise.resolve(absent);
    },
    remove: () => Promise.resolve(this.#rig.removeInstance("late")),
    stop: () => {
      this.#rig.setStatus("router-b", "TERMINATED");
      return Promise.resolve("instance router-b is TERMINATED");
    },
    start: () => Promise.resolve(this.#rig.setStatus("router-b", "RUNNING")),
    obscure: () => Promise.resolve(this.#rig.setStatus("router-b", "REPAIRING")),
    // Its address may be another project's by now.
    goneCause: null,
    addOdd: () => Promise.resolve(),
    pageByOne: () => {
      this.#rig.compute.pageSize = 1;
    },
    ofOtherFamily: () => ({ gateway: addresses.neighbourIpv6, id: null }),
  };
  #rig: GcpRig;
  #door: Door;
  #traffic: HttpTraffic;
  #tokens = 0;

  constructor() {
    [this.#rig, this.#door, this.#traffic] = this.#start();
  }

  get traffic(): HttpTraffic {
    return this.#traffic;
  }

  get metadata(): MetadataControl {
    return metadataBehind(this.#door, this.#rig.compute.tap, cameBy(this.#door));
  }

  async reset(): Promise<void> {
    await this[Symbol.asyncDispose]();
    [this.#rig, this.#door, this.#traffic] = this.#start();
  }

  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    return this.#rig.options({ imdsEndpoint: this.#door.url, ...changed });
  }

  snapshot(): Promise<unknown> {
    return Promise.resolve([...this.#rig.project.routes.values()]);
  }

  routes(tableId: string): Promise<readonly string[]> {
    const routes = [...this.#rig.project.routes.values()].filter(({ network, nextHopNetwork }) =>
      pathOf(network) === tableId && nextHopNetwork === undefined
    );
    return Promise.resolve(routes.map((route) => `${route.destRange} > ${hopOf(route)}`).sort());
  }

  addForeign(_tableId: string, ...prefixes: readonly string[]): Promise<string> {
    const lines = prefixes.map((prefix) => {
      const nextHopIp = prefix.includes(":") ? addresses.neighbourIpv6 : addresses.client;
      this.#rig.addForeign(`static-${this.#rig.project.routes.size}`, prefix, { nextHopIp });
      return `${prefix} > ${nextHopIp}`;
    });
    return Promise.resolve(lines[0] ?? "");
  }

  addOddRoute(): Promise<void> {
    this.#rig.addForeign("of-the-future", "service:storage");
    return Promise.resolve();
  }

  handOver(): ReturnType<ContractRig["handOver"]> {
    const remove = (): Promise<void> => {
      this.#rig.project.networks.delete("net");
      return Promise.resolve();
    };
    return Promise.resolve({ options: { routeTables: ["net"] }, remove });
  }

  setLimit(limit: number, _isPublished: boolean): Promise<void> {
    this.#rig.net.staticLimit = limit;
    return Promise.resolve();
  }

  fail(kind: Refusal, call: FaultCall, retryAfter?: string): ReturnType<ContractRig["fail"]> {
    return Promise.resolve(this.#traffic.fail(kind, call, retryAfter));
  }

  damage(...[damage, call]: Parameters<ContractRig["damage"]>): Promise<void> {
    return Promise.resolve(this.#traffic.damage(damage, call));
  }

  heal(): Promise<void> {
    this.#rig.compute.tap.clear();
    this.#door.open();
    return Promise.resolve();
  }

  revokeTokens(): Promise<void> {
    const token = `ya29.${++this.#tokens}`;
    this.#rig.compute.tokens.clear();
    this.#rig.compute.tokens.add(token);
    this.#rig.metadata.token = token;
    return Promise.resolve();
  }

  shortenTokens(): void {
    this.#rig.metadata.tokenSeconds = 30;
  }

  addInterface(): Promise<SecondInterface> {
    this.#rig.addInterface();
    return Promise.resolve({ address: parseInterfaceAddress("172.20.0.2/32"), ids: { 4: self, 6: null } });
  }

  dropIdentity(): void {
    this.#rig.metadata.token = null;
  }

  unreachable(): Partial<AnyCloudOptions> {
    return { gcpEndpoint: `http://${closedPort()}` };
  }

  strangeTable(): Promise<string> {
    return Promise.resolve("other");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rig.compute.tap.clear();
    await this.#door[Symbol.asyncDispose]();
    await this.#rig[Symbol.asyncDispose]();
  }

  #start(): [GcpRig, Door, HttpTraffic] {
    const rig = GcpRig.start();
    const { tap } = rig.compute;
    return [rig, new Door(`http://${rig.environment.GCE_METADATA_HOST}`, tap), new HttpTraffic(tap, wire)];
  }
}

function hopOf({ nextHopInstance, nextHopIp, nextHopIlb, nextHopGateway }: FakeRoute): string {
  return pathOf(nextHopInstance ?? nextHopIp ?? nextHopIlb ?? nextHopGateway ?? "");
}

const noLimit = "The Compute API tells the limits of a network by a refusal alone";
const noTable = "A network is never made by this program, nor is there anything to take away";

export const gcp: ContractRow = {
  cloud: "gcp",
  missing: () => null,
  start: () => Promise.resolve(new GcpContractRig()),
  deletedAlready: "done",
  parsePolicy: (text) => {
    const role = parse(text) as { includedPermissions?: unknown }; // looked at right below
    if (!Array.isArray(role.includedPermissions)) throw new Error("the role includes no permissions");
  },
  notApplicable: {
    ...withoutLookUp,
    ...withoutOwnTable(noTable),
    ...withoutReadingAhead,
    "foresee() gives up with its caller's own reason at each of its requests": noTable,
    "a table that is not there keeps no other from being kept":
      "The VM itself says which networks it is in: another one is invalid, not gone",
    "check() with fix lets this VM forward packets of others, once":
      "Whether an instance forwards is settled when it is created (canIpForward)",
    "read() says that a table is gone": "A network that a VM is in cannot be deleted",
    "prepare() makes one table though the answer to any of its requests is lost": noTable,
    "read() tells the limit that the cloud tells": noLimit,
    "a limit that is raised is known in time": noLimit,
    "a wall clock set back does not keep a limit that was raised from being known": noLimit,
    "tables that a tag names are looked up at each preparation":
      "Networks have no labels; what is said of a tag is in tests/unit/clouds/gcp",
    "a table that was handed over and is not there is gone":
      "The VM itself says which networks it is in: another one is invalid, not gone",
    "remove() gives up with its caller's own reason at each of its requests": noTable,
  },
};
