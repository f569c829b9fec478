/**
 * AWS: routes of a VPC route table that point at network interfaces.
 *
 * Identity comes from instance metadata (version 2), everything else from EC2's API. A route carries no mark of its owner there,
 * so ownership is the ledger's; a table of its own carries tags.
 */

import type { IpAddress } from "../../routes/prefix.ts";
import type {
  Change,
  Cloud,
  CloudIdentity,
  CloudTable,
  CloudTraits,
  Finding,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { checkAws } from "./checks.ts";
import type { Ec2RouteTable } from "./ec2_answers.ts";
import { type AwsConnection, Ec2Api } from "./ec2_api.ts";
import { iamPolicy } from "./iam_policy.ts";
import { identityOf } from "./identity.ts";
import { type InstanceFacts, InstanceMetadata, metadataBase } from "./instance_metadata.ts";
import { InterfaceLookup } from "./interface_lookup.ts";
import { OwnTable } from "./own_table.ts";
import { PrefixListSizes } from "./prefix_list_sizes.ts";
import { askServiceQuotas, RouteLimit } from "./route_limit.ts";
import { writeChange } from "./route_writer.ts";
import { cloudRoutesOf, cloudTableOf, prefixListsOf, quotasOf, usedBy } from "./table_state.ts";
import { systemTime, type Time } from "./time.ts";

/** Deadline of one call of the API, in milliseconds. */
const callTimeoutMs = 10_000;

const traits: CloudTraits = {
  changesPerWrite: 1,
  concurrentWrites: 4,
  // EC2 lets each mutating call of an account and region have a bucket of 50, refilled with 5 a second
  // (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html); some is left for others.
  pace: { perSecond: 4, burst: 40 },
  nextHopsPerRoute: 1,
  ownership: "ledger",
  uniquePrefix: true,
};

/** What needs the region, which may have to be asked for first. */
interface Session {
  readonly api: Ec2Api;
  readonly own: OwnTable;
  readonly interfaces: InterfaceLookup;
  readonly lists: PrefixListSizes;
  readonly limit: RouteLimit;
}

/** Opens AWS; makes no call yet. */
export function openAws(options: CloudOptions, time: Time = systemTime): Cloud {
  return new AwsCloud(options, time);
}

class AwsCloud implements Cloud {
  readonly name = "aws";
  readonly traits = traits;
  readonly #options: CloudOptions;
  readonly #time: Time;
  readonly #metadata: InstanceMetadata;
  #facts: InstanceFacts | null = null;
  #session: Session | null = null;

  constructor(options: CloudOptions, time: Time) {
    this.#options = options;
    this.#time = time;
    this.#metadata = new InstanceMetadata(
      options.imdsEndpoint ?? metadataBase(options.environment),
      time.now,
    );
  }

  async identify(signal: AbortSignal): Promise<CloudIdentity> {
    this.#facts = await this.#metadata.facts(signal);
    return identityOf(this.#facts);
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const tables = await this.#locate(signal);
    return tables.map((table) => cloudTableOf(table, this.#options.owner));
  }

  async prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    if (this.#options.routeTables.length > 0) return await this.locate(signal);
    const { own } = await this.#open(signal);
    return [cloudTableOf(await own.prepare(await this.#place(signal), signal), this.#options.owner)];
  }

  async resolve(
    gateways: readonly IpAddress[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const { interfaces } = await this.#open(signal);
    return await interfaces.find(gateways, (await this.#place(signal)).vpcId, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const { api, limit } = await this.#open(signal);
    const [read] = await Promise.all([this.#readOne(api, table.id, signal), limit.refresh(signal)]);
    return await this.#stateOf(read, signal);
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    _state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const outcomes: (CloudError | null)[] = [];
    for (const change of changes) outcomes.push(await this.#writeOne(table, change, signal));
    return { outcomes };
  }

  async remove(signal: AbortSignal): Promise<void> {
    if (this.#options.routeTables.length > 0) return;
    const { own } = await this.#open(signal);
    await own.remove(await this.#place(signal), signal);
  }

  async check(options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    try {
      const identity = await this.identify(signal);
      const who: Finding = {
        name: "identity",
        status: "ok",
        detail: `${identity.instance}, interface ${this.#facts?.primary.id}, in ${this.#facts?.region}`,
      };
      return [who, ...await this.#checkTables(options.fix, signal)];
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      return [{ name: "identity", status: "bad", detail: error.message }];
    }
  }

  policy(): string {
    return iamPolicy({
      owner: this.#options.owner,
      region: this.#facts?.region ?? this.#regionOfEnvironment() ?? "*",
      accountId: this.#facts?.accountId ?? "*",
      vpcId: this.#facts?.primary.vpcId ?? "*",
      routeTables: this.#options.routeTables,
    });
  }

  describe(nextHop: string): string {
    const own = this.#facts?.interfaces.find((each) => each.id === nextHop)?.addresses[0]?.text;
    const address = own ?? this.#session?.interfaces.addressOf(nextHop) ?? null;
    return address === null ? nextHop : `${nextHop} (${address})`;
  }

  async #locate(signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const { api, own } = await this.#open(signal);
    const place = await this.#place(signal);
    if (this.#options.routeTables.length === 0) {
      const table = await own.find(place, signal);
      return table === null ? [] : [table];
    }
    const tables = await api.readRouteTables([...this.#options.routeTables], signal);
    const stray = tables.find((table) => table.VpcId !== place.vpcId);
    if (stray === undefined) return tables;
    throw new CloudError(
      "invalid",
      `Cannot keep route table ${stray.RouteTableId} in step: it is in ${stray.VpcId}, this VM in ${place.vpcId}`,
    );
  }

  async #writeOne(table: CloudTable, change: Change, signal: AbortSignal): Promise<CloudError | null> {
    const session = await this.#open(signal);
    const error = await writeChange(session.api, table.id, change, signal);
    if (error?.code === "InvalidNetworkInterfaceID.NotFound") {
      for (const id of change.to ?? []) session.interfaces.forget(id);
    }
    return error?.code === "RouteLimitExceeded"
      ? await this.#learnLimit(table, change, error, signal)
      : error;
  }

  /** A full table holds as many routes as it may: that is the limit, where Service Quotas does not tell it. */
  async #learnLimit(
    table: CloudTable,
    change: Change,
    error: CloudError,
    signal: AbortSignal,
  ): Promise<CloudError> {
    const { api, limit, lists } = await this.#open(signal);
    const { family } = change.prefix;
    const known = limit.of(table.id, family);
    if (known !== null) return withLimit(error, known);
    try {
      const read = await this.#readOne(api, table.id, signal);
      const full = usedBy(read, await lists.of(prefixListsOf(read), signal), family);
      limit.learn(table.id, family, full);
      return withLimit(error, full);
    } catch (cause) {
      if (!(cause instanceof CloudError)) throw cause;
      return error;
    }
  }

  async #checkTables(fix: boolean, signal: AbortSignal): Promise<Finding[]> {
    const { api, limit } = await this.#open(signal);
    const facts = await this.#known(signal);
    let tables: Ec2RouteTable[] = [];
    const findings: Finding[] = [];
    try {
      tables = await this.#locate(signal);
      await limit.refresh(signal);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      findings.push({ name: "route table", status: "bad", detail: error.message });
    }
    const seen = await Promise.all(
      tables.map(async (table) => ({ table, quotas: (await this.#stateOf(table, signal)).quotas })),
    );
    const handedOver = this.#options.routeTables.length > 0;
    const context = { api, facts, fix, handedOver, owner: this.#options.owner, tables: seen };
    return [...findings, ...await checkAws(context, signal)];
  }

  async #stateOf(read: Ec2RouteTable, signal: AbortSignal): Promise<TableState> {
    const { limit, lists } = await this.#open(signal);
    const sizes = await lists.of(prefixListsOf(read), signal);
    return {
      table: cloudTableOf(read, this.#options.owner),
      routes: cloudRoutesOf(read),
      quotas: quotasOf(read, sizes, (family) => limit.of(read.RouteTableId, family)),
      version: null,
    };
  }

  async #readOne(api: Ec2Api, id: string, signal: AbortSignal): Promise<Ec2RouteTable> {
    const [table] = await api.readRouteTables([id], signal);
    if (table !== undefined) return table;
    throw new CloudError("gone", `Cannot read route table ${id}: EC2 answers without it`);
  }

  async #known(signal: AbortSignal): Promise<InstanceFacts> {
    return this.#facts ??= await this.#metadata.facts(signal);
  }

  async #place(signal: AbortSignal): Promise<{ readonly vpcId: string; readonly subnetId: string }> {
    return (await this.#known(signal)).primary;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    if (this.#session !== null) return this.#session;
    const region = this.#regionOfEnvironment() ?? (await this.#known(signal)).region;
    const api = new Ec2Api(this.#connection(region, "EC2"));
    return this.#session ??= {
      api,
      own: new OwnTable(api, this.#options, this.#time),
      interfaces: new InterfaceLookup(api, this.#time.now),
      lists: new PrefixListSizes(api, this.#time.now),
      limit: new RouteLimit(askServiceQuotas(this.#connection(region, "SERVICE_QUOTAS")), this.#time.now),
    };
  }

  #connection(region: string, service: string): AwsConnection {
    const endpoint = this.#variable(`AWS_ENDPOINT_URL_${service}`) ?? this.#variable("AWS_ENDPOINT_URL");
    return { region, endpoint, timeoutMs: callTimeoutMs };
  }

  #regionOfEnvironment(): string | undefined {
    return this.#variable("AWS_REGION") ?? this.#variable("AWS_DEFAULT_REGION");
  }

  /** An empty variable counts as none. */
  #variable(name: string): string | undefined {
    return this.#options.environment(name) || undefined;
  }
}

function withLimit(error: CloudError, limit: number): CloudError {
  return new CloudError("quota", `${error.message} (the table holds ${limit} routes)`, {
    ...error,
    limit,
    cause: error.cause,
  });
}
