/** Azure's row: the fake Resource Manager and metadata service. */

import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { addresses, AzureRig, ids, route } from "../../fakes/azure/rig.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { closedPort } from "../../fakes/closed_port.ts";
import { Door } from "../../fakes/door.ts";
import { add } from "../helpers.ts";
import { HttpTraffic } from "../http_traffic.ts";
import { cameBy, metadataBehind } from "../metadata_door.ts";
import { withoutLookUp } from "../exceptions.ts";
import type {
  ContractRig,
  ContractRow,
  FaultCall,
  MetadataControl,
  Neighbours,
  OperatorsTable,
  Refusal,
  SecondInterface,
  SubnetControl,
} from "../rig.ts";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { wire } from "../wires/azure.ts";

const absent = "10.0.1.99";
const other6 = "fd00:1::20";

class AzureContractRig implements ContractRig {
  readonly self = { 4: addresses.router, 6: addresses.router6 };
  readonly refused = { change: add("10.0.1.0/24", addresses.other), kind: "invalid" } as const;
  readonly manyRoutes = 30;
  readonly traffic: HttpTraffic;
  readonly neighbours: Neighbours = {
    standing: { 4: { address: addresses.other, id: addresses.other }, 6: { address: other6, id: other6 } },
    absent,
    add: () => {
      this.#rig.addMachine(absent);
      return Promise.resolve(absent);
    },
    remove: () => Promise.resolve(this.#rig.removeMachine()),
    stop: () => {
      this.#rig.placeMachine(ids.otherVm, "deallocated");
      return Promise.resolve("VM other is deallocated");
    },
    start: () => Promise.resolve(this.#rig.placeMachine(ids.otherVm, "running")),
    obscure: () => Promise.resolve(this.#rig.placeMachine(ids.otherVm, "hibernating")),
    goneCause: () => "network interface late-nic does not exist any more",
    addOdd: () => Promise.resolve(),
    pageByOne: () => {
      this.#rig.arm.pageSize = 1;
    },
    ofOtherFamily: () => ({ gateway: addresses.router6, id: null }),
  };
  readonly missingTable = ids.formerTable.replace("operators-table", "nowhere");
  readonly subnets: SubnetControl = {
    tableOf: () => {
      const used = propertiesOf(this.#rig.arm.state.show(ids.subnet)).routeTable as Json | undefined; // as placed
      return Promise.resolve(typeof used?.id === "string" ? used.id : null);
    },
    useOperatorsTable: (...prefixes) => Promise.resolve(this.#operatorsTable(prefixes)),
    shareTable: (tableId) => {
      const properties = { addressPrefix: "10.0.2.0/24", routeTable: { id: tableId } };
      this.#rig.arm.state.place(ids.subnet.replace("clients", "servers"), { properties });
      return Promise.resolve("vnet1/servers");
    },
  };
  readonly #rig: AzureRig;
  readonly #door: Door;

  constructor(rig: AzureRig) {
    this.#rig = rig;
    this.#door = new Door(rig.imds.url, rig.arm.tap);
    this.traffic = new HttpTraffic(rig.arm.tap, wire);
  }

  get metadata(): MetadataControl {
    return metadataBehind(this.#door, this.#rig.arm.tap, cameBy(this.#door));
  }

  reset(): Promise<void> {
    this.#rig.arm.tap.reset();
    this.#door.open();
    this.#rig.reset();
    this.#rig.arm.retryAfterSeconds = 0;
    return Promise.resolve();
  }

  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    return this.#rig.options({ imdsEndpoint: this.#door.url, ...changed });
  }

  snapshot(): Promise<unknown> {
    const { state } = this.#rig.arm;
    const tables = [ids.ownTable, ids.formerTable].filter((id) => state.has(id));
    return Promise.resolve([ids.subnet, ids.nic, ...tables].map((id) => withoutPassing(state.show(id))));
  }

  routes(tableId: string): Promise<readonly string[]> {
    const routes = Object.entries(this.#rig.arm.state.routes(tableId));
    return Promise.resolve(routes.map(([prefix, hop]) => `${prefix} > ${hop}`).sort());
  }

  addForeign(tableId: string, ...prefixes: readonly string[]): Promise<string> {
    const lines = prefixes.map((prefix) => {
      const hop = prefix.includes(":") ? "fd00:1::77" : "10.0.9.9";
      this.#addRoute(tableId, route(`by-hand-${prefix.replace(/[:/]/g, "_")}`, prefix, hop));
      return `${prefix} > ${hop}`;
    });
    return Promise.resolve(lines[0] ?? "");
  }

  addOddRoute(tableId: string): Promise<void> {
    const properties = { addressPrefix: "ServiceOfTheFuture", nextHopType: "WayOfTheFuture" };
    this.#addRoute(tableId, { name: "future", properties });
    return Promise.resolve();
  }

  handOver(): ReturnType<ContractRig["handOver"]> {
    this.#rig.placeFormerTable([]);
    this.#rig.placeSubnet();
    const remove = (): Promise<void> => {
      this.#rig.arm.state.remove(ids.formerTable);
      return Promise.resolve();
    };
    const tag = (given: boolean): Promise<void> => {
      const { state } = this.#rig.arm;
      const { tags: _, ...table } = state.show(ids.formerTable);
      state.place(ids.formerTable, given ? { ...table, tags: { CRS: "yes" } } : table);
      return Promise.resolve();
    };
    return Promise.resolve({ options: { routeTables: [ids.formerTable] }, remove, tag });
  }

  setLimit(limit: number, isPublished: boolean): Promise<void> {
    this.#rig.arm.state.rules.routeLimit = limit;
    this.#rig.arm.publishedRouteLimit = isPublished ? limit : null;
    return Promise.resolve();
  }

  fail(kind: Refusal, call: FaultCall, retryAfter?: string): ReturnType<ContractRig["fail"]> {
    return Promise.resolve(this.traffic.fail(kind, call, retryAfter));
  }

  damage(...[damage, call]: Parameters<ContractRig["damage"]>): Promise<void> {
    return Promise.resolve(this.traffic.damage(damage, call));
  }

  heal(): Promise<void> {
    this.#rig.arm.tap.clear();
    this.#door.open();
    return Promise.resolve();
  }

  revokeTokens(): Promise<void> {
    return Promise.resolve(this.#rig.imds.revokeTokens());
  }

  shortenTokens(): void {
    this.#rig.imds.tokenLifetime = 30;
  }

  addInterface(): Promise<SecondInterface> {
    const { state } = this.#rig.arm;
    const subnet = ids.subnet.replace("clients", "backs");
    state.place(subnet, {
      ...state.show(ids.subnet),
      name: "backs",
      properties: { addressPrefix: "10.0.2.0/24" },
    });
    const shown = state.show(ids.nic);
    const ipConfigurations = [{
      name: "a",
      properties: { privateIPAddress: "10.0.2.4", subnet: { id: subnet } },
    }];
    const properties = { macAddress: "00-0D-3A-00-00-05", primary: false, virtualMachine: { id: ids.vm } };
    state.place(`${ids.nic}-2`, { ...shown, properties: { ...properties, ipConfigurations } });
    return Promise.resolve({
      address: parseInterfaceAddress("10.0.2.4/24"),
      ids: { 4: "10.0.2.4", 6: null },
    });
  }

  dropIdentity(): void {
    this.#rig.imds.hasIdentity = false;
    this.#rig.imds.revokeTokens();
  }

  unreachable(): Partial<AnyCloudOptions> {
    return { azureEndpoint: `https://${closedPort()}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rig.arm.tap.clear();
    await this.#door[Symbol.asyncDispose]();
    await this.#rig[Symbol.asyncDispose]();
  }

  #operatorsTable(prefixes: readonly string[]): OperatorsTable {
    const routesTo = (wanted: readonly string[]): Json[] =>
      wanted.map((prefix) => route(`to-${prefix.replace("/", "_")}`, prefix, "10.0.9.9"));
    this.#rig.placeFormerTable(routesTo(prefixes));
    const { state } = this.#rig.arm;
    const change = (more: Json): void =>
      state.place(ids.formerTable, { ...state.show(ids.formerTable), ...more });
    return {
      id: ids.formerTable,
      setPrefixes: (...wanted) => {
        const properties = propertiesOf(state.show(ids.formerTable));
        return Promise.resolve(change({ properties: { ...properties, routes: routesTo(wanted) } }));
      },
      keep: () => Promise.resolve(change({ tags: { "aks-managed-cluster-name": "prod" } })),
      takeSubnet: () => Promise.resolve(this.#rig.placeSubnet({ routeTable: { id: ids.formerTable } })),
      remove: () => Promise.resolve(void state.remove(ids.formerTable)),
    };
  }

  #addRoute(tableId: string, added: Json): void {
    const { state } = this.#rig.arm;
    const shown = state.show(tableId);
    const properties = propertiesOf(shown);
    const routes = [...properties.routes as Json[], added]; // a table's properties always have them
    state.place(tableId, { ...shown, properties: { ...properties, routes } });
  }
}

/** Words that a probe, or an operation that nobody waits for, changes by itself; and a setting that is false by default. */
const passing = new Set(["etag", "provisioningState"]);

function withoutPassing(shown: Json): unknown {
  return JSON.parse(JSON.stringify(shown, (key, value) => {
    const isDefault = key === "disableBgpRoutePropagation" && value === false;
    return isDefault || passing.has(key) ? undefined : value;
  }));
}

export const azure: ContractRow = {
  cloud: "azure",
  missing: opensslMissing,
  start: async () => new AzureContractRig(await AzureRig.start()),
  deletedAlready: "done",
  parsePolicy: (text) => {
    const role = JSON.parse(text);
    if (!Array.isArray(role.Actions)) throw new Error("the role has no actions");
  },
  notApplicable: {
    ...withoutLookUp,
    "a table of a network that this VM is not in keeps no other from being kept":
      "A table is of no network: subnets of several may use it",
    "a table of a network that this VM is not in is refused":
      "A route table is of no network: any subnet may use it",
  },
};
