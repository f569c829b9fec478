/**
 * The calls of EC2 that are used, each with a deadline and made once: retries are the reconciler's. Nothing else imports the
 * EC2 SDK, and only the commands used are named, so that a bundler drops the other 700.
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
  EC2Client,
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
import { spoilsCredentials, toCloudError } from "./errors.ts";
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
import { type AwsEndpoint, clientConfig } from "./sdk_client.ts";
import { abortable } from "../../async/abortable.ts";

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
  readonly #connection: AwsEndpoint;
  #client: EC2Client | null = null;
  /** By how much EC2's clock is ahead of this VM's, as the SDK finds out from refusals. */
  #clockOffsetMs = 0;

  constructor(connection: AwsEndpoint) {
    this.#connection = connection;
  }

  /** Tables that match all filters. */
  async findRouteTables(filters: Filter[], signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const doing = "find route tables";
    const tables = await this.#pages(
      "DescribeRouteTables",
      doing,
      signal,
      (client, options, next) =>
        client.send(
          new DescribeRouteTablesCommand({ Filters: filters, MaxResults: pageSize, ...next }),
          options,
        ),
      (page) => listed(page.RouteTables, doing),
    );
    return parseRouteTables(tables);
  }

  /** Tables by id. @throws {CloudError} `gone` if one of them does not exist. */
  async readRouteTables(ids: string[], signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const doing = `read route table ${ids.join(", ")}`;
    const tables = await this.#pages(
      "DescribeRouteTables",
      doing,
      signal,
      (client, options, next) =>
        client.send(new DescribeRouteTablesCommand({ RouteTableIds: ids, ...next }), options),
      (page) => listed(page.RouteTables, doing),
    );
    return parseRouteTables(tables);
  }

  /** Network interfaces that match all filters. */
  async findNetworkInterfaces(filters: Filter[], signal: AbortSignal): Promise<Ec2NetworkInterface[]> {
    const doing = "find network interfaces";
    const found = await this.#pages(
      "DescribeNetworkInterfaces",
      doing,
      signal,
      (client, options, next) =>
        client.send(
          new DescribeNetworkInterfacesCommand({
            Filters: filters,
            MaxResults: pageSize,
            ...next,
          }),
          options,
        ),
      (page) => listed(page.NetworkInterfaces, doing),
    );
    return parseNetworkInterfaces(found);
  }

  /** All interfaces of the instances that filters match. */
  async findInterfacesOfInstances(filters: Filter[], signal: AbortSignal): Promise<Ec2NetworkInterface[]> {
    return (await this.findInstances(filters, signal)).flatMap(({ NetworkInterfaces }) => NetworkInterfaces);
  }

  /** The instances that filters match. */
  async findInstances(filters: Filter[], signal: AbortSignal): Promise<Ec2Instance[]> {
    const found = await this.#pages(
      "DescribeInstances",
      "find instances",
      signal,
      (client, options, next) =>
        client.send(
          new DescribeInstancesCommand({ Filters: filters, MaxResults: pageSize, ...next }),
          options,
        ),
      ({ Reservations = [] }) => Reservations.flatMap(({ Instances }) => Instances ?? []),
    );
    return parseInstances(found);
  }

  /** Managed prefix lists by id; AWS' own among them. */
  async readPrefixLists(ids: string[], signal: AbortSignal): Promise<Ec2PrefixList[]> {
    const doing = `read prefix list ${ids.join(", ")}`;
    const lists = await this.#pages(
      "DescribeManagedPrefixLists",
      doing,
      signal,
      (client, options, next) =>
        client.send(
          new DescribeManagedPrefixListsCommand({
            Filters: [{ Name: "prefix-list-id", Values: ids }],
            ...next,
          }),
          options,
        ),
      (page) => listed(page.PrefixLists, doing),
    );
    return parsePrefixLists(lists);
  }

  /** How many hops an answer of the metadata service may take; null where EC2 does not say. */
  async metadataHopLimit(instanceId: string, signal: AbortSignal): Promise<number | null> {
    const answer = await this.#call(
      "DescribeInstances",
      `read instance ${instanceId}`,
      signal,
      (client, options) => client.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }), options),
    );
    return answer.Reservations?.[0]?.Instances?.[0]?.MetadataOptions?.HttpPutResponseHopLimit ?? null;
  }

  /** Asks for a subnet only to see whether the role may. */
  async seeSubnet(subnetId: string, signal: AbortSignal): Promise<void> {
    await this.#call(
      "DescribeSubnets",
      `read subnet ${subnetId}`,
      signal,
      (client, options) => client.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }), options),
    );
  }

  /** Creates a table, tagged from the start. */
  async createRouteTable(input: CreateRouteTableCommandInput, signal: AbortSignal): Promise<Ec2RouteTable> {
    const doing = `create a route table in ${input.VpcId}`;
    const answer = await this.#call(
      "CreateRouteTable",
      doing,
      signal,
      (client, options) => client.send(new CreateRouteTableCommand(input), options),
    );
    if (answer.RouteTable !== undefined) return parseRouteTable(answer.RouteTable);
    throw new CloudError("unavailable", `Cannot ${doing}: EC2's answer does not say which one it made`);
  }

  async deleteRouteTable(id: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    await this.#call(
      "DeleteRouteTable",
      `delete route table ${id}`,
      signal,
      (client, options) =>
        client.send(new DeleteRouteTableCommand({ RouteTableId: id, DryRun: dryRun }), options),
    );
  }

  async createTags(input: CreateTagsCommandInput, signal: AbortSignal): Promise<void> {
    await this.#call(
      "CreateTags",
      `tag ${input.Resources?.join(", ")}`,
      signal,
      (client, options) => client.send(new CreateTagsCommand(input), options),
    );
  }

  async associate(tableId: string, subnetId: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    const doing = `associate subnet ${subnetId} with route table ${tableId}`;
    await this.#call("AssociateRouteTable", doing, signal, (client, options) =>
      client.send(
        new AssociateRouteTableCommand({ RouteTableId: tableId, SubnetId: subnetId, DryRun: dryRun }),
        options,
      ));
  }

  /** Moves an explicit association to another table in one step. */
  async replaceAssociation(
    associationId: string,
    tableId: string,
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const doing = `move association ${associationId} to route table ${tableId}`;
    await this.#call("ReplaceRouteTableAssociation", doing, signal, (client, options) =>
      client.send(
        new ReplaceRouteTableAssociationCommand({
          AssociationId: associationId,
          RouteTableId: tableId,
          DryRun: dryRun,
        }),
        options,
      ));
  }

  /** Ends an explicit association: the subnet falls back to the VPC's main table. */
  async disassociate(associationId: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    await this.#call(
      "DisassociateRouteTable",
      `end association ${associationId}`,
      signal,
      (client, options) =>
        client.send(
          new DisassociateRouteTableCommand({ AssociationId: associationId, DryRun: dryRun }),
          options,
        ),
    );
  }

  async createRoute(input: CreateRouteCommandInput, signal: AbortSignal): Promise<void> {
    await this.#call(
      "CreateRoute",
      `create route ${routeText(input)}`,
      signal,
      (client, options) => client.send(new CreateRouteCommand(input), options),
    );
  }

  /** Changes what a route points at, in one step and whatever it pointed at before. */
  async replaceRoute(input: ReplaceRouteCommandInput, signal: AbortSignal): Promise<void> {
    await this.#call(
      "ReplaceRoute",
      `replace route ${routeText(input)}`,
      signal,
      (client, options) => client.send(new ReplaceRouteCommand(input), options),
    );
  }

  async deleteRoute(input: DeleteRouteCommandInput, signal: AbortSignal): Promise<void> {
    await this.#call(
      "DeleteRoute",
      `delete route ${routeText(input)}`,
      signal,
      (client, options) => client.send(new DeleteRouteCommand(input), options),
    );
  }

  /** Lets a virtual private gateway put its routes into a table. */
  async enablePropagation(tableId: string, gatewayId: string, signal: AbortSignal): Promise<void> {
    const doing = `propagate routes of ${gatewayId} into route table ${tableId}`;
    await this.#call("EnableVgwRoutePropagation", doing, signal, (client, options) =>
      client.send(
        new EnableVgwRoutePropagationCommand({ RouteTableId: tableId, GatewayId: gatewayId }),
        options,
      ));
  }

  /** Ends {@linkcode enablePropagation}: the gateway's routes leave the table. */
  async disablePropagation(tableId: string, gatewayId: string, signal: AbortSignal): Promise<void> {
    const doing = `end the propagation of ${gatewayId} into route table ${tableId}`;
    await this.#call("DisableVgwRoutePropagation", doing, signal, (client, options) =>
      client.send(
        new DisableVgwRoutePropagationCommand({ RouteTableId: tableId, GatewayId: gatewayId }),
        options,
      ));
  }

  /** Adds route tables to a gateway endpoint, or takes them away: the one way to make or end its routes. */
  async modifyVpcEndpoint(input: ModifyVpcEndpointCommandInput, signal: AbortSignal): Promise<void> {
    await this.#call(
      "ModifyVpcEndpoint",
      `change VPC endpoint ${input.VpcEndpointId}`,
      signal,
      (client, options) => client.send(new ModifyVpcEndpointCommand(input), options),
    );
  }

  /** Lets an interface forward packets that are not its own. */
  async disableSourceDestCheck(interfaceId: string, dryRun: boolean, signal: AbortSignal): Promise<void> {
    const doing = `switch off the source/dest check of ${interfaceId}`;
    await this.#call("ModifyNetworkInterfaceAttribute", doing, signal, (client, options) =>
      client.send(
        new ModifyNetworkInterfaceAttributeCommand({
          NetworkInterfaceId: interfaceId,
          SourceDestCheck: { Value: false },
          DryRun: dryRun,
        }),
        options,
      ));
  }

  /** Calls a list as often as it has pages. @param entriesOf takes what is listed out of a page. */
  async #pages<Page extends { readonly NextToken?: string | undefined }, Entry>(
    operation: string,
    doing: string,
    signal: AbortSignal,
    invoke: (
      client: EC2Client,
      options: { readonly abortSignal: AbortSignal },
      next: { readonly NextToken?: string },
    ) => Promise<Page>,
    entriesOf: (page: Page) => readonly Entry[],
  ): Promise<Entry[]> {
    const entries: Entry[] = [];
    let next: { readonly NextToken?: string } = {};
    for (;;) {
      const from = next;
      const page = await this.#call(
        operation,
        doing,
        signal,
        (client, options) => invoke(client, options, from),
      );
      entries.push(...entriesOf(page));
      if (!page.NextToken) return entries;
      next = { NextToken: page.NextToken };
    }
  }

  /** Makes one call, once, within the deadline; its failure becomes a {@linkcode CloudError}. */
  async #call<Output>(
    operation: string,
    doing: string,
    signal: AbortSignal,
    invoke: (client: EC2Client, options: { readonly abortSignal: AbortSignal }) => Promise<Output>,
  ): Promise<Output> {
    const deadline = AbortSignal.timeout(this.#connection.timeoutMs);
    const abortSignal = AbortSignal.any([signal, deadline]);
    const client = this.#client ??= this.#newClient();
    const { credentials } = this.#connection;
    const used = credentials.current;
    try {
      return await abortable(invoke(client, { abortSignal }), abortSignal);
    } catch (cause) {
      signal.throwIfAborted();
      const error = toCloudError({
        doing,
        permission: `ec2:${operation}`,
        error: cause,
        timedOut: deadline.aborted,
        now: Date.now(),
      });
      // A client waits for ever for credentials whose answer broke off, and with it every call.
      if (spoilsCredentials(error)) credentials.refused(used ?? credentials.current);
      if (deadline.aborted || spoilsCredentials(error)) this.#discard(client);
      throw error;
    }
  }

  #newClient(): EC2Client {
    return new EC2Client({ ...clientConfig(this.#connection), systemClockOffset: this.#clockOffsetMs });
  }

  /**
   * A client remembers its credentials: one whose credentials were refused is of no more use. What it knows of EC2's clock goes
   * on, since requests expire too where a VM's clock is slow.
   */
  #discard(client: EC2Client): void {
    if (this.#client !== client) return;
    this.#clockOffsetMs = client.config.systemClockOffset;
    this.#client = null;
  }
}

/**
 * The entries of an answer. One without the element that holds them is no answer of EC2's, but what stands between says so:
 * taken for an empty list it would make VMs and tables vanish.
 *
 * @throws {CloudError} of kind `malformed`.
 */
function listed<T>(entries: T[] | undefined, doing: string): T[] {
  if (entries !== undefined) return entries;
  throw new CloudError("malformed", `Cannot ${doing}: the answer is not EC2's: it holds no list`);
}

function routeText(input: DeleteRouteCommandInput): string {
  const destination = input.DestinationCidrBlock ?? input.DestinationIpv6CidrBlock ??
    input.DestinationPrefixListId;
  return `${destination} in route table ${input.RouteTableId}`;
}
