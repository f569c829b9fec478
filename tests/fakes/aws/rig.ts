/**
 * An AWS of a test's own: moto, the strict front before it, a metadata service, and a VPC with a router VM in it.
 *
 * ```
 * VPC 10.0.0.0/16 (+ IPv6), main table: 0.0.0.0/0 to an internet gateway
 *   subnet A 10.0.1.0/24   router 10.0.1.10 (and 10.0.1.11), peer 10.0.1.20 (and 10.0.1.21)
 *   subnet B 10.0.2.0/24   client 10.0.2.30
 * ```
 */

import { AwsMetadata } from "./metadata.ts";
import { adminCall, AwsStrictFront } from "./strict_front.ts";
import { itemsOf, textOf } from "./xml.ts";
import { Moto } from "./moto.ts";

/** A VM of the rig. */
export interface RigInstance {
  readonly instanceId: string;
  readonly interfaceId: string;
  readonly addresses: readonly string[];
}

/** Ids of what stands in the rig's VPC. */
export interface RigVpc {
  readonly vpcId: string;
  readonly ipv6Block: string;
  readonly mainTableId: string;
  readonly internetGatewayId: string;
  readonly subnetA: string;
  readonly subnetB: string;
  readonly router: RigInstance;
  readonly peer: RigInstance;
  readonly client: RigInstance;
}

/** A route as the rig's EC2 shows it. */
export interface RigRoute {
  readonly destination: string;
  readonly target: string;
  readonly state: string;
}

/** A running rig. */
export class AwsRig implements AsyncDisposable {
  private constructor(
    readonly front: AwsStrictFront,
    readonly metadata: AwsMetadata,
    readonly vpc: RigVpc,
    readonly ownMoto: Moto | null,
  ) {}

  /**
   * Starts it all.
   *
   * @param shared a running moto, which is emptied first; without one the rig starts its own.
   */
  static async start(shared: Moto | null = null): Promise<AwsRig> {
    await shared?.reset();
    const own = shared === null ? await Moto.start() : null;
    const front = AwsStrictFront.start((shared ?? own)?.url ?? "");
    const vpc = await buildVpc(front.url);
    return new AwsRig(front, metadataOf(vpc), vpc, own);
  }

  /**
   * The same VPC behind a front and a metadata service that remember nothing, with no table in it but the main one. VMs that
   * were added stay. Takes a tenth of the time of a new rig; this one must have been disposed of.
   *
   * @param moto the one that the rig was started on.
   */
  async renewed(moto: Moto): Promise<AwsRig> {
    const front = AwsStrictFront.start(moto.url);
    const rig = new AwsRig(front, metadataOf(this.vpc), this.vpc, null);
    const filter = { "Filter.1.Name": "vpc-id", "Filter.1.Value.1": this.vpc.vpcId };
    for (const table of itemsOf(await rig.admin("DescribeRouteTables", filter), "routeTableSet")) {
      const id = textOf(table, "routeTableId") ?? "";
      if (id === this.vpc.mainTableId) continue;
      for (const association of itemsOf(table, "associationSet")) {
        const associationId = textOf(association, "routeTableAssociationId") ?? "";
        await rig.admin("DisassociateRouteTable", { AssociationId: associationId });
      }
      await rig.admin("DeleteRouteTable", { RouteTableId: id });
    }
    return rig;
  }

  /** What the program needs in its environment. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.front.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: this.metadata.url,
      AWS_REGION: "us-east-1",
    };
  }

  /** Calls EC2 as the operator would: past all faults, uncounted. @returns the answer's XML. */
  async admin(action: string, fields: Readonly<Record<string, string>>): Promise<string> {
    return await adminCall(this.front.url, action, fields);
  }

  /** The routes of a table but for `local`. */
  async routes(tableId: string): Promise<RigRoute[]> {
    return routesOf(await this.table(tableId)).filter((route) => route.target !== "local");
  }

  /** A table's XML. */
  async table(tableId: string): Promise<string> {
    const answer = await this.admin("DescribeRouteTables", { "RouteTableId.1": tableId });
    return itemsOf(answer, "routeTableSet")[0] ?? "";
  }

  /** The table that a subnet is explicitly associated with, or null. */
  async tableOfSubnet(subnetId: string): Promise<string | null> {
    const answer = await this.admin("DescribeRouteTables", {
      "Filter.1.Name": "association.subnet-id",
      "Filter.1.Value.1": subnetId,
    });
    return textOf(itemsOf(answer, "routeTableSet")[0] ?? "", "routeTableId");
  }

  /** Creates a table in the VPC, with tags. */
  async createTable(vpcId: string, tags: Readonly<Record<string, string>> = {}): Promise<string> {
    const fields: Record<string, string> = { VpcId: vpcId };
    for (const [index, [key, value]] of Object.entries(tags).entries()) {
      fields["TagSpecification.1.ResourceType"] = "route-table";
      fields[`TagSpecification.1.Tag.${index + 1}.Key`] = key;
      fields[`TagSpecification.1.Tag.${index + 1}.Value`] = value;
    }
    return needed(await this.admin("CreateRouteTable", fields), "routeTableId");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.metadata[Symbol.asyncDispose]();
    await this.front[Symbol.asyncDispose]();
    await this.ownMoto?.[Symbol.asyncDispose]();
  }
}

/** The routes that a table's XML shows. */
export function routesOf(tableXml: string): RigRoute[] {
  const targets = [
    "networkInterfaceId",
    "gatewayId",
    "natGatewayId",
    "transitGatewayId",
    "vpcPeeringConnectionId",
    "egressOnlyInternetGatewayId",
    "carrierGatewayId",
  ];
  return itemsOf(tableXml, "routeSet").map((route) => ({
    destination: textOf(route, "destinationCidrBlock") ?? textOf(route, "destinationIpv6CidrBlock") ??
      textOf(route, "destinationPrefixListId") ?? "",
    target: targets.map((name) => textOf(route, name)).find((text) => text !== null) ?? "",
    state: textOf(route, "state") ?? "",
  }));
}

async function buildVpc(url: string): Promise<RigVpc> {
  const call = (action: string, fields: Record<string, string>): Promise<string> =>
    adminCall(url, action, fields);
  const created = await call("CreateVpc", { CidrBlock: "10.0.0.0/16", AmazonProvidedIpv6CidrBlock: "true" });
  const vpcId = needed(created, "vpcId");
  const ipv6Block = needed(created, "ipv6CidrBlock");
  const subnet = async (block: string, number: number): Promise<string> =>
    needed(
      await call("CreateSubnet", {
        VpcId: vpcId,
        CidrBlock: block,
        Ipv6CidrBlock: ipv6Block.replace(/00::\/56$/, `0${number}::/64`),
      }),
      "subnetId",
    );
  const subnetA = await subnet("10.0.1.0/24", 1);
  const subnetB = await subnet("10.0.2.0/24", 2);
  const internetGatewayId = needed(await call("CreateInternetGateway", {}), "internetGatewayId");
  await call("AttachInternetGateway", { InternetGatewayId: internetGatewayId, VpcId: vpcId });
  const tables = await call("DescribeRouteTables", { "Filter.1.Name": "vpc-id", "Filter.1.Value.1": vpcId });
  const mainTableId = needed(tables, "routeTableId");
  await call("CreateRoute", {
    RouteTableId: mainTableId,
    DestinationCidrBlock: "0.0.0.0/0",
    GatewayId: internetGatewayId,
  });
  return {
    vpcId,
    ipv6Block,
    mainTableId,
    internetGatewayId,
    subnetA,
    subnetB,
    router: await buildInstance(url, subnetA, ["10.0.1.10", "10.0.1.11"]),
    peer: await buildInstance(url, subnetA, ["10.0.1.20", "10.0.1.21"]),
    client: await buildInstance(url, subnetB, ["10.0.2.30"]),
  };
}

/** Makes a VM with one interface that has the given addresses, the first of them primary. */
export async function buildInstance(
  url: string,
  subnetId: string,
  addresses: readonly string[],
): Promise<RigInstance> {
  const fields: Record<string, string> = { SubnetId: subnetId };
  for (const [index, address] of addresses.entries()) {
    fields[`PrivateIpAddresses.${index + 1}.PrivateIpAddress`] = address;
    fields[`PrivateIpAddresses.${index + 1}.Primary`] = String(index === 0);
  }
  const interfaceId = needed(await adminCall(url, "CreateNetworkInterface", fields), "networkInterfaceId");
  const run = await adminCall(url, "RunInstances", {
    ImageId: "ami-12c6146b",
    MinCount: "1",
    MaxCount: "1",
    "NetworkInterface.1.DeviceIndex": "0",
    "NetworkInterface.1.NetworkInterfaceId": interfaceId,
  });
  return { instanceId: needed(run, "instanceId"), interfaceId, addresses };
}

/** Gives the router a second interface, 10.0.2.10 in subnet B. @returns its id. */
export async function addInterface(rig: AwsRig): Promise<string> {
  const { subnetB, router, vpcId, ipv6Block } = rig.vpc;
  const made = await rig.admin("CreateNetworkInterface", {
    SubnetId: subnetB,
    PrivateIpAddress: "10.0.2.10",
  });
  const id = needed(made, "networkInterfaceId");
  await rig.admin("AttachNetworkInterface", {
    NetworkInterfaceId: id,
    InstanceId: router.instanceId,
    DeviceIndex: "1",
  });
  rig.metadata.interfaces.push({
    mac: "0e:00:00:00:00:0b",
    values: {
      "interface-id": id,
      "subnet-id": subnetB,
      "vpc-id": vpcId,
      "device-number": "1",
      "local-ipv4s": "10.0.2.10",
      "subnet-ipv4-cidr-block": "10.0.2.0/24",
      "vpc-ipv4-cidr-blocks": "10.0.0.0/16",
      "vpc-ipv6-cidr-blocks": ipv6Block,
    },
  });
  return id;
}

/** The metadata service of a VM in subnet A. */
export function metadataOf(vpc: RigVpc, vm: RigInstance = vpc.router): AwsMetadata {
  return new AwsMetadata(
    [{
      mac: "0e:00:00:00:00:0a",
      values: {
        "interface-id": vm.interfaceId,
        "subnet-id": vpc.subnetA,
        "vpc-id": vpc.vpcId,
        "device-number": "0",
        "local-ipv4s": vm.addresses.join("\n"),
        "subnet-ipv4-cidr-block": "10.0.1.0/24",
        "subnet-ipv6-cidr-blocks": vpc.ipv6Block.replace(/00::\/56$/, "01::/64"),
        "vpc-ipv4-cidr-blocks": "10.0.0.0/16",
        "vpc-ipv6-cidr-blocks": vpc.ipv6Block,
      },
    }],
    { instanceId: vm.instanceId, region: "us-east-1", accountId: "123456789012" },
  );
}

function needed(xml: string, name: string): string {
  const text = textOf(xml, name);
  if (text === null) throw new Error(`Cannot build the rig: no ${name} in ${xml}`);
  return text;
}

/** Makes the metadata service be that of another VM, in another subnet. */
export function moveTo(rig: AwsRig, subnetId: string, instance: RigInstance): void {
  const [own] = rig.metadata.interfaces;
  if (own === undefined) throw new Error("Cannot move a VM without interface");
  rig.metadata.interfaces.splice(0, Infinity, {
    mac: "0e:00:00:00:00:0c",
    values: {
      ...own.values,
      "interface-id": instance.interfaceId,
      "subnet-id": subnetId,
      "local-ipv4s": instance.addresses.join("\n"),
      "subnet-ipv4-cidr-block": "10.0.2.0/24",
    },
  });
}
