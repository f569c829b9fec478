/** AWS' row: moto behind the strict front, and the fake metadata service. */

import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { Moto, motoMissing } from "../../fakes/aws/moto.ts";
import { addInterface, AwsRig, buildInstance, routesOf } from "../../fakes/aws/rig.ts";
import { itemsOf, refusalXml, textOf } from "../../fakes/aws/xml.ts";
import { cloudOptions } from "../../fakes/cloud_options.ts";
import { closedPort } from "../../fakes/closed_port.ts";
import { Door } from "../../fakes/door.ts";
import type { Match } from "../../fakes/tap.ts";
import { add } from "../helpers.ts";
import { HttpTraffic } from "../http_traffic.ts";
import { cameBy, metadataBehind } from "../metadata_door.ts";
import { becauseOfLookUp, withoutNextHopSets } from "../exceptions.ts";
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
import { wire } from "../wires/aws.ts";

/** What the SDK reads from the process itself. */
const sdkVariables = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

class AwsContractRig implements ContractRig {
  readonly manyRoutes = 12;
  readonly missingTable = "rtb-none";
  readonly subnets: SubnetControl = {
    tableOf: () => this.#rig.tableOfSubnet(this.#rig.vpc.subnetA),
    useOperatorsTable: (...prefixes) => this.#operatorsTable(prefixes),
    shareTable: async (tableId) => {
      const { subnetB } = this.#rig.vpc;
      await this.#rig.admin("AssociateRouteTable", { RouteTableId: tableId, SubnetId: subnetB });
      return subnetB;
    },
  };
  readonly neighbours: Neighbours;
  readonly #moto: Moto;
  readonly #variables = new Map(sdkVariables.map((name) => [name, Deno.env.get(name)]));
  #rig: AwsRig;
  #door: Door;
  #traffic: HttpTraffic;
  #late: string | null = null;
  #resets = 0;

  constructor(moto: Moto, rig: AwsRig) {
    this.#moto = moto;
    [this.#rig, this.#door, this.#traffic] = opened(rig);
    const current = (): AwsRig => this.#rig;
    // A VM that a test has added stays when the stage is set anew: each stage has another absent address.
    const absent = (): string => `10.0.1.${100 + this.#resets % 150}`;
    this.neighbours = {
      get standing(): Neighbours["standing"] {
        const { peer } = current().vpc;
        const id = peer.interfaceId;
        return { 4: { address: "10.0.1.20", id }, 6: { address: null, id } };
      },
      get absent(): string {
        return absent();
      },
      add: async () => {
        this.#late =
          (await buildInstance(this.#rig.front.url, this.#rig.vpc.subnetA, [absent()])).interfaceId;
        return this.#late;
      },
      remove: () => {
        if (this.#late !== null) this.#rig.front.deleteInterface(this.#late);
        return Promise.resolve();
      },
      stop: () => {
        const { interfaceId, instanceId } = current().vpc.peer;
        current().front.stopInterface(interfaceId);
        return Promise.resolve(`instance ${instanceId} is stopped`);
      },
      start: () => Promise.resolve(current().front.startInterface(current().vpc.peer.interfaceId)),
      obscure: () => {
        current().front.tap.change(
          wire.request.findDead,
          async (response) =>
            new Response(
              (await response.text()).replaceAll("<name>running</name>", "<name>frozen</name>"),
              response,
            ),
        );
        return Promise.resolve();
      },
      goneCause: (id) => `interface ${id} does not exist`,
      addOdd: () => {
        this.#rig.front.tap.change(
          wire.request.resolve,
          (response) => withOdd(response, "networkInterfaceSet", odd),
        );
        return Promise.resolve();
      },
      pageByOne: () => {
        this.#rig.front.pageSize = 1;
      },
      ofOtherFamily: () => {
        const { interfaceId } = current().vpc.peer;
        current().front.delegated.add(interfaceId, "2001:db8:0:0:7::/80");
        return { gateway: "2001:db8::7:0:0:9", id: interfaceId };
      },
    };
    for (const name of sdkVariables) Deno.env.delete(name);
    Deno.env.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", this.#door.url);
  }

  get self(): ContractRig["self"] {
    const { interfaceId } = this.#rig.vpc.router;
    return { 4: interfaceId, 6: interfaceId };
  }

  get refused(): ContractRig["refused"] {
    return { change: add("169.254.168.0/24", this.self[4]), kind: "invalid" };
  }

  get traffic(): HttpTraffic {
    return this.#traffic;
  }

  get metadata(): MetadataControl {
    return metadataBehind(this.#door, this.#rig.front.tap, cameBy(this.#door));
  }

  async reset(): Promise<void> {
    await this.#close();
    [this.#rig, this.#door, this.#traffic] = opened(await this.#rig.renewed(this.#moto));
    this.#resets++;
    Deno.env.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", this.#door.url);
  }

  options(changed: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
    const environment = { ...this.#rig.environment, AWS_EC2_METADATA_SERVICE_ENDPOINT: this.#door.url };
    return cloudOptions({
      families: [4, 6],
      environment: (name) => (environment as Record<string, string>)[name], // by any name
      ...changed,
    });
  }

  async snapshot(): Promise<unknown> {
    const { vpc } = this.#rig;
    const answer = await this.#rig.admin("DescribeRouteTables", {
      "Filter.1.Name": "vpc-id",
      "Filter.1.Value.1": vpc.vpcId,
    });
    const tables = itemsOf(answer, "routeTableSet").map((table) => ({
      id: textOf(table, "routeTableId"),
      routes: routesOf(table),
      subnets: itemsOf(table, "associationSet").map((each) => textOf(each, "subnetId")),
      // Not when it was made.
      tags: itemsOf(table, "tagSet").sort().map((tag) => tag.replace(/\d{4}-\d\d-\d\dT[^<]+/, "TIME")),
    }));
    const attribute = { NetworkInterfaceId: vpc.router.interfaceId, Attribute: "sourceDestCheck" };
    return [tables, textOf(await this.#rig.admin("DescribeNetworkInterfaceAttribute", attribute), "value")];
  }

  async routes(tableId: string): Promise<readonly string[]> {
    return (await this.#rig.routes(tableId)).map(({ destination, target }) => `${destination} > ${target}`)
      .sort();
  }

  async addForeign(tableId: string, ...prefixes: readonly string[]): Promise<string> {
    const hop = this.#rig.vpc.client.interfaceId;
    for (const prefix of prefixes) {
      const field = prefix.includes(":") ? "DestinationIpv6CidrBlock" : "DestinationCidrBlock";
      await this.#rig.admin("CreateRoute", {
        RouteTableId: tableId,
        [field]: prefix,
        NetworkInterfaceId: hop,
      });
    }
    return `${prefixes[0]} > ${hop}`;
  }

  addOddRoute(): Promise<void> {
    const route = "<item><destinationOfTheFuture>x</destinationOfTheFuture><gatewayId>igw-1</gatewayId>" +
      "<state>active</state></item>";
    this.#rig.front.tap.change(wire.request.read, (response) => withOdd(response, "routeSet", route));
    return Promise.resolve();
  }

  async handOver(): ReturnType<ContractRig["handOver"]> {
    const id = await this.#rig.createTable(this.#rig.vpc.vpcId);
    const tag = async (given: boolean): Promise<void> =>
      void await this.#rig.admin(given ? "CreateTags" : "DeleteTags", {
        "ResourceId.1": id,
        "Tag.1.Key": "crs",
        "Tag.1.Value": "yes",
      });
    return {
      options: { routeTables: [id] },
      tag,
      remove: async () => void await this.#rig.admin("DeleteRouteTable", { RouteTableId: id }),
    };
  }

  setLimit(limit: number, isPublished: boolean): Promise<void> {
    this.#rig.front.rules.limit = limit;
    this.#rig.front.faults.quotaPublished = isPublished;
    return Promise.resolve();
  }

  fail(kind: Refusal, call: FaultCall, retryAfter?: string): ReturnType<ContractRig["fail"]> {
    return Promise.resolve(this.#traffic.fail(kind, call, retryAfter));
  }

  damage(...[damage, call]: Parameters<ContractRig["damage"]>): Promise<void> {
    return Promise.resolve(this.#traffic.damage(damage, call));
  }

  heal(): Promise<void> {
    this.#rig.front.tap.clear();
    this.#door.open();
    return Promise.resolve();
  }

  /** EC2 refuses the credentials that were handed out so far; those of the metadata service's next answer are good. */
  revokeTokens(): Promise<void> {
    const last = this.#rig.metadata.credentials;
    const isOld: Match = ({ headers }) => {
      const number = /Credential=ASIA([0-9]+)\//.exec(headers.get("authorization") ?? "")?.[1];
      return number !== undefined && Number(number) <= last;
    };
    this.#rig.front.tap.answer(
      isOld,
      () =>
        new Response(refusalXml("RequestExpired", "Request has expired."), {
          status: 400,
          headers: { "content-type": "text/xml" },
        }),
    );
    return Promise.resolve();
  }

  shortenTokens(): void {
    this.#rig.metadata.credentialsLastS = 60;
  }

  async addInterface(): Promise<SecondInterface> {
    const id = await addInterface(this.#rig);
    return { address: parseInterfaceAddress("10.0.2.10/24"), ids: { 4: id, 6: id } };
  }

  dropIdentity(): void {
    this.#rig.metadata.hasRole = false;
  }

  unreachable(): Partial<AnyCloudOptions> {
    const { environment } = this.options();
    return {
      environment: (name) => name === "AWS_ENDPOINT_URL" ? `http://${closedPort()}` : environment(name),
    };
  }

  async strangeTable(): Promise<string> {
    const made = await this.#rig.admin("CreateVpc", { CidrBlock: "10.9.0.0/16" });
    return await this.#rig.createTable(textOf(made, "vpcId") ?? "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await this.#moto[Symbol.asyncDispose]();
    for (const [name, value] of this.#variables) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }

  async #operatorsTable(prefixes: readonly string[]): Promise<OperatorsTable> {
    const { vpcId, subnetA } = this.#rig.vpc;
    const id = await this.#rig.createTable(vpcId);
    const table = { RouteTableId: id };
    await this.addForeign(id, ...prefixes);
    const takeSubnet = async (): Promise<void> => {
      const now = await this.#rig.tableOfSubnet(subnetA);
      const association = now === null
        ? null
        : itemsOf(await this.#rig.table(now), "associationSet").find((each) =>
          textOf(each, "subnetId") === subnetA
        );
      if (association === null) {
        await this.#rig.admin("AssociateRouteTable", { ...table, SubnetId: subnetA });
      } else {
        const AssociationId = textOf(association ?? "", "routeTableAssociationId") ?? "";
        await this.#rig.admin("ReplaceRouteTableAssociation", { ...table, AssociationId });
      }
    };
    await takeSubnet();
    return {
      id,
      takeSubnet,
      setPrefixes: async (...wanted) => {
        for (const { destination } of await this.#rig.routes(id)) {
          await this.#rig.admin("DeleteRoute", { ...table, DestinationCidrBlock: destination });
        }
        await this.addForeign(id, ...wanted);
      },
      keep: async () => {
        const tag = { "Tag.1.Key": "kubernetes.io/cluster/prod", "Tag.1.Value": "owned" };
        await this.#rig.admin("CreateTags", { "ResourceId.1": id, ...tag });
      },
      remove: async () => void await this.#rig.admin("DeleteRouteTable", table),
    };
  }

  async #close(): Promise<void> {
    this.#rig.front.tap.clear();
    await this.#door[Symbol.asyncDispose]();
    await this.#rig[Symbol.asyncDispose]();
  }
}

function opened(rig: AwsRig): [AwsRig, Door, HttpTraffic] {
  const { tap } = rig.front;
  return [rig, new Door(rig.metadata.url, tap), new HttpTraffic(tap, wire)];
}

const odd =
  "<item><networkInterfaceId>eni-odd</networkInterfaceId><privateIpAddress>10.0.1.x</privateIpAddress>" +
  "<attachment><instanceId>i-odd</instanceId><status>attached</status></attachment></item>";

/** Puts an item before those of a set. */
async function withOdd(response: Response, set: string, item: string): Promise<Response> {
  const text = await response.text();
  return new Response(text.replace(`<${set}>`, `<${set}>${item}`), response);
}

export const aws: ContractRow = {
  cloud: "aws",
  missing: motoMissing,
  start: async () => {
    const moto = await Moto.start();
    return new AwsContractRig(moto, await AwsRig.start(moto));
  },
  deletedAlready: "done",
  parsePolicy: (text) => {
    const policy = JSON.parse(text);
    if (!Array.isArray(policy.Statement)) throw new Error("the policy has no statements");
  },
  notApplicable: {
    "write() deletes its own route beside a foreign one of the prefix":
      "EC2 takes one route a prefix, and deletes whatever stands there",
    ...withoutNextHopSets("A route of EC2's has one target"),
    ...becauseOfLookUp,
  },
};
