/**
 * The calls of EC2 that are used, each answer checked. Only the commands used are named here, so that a bundler drops the other 700.
 */

import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  type CreateRouteCommandInput,
  CreateRouteTableCommand,
  type CreateRouteTableCommandInput,
  CreateTagsCommand,
  type CreateTagsCommandInput,
  DeleteRouteCommand,
  type DeleteRouteCommandInput,
  DeleteRouteTableCommand,
  DescribeInstancesCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DisableVgwRoutePropagationCommand,
  DisassociateRouteTableCommand,
  EnableVgwRoutePropagationCommand,
  type Filter,
  ModifyNetworkInterfaceAttributeCommand,
  ModifyVpcEndpointCommand,
  type ModifyVpcEndpointCommandInput,
  ReplaceRouteCommand,
  type ReplaceRouteCommandInput,
  ReplaceRouteTableAssociationCommand,
} from "@aws-sdk/client-ec2";
import { CloudError } from "../cloud_error.ts";
import { CommandSender, type Ec2Call } from "./command_sender.ts";
import {
  type Ec2Instance,
  type Ec2NetworkInterface,
  type Ec2PrefixList,
  type Ec2RouteTable,
  parseInstances,
  parseNetworkInterfaces,
  parsePrefixLists,
  parseRouteTable,
  parseRouteTables,
} from "./schemas.ts";
import type { AwsEndpoint } from "./sdk_client.ts";

export type {
  CreateRouteCommandInput,
  DeleteRouteCommandInput,
  Filter,
  ModifyVpcEndpointCommandInput,
  ReplaceRouteCommandInput,
};

/** Most entries EC2 puts on one page of route tables or interfaces when asked for pages; it answers with fewer if it likes. */
const pageSize = 100;

/** EC2, as far as this program speaks it. Every method may throw {@linkcode CloudError}. */
export class Ec2Api {
  readonly #sender: CommandSender;

  constructor(connection: AwsEndpoint) {
    this.#sender = new CommandSender(connection);
  }

  /** Tables that match all filters. */
  async findRouteTables(filters: Filter[], signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const call: Ec2Call = { operation: "DescribeRouteTables", doing: "find route tables", signal };
    const input = { Filters: filters, MaxResults: pageSize };
    const tables = await this.#sender.sendForAll(
      call,
      (next) => new DescribeRouteTablesCommand({ ...input, ...next }),
      (page) => listed(page.RouteTables, call),
    );
    return parseRouteTables(tables);
  }

  /** Tables by id. @throws {CloudError} `gone` if one of them does not exist. */
  async readRouteTables(ids: string[], signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const doing = `read route table ${ids.join(", ")}`;
    const call: Ec2Call = { operation: "DescribeRouteTables", doing, signal };
    const tables = await this.#sender.sendForAll(
      call,
      (next) => new DescribeRouteTablesCommand({ RouteTableIds: ids, ...next }),
      (page) => listed(page.RouteTables, call),
    );
    return parseRouteTables(tables);
  }

  /** Network interfaces that match all filters. */
  async findNetworkInterfaces(filters: Filter[], signal: AbortSignal): Promise<Ec2NetworkInterface[]> {
    const call: Ec2Call = {
      operation: "DescribeNetworkInterfaces",
      doing: "find network interfaces",
      signal,
    };
    const input = { Filters: filters, MaxResults: pageSize };
    const found = await this.#sender.sendForAll(
      call,
      (next) => new DescribeNetworkInterfacesCommand({ ...input, ...next }),
      (page) => listed(page.NetworkInterfaces, call),
    );
    return parseNetworkInterfaces(found);
  }

  /** All interfaces of the instances that filters match. */
  async findInterfacesOfInstances(filters: Filter[], signal: AbortSignal): Promise<Ec2NetworkInterface[]> {
    return (await this.findInstances(filters, signal)).flatMap(({ NetworkInterfaces }) => NetworkInterfaces);
  }

  /** The instances that filters match. */
  async findInstances(filters: Filter[], signal: AbortSignal): Promise<Ec2Instance[]> {
    const input = { Filters: filters, MaxResults: pageSize };
    const found = await this.#sender.sendForAll(
      { operation: "DescribeInstances", doing: "find instances", signal },
      (next) => new DescribeInstancesCommand({ ...input, ...next }),
      ({ Reservations = [] }) => Reservations.flatMap(({ Instances }) => Instances ?? []),
    );
    return parseInstances(found);
  }

  /** Managed prefix lists by id; AWS' own among them. */
  async readPrefixLists(ids: string[], signal: AbortSignal): Promise<Ec2PrefixList[]> {
    const doing = `read prefix list ${ids.join(", ")}`;
    const call: Ec2Call = { operation: "DescribeManagedPrefixLists", doing, signal };
    const input = { Filters: [{ Name: "prefix-list-id", Values: ids }] };
    const lists = await this.#sender.sendForAll(
      call,
      (next) => new DescribeManagedPrefixListsCommand({ ...input, ...next }),
      (page) => listed(page.PrefixLists, call),
    );
    return parsePrefixLists(lists);
  }

  /** How many hops an answer of the metadata service may take; null where EC2 does not say. */
  async metadataHopLimit(instanceId: string, signal: AbortSignal): Promise<number | null> {
    const answer = await this.#sender.send(
      { operation: "DescribeInstances", doing: `read instance ${instanceId}`, signal },
      new DescribeInstancesCommand({ InstanceIds: [instanceId] }),
    );
    return answer.Reservations?.[0]?.Instances?.[0]?.MetadataOptions?.HttpPutResponseHopLimit ?? null;
  }

  /** Asks for a subnet only to see whether the role may. */
  async seeSubnet(subnetId: string, signal: AbortSignal): Promise<void> {
    const call = { operation: "DescribeSubnets", doing: `read subnet ${subnetId}`, signal };
    await this.#sender.send(call, new DescribeSubnetsCommand({ SubnetIds: [subnetId] }));
  }

  /** Creates a table, tagged from the start. */
  async createRouteTable(input: CreateRouteTableCommandInput, signal: AbortSignal): Promise<Ec2RouteTable> {
    const doing = `create a route table in ${input.VpcId}`;
    const call = { operation: "CreateRouteTable", doing, signal };
    const { RouteTable } = await this.#sender.send(call, new CreateRouteTableCommand(input));
    if (RouteTable !== undefined) return parseRouteTable(RouteTable);
    throw new CloudError("unavailable", `Cannot ${doing}: EC2's answer does not say which one it made`);
  }

  async deleteRouteTable(id: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    const call = { operation: "DeleteRouteTable", doing: `delete route table ${id}`, signal };
    await this.#sender.send(call, new DeleteRouteTableCommand({ RouteTableId: id, DryRun: dryRun }));
  }

  async createTags(input: CreateTagsCommandInput, signal: AbortSignal): Promise<void> {
    const call = { operation: "CreateTags", doing: `tag ${input.Resources?.join(", ")}`, signal };
    await this.#sender.send(call, new CreateTagsCommand(input));
  }

  async associate(tableId: string, subnetId: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    const doing = `associate subnet ${subnetId} with route table ${tableId}`;
    const input = { RouteTableId: tableId, SubnetId: subnetId, DryRun: dryRun };
    const call = { operation: "AssociateRouteTable", doing, signal };
    await this.#sender.send(call, new AssociateRouteTableCommand(input));
  }

  /** Moves an explicit association to another table in one step. */
  async replaceAssociation(
    associationId: string,
    tableId: string,
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const doing = `move association ${associationId} to route table ${tableId}`;
    const input = { AssociationId: associationId, RouteTableId: tableId, DryRun: dryRun };
    const call = { operation: "ReplaceRouteTableAssociation", doing, signal };
    await this.#sender.send(call, new ReplaceRouteTableAssociationCommand(input));
  }

  /** Ends an explicit association: the subnet falls back to the VPC's main table. */
  async disassociate(associationId: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    const input = { AssociationId: associationId, DryRun: dryRun };
    const call = { operation: "DisassociateRouteTable", doing: `end association ${associationId}`, signal };
    await this.#sender.send(call, new DisassociateRouteTableCommand(input));
  }

  async createRoute(input: CreateRouteCommandInput, signal: AbortSignal): Promise<void> {
    const call = { operation: "CreateRoute", doing: `create route ${routeText(input)}`, signal };
    await this.#sender.send(call, new CreateRouteCommand(input));
  }

  /** Changes what a route points at, in one step and whatever it pointed at before. */
  async replaceRoute(input: ReplaceRouteCommandInput, signal: AbortSignal): Promise<void> {
    const call = { operation: "ReplaceRoute", doing: `replace route ${routeText(input)}`, signal };
    await this.#sender.send(call, new ReplaceRouteCommand(input));
  }

  async deleteRoute(input: DeleteRouteCommandInput, signal: AbortSignal): Promise<void> {
    const call = { operation: "DeleteRoute", doing: `delete route ${routeText(input)}`, signal };
    await this.#sender.send(call, new DeleteRouteCommand(input));
  }

  /** Lets a virtual private gateway put its routes into a table. */
  async enablePropagation(tableId: string, gatewayId: string, signal: AbortSignal): Promise<void> {
    const doing = `propagate routes of ${gatewayId} into route table ${tableId}`;
    const input = { RouteTableId: tableId, GatewayId: gatewayId };
    const call = { operation: "EnableVgwRoutePropagation", doing, signal };
    await this.#sender.send(call, new EnableVgwRoutePropagationCommand(input));
  }

  /** Ends {@linkcode enablePropagation}: the gateway's routes leave the table. */
  async disablePropagation(tableId: string, gatewayId: string, signal: AbortSignal): Promise<void> {
    const doing = `end the propagation of ${gatewayId} into route table ${tableId}`;
    const input = { RouteTableId: tableId, GatewayId: gatewayId };
    const call = { operation: "DisableVgwRoutePropagation", doing, signal };
    await this.#sender.send(call, new DisableVgwRoutePropagationCommand(input));
  }

  /** Adds route tables to a gateway endpoint, or takes them away: the one way to make or end its routes. */
  async modifyVpcEndpoint(input: ModifyVpcEndpointCommandInput, signal: AbortSignal): Promise<void> {
    const doing = `change VPC endpoint ${input.VpcEndpointId}`;
    await this.#sender.send(
      { operation: "ModifyVpcEndpoint", doing, signal },
      new ModifyVpcEndpointCommand(input),
    );
  }

  /** Lets an interface forward packets that are not its own. */
  async disableSourceDestCheck(interfaceId: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    const doing = `switch off the source/dest check of ${interfaceId}`;
    const input = { NetworkInterfaceId: interfaceId, SourceDestCheck: { Value: false }, DryRun: dryRun };
    const call = { operation: "ModifyNetworkInterfaceAttribute", doing, signal };
    await this.#sender.send(call, new ModifyNetworkInterfaceAttributeCommand(input));
  }
}

/**
 * The entries of an answer. One without the element that holds them is no answer of EC2's, but what stands between says so:
 * taken for an empty list it would make VMs and tables vanish.
 *
 * @throws {CloudError} of kind `malformed`.
 */
function listed<T>(entries: T[] | undefined, { doing }: Ec2Call): T[] {
  if (entries !== undefined) return entries;
  throw new CloudError("malformed", `Cannot ${doing}: the answer is not EC2's: it holds no list`);
}

function routeText(input: DeleteRouteCommandInput): string {
  const destination = input.DestinationCidrBlock ?? input.DestinationIpv6CidrBlock ??
    input.DestinationPrefixListId;
  return `${destination} in route table ${input.RouteTableId}`;
}
