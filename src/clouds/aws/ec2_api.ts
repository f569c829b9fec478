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
  DisassociateRouteTableCommand,
  EC2Client,
  type EC2ClientConfig,
  EnableVgwRoutePropagationCommand,
  type Filter,
  ModifyNetworkInterfaceAttributeCommand,
  ModifyVpcEndpointCommand,
  type ModifyVpcEndpointCommandInput,
  ReplaceRouteCommand,
  type ReplaceRouteCommandInput,
  ReplaceRouteTableAssociationCommand,
} from "@aws-sdk/client-ec2";
import { spoilsCredentials, toCloudError } from "./aws_errors.ts";
import {
  type Ec2NetworkInterface,
  type Ec2PrefixList,
  type Ec2RouteTable,
  parseNetworkInterfaces,
  parsePrefixLists,
  parseRouteTable,
  parseRouteTables,
} from "./ec2_answers.ts";
import { untilAborted } from "./until_aborted.ts";

export type {
  CreateRouteCommandInput,
  DeleteRouteCommandInput,
  Filter,
  ModifyVpcEndpointCommandInput,
  ReplaceRouteCommandInput,
};

/** How the API is reached. */
export interface AwsConnection {
  readonly region: string;
  /** In place of the region's public endpoint (`AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`). */
  readonly endpoint: string | undefined;
  /** Deadline of one call in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The SDK hands the client's whole configuration to the default credential chain, which takes this to mean: no instance
 * metadata of version 1, however the token is refused.
 */
type ClientConfig = EC2ClientConfig & { readonly ec2MetadataV1Disabled: true };

/** Settings that all AWS clients here share. */
export function clientConfig(connection: AwsConnection): ClientConfig {
  return {
    region: connection.region,
    ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint }),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: connection.timeoutMs },
    ec2MetadataV1Disabled: true,
    // The SDK's own would ask the operating system for its release, which takes a permission that nothing else needs.
    defaultUserAgentProvider: () => Promise.resolve([["cloudroutesync"]]),
  };
}

/** Most entries EC2 puts on one page of route tables or interfaces when asked for pages; it answers with fewer if it likes. */
const pageSize = 100;

/** EC2, as far as this program speaks it. Every method may throw {@linkcode CloudError}. */
export class Ec2Api {
  readonly #connection: AwsConnection;
  #client: EC2Client | null = null;
  /** By how much EC2's clock is ahead of this VM's, as the SDK finds out from refusals. */
  #clockOffsetMs = 0;

  constructor(connection: AwsConnection) {
    this.#connection = connection;
  }

  /** Tables that match all filters. */
  async findRouteTables(filters: Filter[], signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const tables: unknown[] = [];
    let token: string | undefined;
    do {
      const page = await this.#call(
        "DescribeRouteTables",
        "find route tables",
        signal,
        (client, options) =>
          client.send(
            new DescribeRouteTablesCommand({ Filters: filters, MaxResults: pageSize, NextToken: token }),
            options,
          ),
      );
      tables.push(...page.RouteTables ?? []);
      token = page.NextToken;
    } while (token);
    return parseRouteTables(tables);
  }

  /** Tables by id. @throws {CloudError} `gone` if one of them does not exist. */
  async readRouteTables(ids: string[], signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const doing = `read route table ${ids.join(", ")}`;
    const tables: unknown[] = [];
    let token: string | undefined;
    do {
      const page = await this.#call(
        "DescribeRouteTables",
        doing,
        signal,
        (client, options) =>
          client.send(new DescribeRouteTablesCommand({ RouteTableIds: ids, NextToken: token }), options),
      );
      tables.push(...page.RouteTables ?? []);
      token = page.NextToken;
    } while (token);
    return parseRouteTables(tables);
  }

  /** Network interfaces that match all filters. */
  async findNetworkInterfaces(filters: Filter[], signal: AbortSignal): Promise<Ec2NetworkInterface[]> {
    const found: unknown[] = [];
    let token: string | undefined;
    do {
      const page = await this.#call(
        "DescribeNetworkInterfaces",
        "find network interfaces",
        signal,
        (client, options) =>
          client.send(
            new DescribeNetworkInterfacesCommand({
              Filters: filters,
              MaxResults: pageSize,
              NextToken: token,
            }),
            options,
          ),
      );
      found.push(...page.NetworkInterfaces ?? []);
      token = page.NextToken;
    } while (token);
    return parseNetworkInterfaces(found);
  }

  /** Managed prefix lists by id; AWS' own among them. */
  async readPrefixLists(ids: string[], signal: AbortSignal): Promise<Ec2PrefixList[]> {
    const doing = `read prefix list ${ids.join(", ")}`;
    const lists: unknown[] = [];
    let token: string | undefined;
    do {
      const page = await this.#call(
        "DescribeManagedPrefixLists",
        doing,
        signal,
        (client, options) =>
          client.send(
            new DescribeManagedPrefixListsCommand({
              Filters: [{ Name: "prefix-list-id", Values: ids }],
              NextToken: token,
            }),
            options,
          ),
      );
      lists.push(...page.PrefixLists ?? []);
      token = page.NextToken;
    } while (token);
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
    return parseRouteTable(answer.RouteTable);
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
    try {
      return await untilAborted(invoke(client, { abortSignal }), abortSignal);
    } catch (cause) {
      signal.throwIfAborted();
      const error = toCloudError({
        doing,
        permission: `ec2:${operation}`,
        error: cause,
        timedOut: deadline.aborted,
        now: Date.now(),
      });
      if (spoilsCredentials(error)) this.#discard(client);
      throw error;
    }
  }

  #newClient(): EC2Client {
    return new EC2Client({ ...clientConfig(this.#connection), systemClockOffset: this.#clockOffsetMs });
  }

  /**
   * A client remembers its credentials: one whose credentials were refused is of no more use. What it has learnt of EC2's clock goes
   * on, since requests expire too where a VM's clock is slow.
   */
  #discard(client: EC2Client): void {
    if (this.#client !== client) return;
    this.#clockOffsetMs = client.config.systemClockOffset;
    this.#client = null;
  }
}

function routeText(input: DeleteRouteCommandInput): string {
  const destination = input.DestinationCidrBlock ?? input.DestinationIpv6CidrBlock ??
    input.DestinationPrefixListId;
  return `${destination} in route table ${input.RouteTableId}`;
}
