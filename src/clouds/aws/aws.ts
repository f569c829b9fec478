/**
 * AWS: routes of a VPC route table that point at network interfaces.
 *
 * Identity comes from instance metadata (version 2), everything else from EC2's API. A route carries no mark of its owner there,
 * so ownership is the ledger's; a table of its own carries tags.
 */

import type { Clock } from "../../async/clock.ts";
import { systemClock } from "../../async/system_clock.ts";
import type { IpAddress, Prefix } from "../../routes/prefix.ts";
import type {
  Change,
  ChangeOutcome,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudTable,
  CloudTraits,
  DeadPeer,
  Finding,
  Foresight,
  Neighbour,
  PeerRouter,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { readCertificates } from "../kit/certificates.ts";
import { failedFinding } from "../kit/doctor.ts";
import { namedTables, noTaggedTable } from "../kit/table_tag.ts";
import type { Transport } from "../kit/transport.ts";
import { checkAws, remedyOf } from "./doctor.ts";
import { openCredentials, shareCredentials } from "./credentials.ts";
import { type Ec2Route, type Ec2RouteTable, tagOf } from "./schemas.ts";
import { abandonedRoutes, goneInterfaces } from "./abandoned_routes.ts";
import { isOwnTable } from "./tags.ts";
import { taggedTables } from "./tagged_tables.ts";
import { Ec2Api } from "./api.ts";
import { findDeadPeers } from "./dead_peers.ts";
import { sourceDestFinding } from "./forwarding.ts";
import { iamPolicy } from "./permissions.ts";
import { factsOf, identityOf } from "./identity.ts";
import { type InstanceFacts, InstanceMetadata, metadataBases } from "./metadata.ts";
import { InterfaceLookup } from "./neighbours.ts";
import { OwnTable } from "./own_table.ts";
import { SubnetUse } from "./subnet_use.ts";
import { PrefixListSizes } from "./prefix_list_sizes.ts";
import { askServiceQuotas, RouteLimit } from "./quota.ts";
import type { AwsEndpoint } from "./sdk_client.ts";
import { writeRate } from "./write_rate.ts";
import { writeChange } from "./writer.ts";
import { cloudRoutesOf, cloudTableOf, prefixListsOf, quotasOf, usedBy } from "./routes.ts";

/** Deadline of one call of the API, in milliseconds. */
const callTimeoutMs = 10_000;

const traits: CloudTraits = {
  batch: 1,
  atomic: false,
  parallel: 4,
  rate: writeRate,
  nextHopsPerRoute: 1,
  ownership: "ledger",
  // A route to an instance that does not run is a `blackhole`.
  readingShowsDead: true,
  uniquePrefix: true,
};

/** What speaks to one region; it outlives a connection. */
interface Region {
  readonly name: string;
  readonly api: Ec2Api;
  readonly own: OwnTable;
  readonly interfaces: InterfaceLookup;
  readonly subnetUse: SubnetUse;
  readonly lists: PrefixListSizes;
  readonly limit: RouteLimit;
}

/** Opens AWS; makes no call yet. */
export function openAws(options: CloudOptions, clock: Clock = systemClock): Cloud {
  return new AwsCloud(options, clock);
}

class AwsCloud implements Cloud {
  readonly name = "aws";
  readonly traits = traits;
  readonly #options: CloudOptions;
  readonly #clock: Clock;
  readonly #now = (): number => this.#clock.now();
  readonly #transport: Transport;
  readonly #metadata: InstanceMetadata;
  #facts: InstanceFacts | null = null;
  #region: Region | null = null;

  constructor(options: CloudOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#transport = transportOf(options);
    this.#metadata = new InstanceMetadata(
      this.#transport,
      metadataBases(options.environment),
      this.#now,
    );
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    const facts = factsOf(await this.#metadata.facts(signal), this.#options.self);
    this.#facts = facts;
    return new AwsConnection(this.#options, facts, this.#open(facts));
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
    const address = own ?? this.#region?.interfaces.addressOf(nextHop) ?? null;
    return address === null ? nextHop : `${nextHop} (${address})`;
  }

  /** What speaks to the region of this VM, made once a region. */
  #open(facts: InstanceFacts): Region {
    const name = this.#regionOfEnvironment() ?? facts.region;
    if (this.#region?.name === name) return this.#region;
    const endpoints = this.#endpoints(name);
    const api = new Ec2Api(endpoints("EC2"));
    return this.#region = {
      name,
      api,
      own: new OwnTable(api, this.#options, this.#clock),
      interfaces: new InterfaceLookup(api, this.#now),
      subnetUse: new SubnetUse(api, this.#now),
      lists: new PrefixListSizes(api, this.#now),
      limit: new RouteLimit(askServiceQuotas(endpoints("SERVICE_QUOTAS")), this.#now),
    };
  }

  /** How each service of a region is reached; the credentials are the same for all. */
  #endpoints(region: string): (service: string) => AwsEndpoint {
    const [transport, metadata] = [this.#transport, this.#metadata];
    const { environment } = this.#options;
    const credentials = shareCredentials(openCredentials({ environment, transport, metadata, region }));
    return (service) => {
      const endpoint = this.#variable(`AWS_ENDPOINT_URL_${service}`) ?? this.#variable("AWS_ENDPOINT_URL");
      return { transport, region, credentials, endpoint, timeoutMs: callTimeoutMs };
    };
  }

  #regionOfEnvironment(): string | undefined {
    return this.#variable("AWS_REGION") ?? this.#variable("AWS_DEFAULT_REGION");
  }

  /** An empty variable counts as none. */
  #variable(name: string): string | undefined {
    return this.#options.environment(name) || undefined;
  }
}

/** AWS' own variable for private authorities, besides those that count for every cloud. */
function transportOf({ transport, environment }: CloudOptions): Transport {
  const readFile = (path: string): string => Deno.readTextFileSync(path);
  const certificates = readCertificates(["AWS_CA_BUNDLE"], { environment, readFile });
  return certificates.length === 0 ? transport : transport.trusting(certificates);
}

/** AWS with this VM known. */
class AwsConnection implements CloudConnection {
  readonly identity: CloudIdentity;
  readonly #options: CloudOptions;
  readonly #facts: InstanceFacts;
  readonly #region: Region;

  constructor(options: CloudOptions, facts: InstanceFacts, region: Region) {
    this.#options = options;
    this.#facts = facts;
    this.#region = region;
    this.identity = identityOf(facts);
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const { owner, routeTables } = this.#options;
    const { ids } = namedTables(routeTables);
    const tables = (await this.#locate(signal)).map((table) => ({
      ...cloudTableOf(table, owner),
      ...(ids.includes(table.RouteTableId) ? {} : this.#foundBy(table)),
    }));
    // One of several that is not there is told by its reading, and looked for again: the others do not wait for it.
    const missing = ids.filter((id) => !tables.some((table) => table.id === id));
    return [...tables, ...missing.map((id) => ({ id, name: id, ours: false }))];
  }

  async prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    if (this.#options.routeTables.length > 0) return await this.locate(signal);
    const { own } = this.#region;
    return [cloudTableOf(await own.prepare(this.#facts.primary, signal), this.#options.owner)];
  }

  async foresee(signal: AbortSignal): Promise<Foresight> {
    if (this.#options.routeTables.length > 0) return { steps: [], toBe: null };
    const { own, limit } = this.#region;
    const { steps, toBe } = await own.foresee(this.#facts.primary, signal);
    if (toBe === null) return { steps, toBe };
    await limit.refresh(signal);
    return { steps, toBe: await this.#stateOf(toBe, signal) };
  }

  async resolve(
    neighbours: readonly Neighbour[],
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]> {
    const { interfaces } = this.#region;
    const gateways = neighbours.map(({ gateway }) => gateway);
    return await interfaces.find(gateways, this.#facts.primary.vpcId, signal);
  }

  forget(gateways: readonly IpAddress[]): void {
    this.#region.interfaces.forget(gateways);
  }

  findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]> {
    return findDeadPeers(this.#region.api, peers, signal);
  }

  findGone(nextHops: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    return goneInterfaces(this.#region.api, nextHops, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const { api, limit, own } = this.#region;
    const reading = this.#readOne(api, table.id, signal).catch((error: unknown) => {
      own.doubt(table.id, error);
      throw error;
    });
    const [read] = await Promise.all([reading, limit.refresh(signal)]);
    if (read.VpcId !== this.#facts.primary.vpcId) throw this.#strayError(read);
    return await this.#stateOf(read, signal);
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    _state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const outcomes: ChangeOutcome[] = [];
    for (const change of changes) {
      outcomes.push({ change, error: await this.#writeOne(table, change, signal) });
    }
    return { outcomes };
  }

  async forwarding(
    _ownPrefixes: () => readonly Prefix[],
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    return [await sourceDestFinding(this.#region.api, this.#facts.primary.id, signal)];
  }

  async remove(signal: AbortSignal): Promise<void> {
    if (this.#options.routeTables.length > 0) return;
    const { own } = this.#region;
    await own.remove(this.#facts.primary, signal);
  }

  async check(options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    const { api, limit, own } = this.#region;
    const facts = this.#facts;
    let tables: readonly Ec2RouteTable[] = [];
    const findings: Finding[] = [];
    try {
      tables = await this.#locate(signal);
      await limit.refresh(signal);
    } catch (error) {
      findings.push(failedFinding("route table", error, signal, remedyOf));
    }
    const seen = await Promise.all(
      tables.map(async (table) => ({ table, quotas: (await this.#stateOf(table, signal)).quotas })),
    );
    const { owner, routeTables } = this.#options;
    const context = {
      api,
      own,
      facts,
      fix: options.fix,
      handedOver: routeTables.length > 0,
      owner,
      tables: seen,
    };
    return [...findings, ...await checkAws(context, signal)];
  }

  async #locate(signal: AbortSignal): Promise<readonly Ec2RouteTable[]> {
    const { api, own } = this.#region;
    const subnet = this.#facts.primary;
    if (this.#options.routeTables.length === 0) {
      const table = await own.find(subnet, signal);
      return table === null ? [] : [table];
    }
    const { ids, tags } = namedTables(this.#options.routeTables);
    const tagged = await taggedTables(api, tags, subnet.vpcId, signal);
    if (ids.length === 0) {
      if (tagged.length === 0) throw noTaggedTable(tags, `route table in ${subnet.vpcId}`);
      return tagged;
    }
    const tables = await api.findRouteTables([{ Name: "route-table-id", Values: [...ids] }], signal);
    if (tagged.length === 0) {
      // EC2's own words about the first one.
      if (tables.length === 0) await this.#readOne(api, ids[0] ?? "", signal);
      const [stray] = tables;
      if (stray !== undefined && tables.every(({ VpcId }) => VpcId !== subnet.vpcId)) {
        throw this.#strayError(stray);
      }
    }
    const others = tagged.filter(({ RouteTableId }) => !ids.includes(RouteTableId));
    return [...tables, ...others];
  }

  /** The tag of `-route-table` that a table has. */
  #foundBy(table: Ec2RouteTable): Pick<CloudTable, "foundBy"> {
    const { tags } = namedTables(this.#options.routeTables);
    const tag = tags.find(({ key, value }) => tagOf(table, key) === value);
    return tag === undefined ? {} : { foundBy: tag.text };
  }

  #strayError({ RouteTableId, VpcId }: Ec2RouteTable): CloudError {
    const { vpcId } = this.#facts.primary;
    return new CloudError(
      "invalid",
      `Cannot keep route table ${RouteTableId} in step: it is in ${VpcId}, this VM in ${vpcId}`,
    );
  }

  async #writeOne(table: CloudTable, change: Change, signal: AbortSignal): Promise<CloudError | null> {
    const { api, interfaces } = this.#region;
    const error = await writeChange(api, table.id, change, signal);
    if (error?.code === "InvalidNetworkInterfaceID.NotFound") {
      for (const id of change.to ?? []) interfaces.forgetInterface(id);
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
    const { api, limit, lists } = this.#region;
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

  async #stateOf(read: Ec2RouteTable, signal: AbortSignal): Promise<TableState> {
    const { limit, lists } = this.#region;
    const sizes = await lists.of(prefixListsOf(read), signal);
    return {
      table: cloudTableOf(read, this.#options.owner),
      routes: cloudRoutesOf(read, await this.#abandonedIn(read, signal)),
      quotas: quotasOf(read, sizes, (family) => limit.of(read.RouteTableId, family)),
      version: null,
      ownSubnets: await this.#ownSubnets(read, signal),
      problems: this.#problemsOf(read),
    };
  }

  async #abandonedIn(read: Ec2RouteTable, signal: AbortSignal): Promise<(route: Ec2Route) => boolean> {
    const isOurs = this.#options.routeTables.length === 0 && isOwnTable(read, this.#options.owner);
    return isOurs ? await abandonedRoutes(this.#region.api, read, signal) : () => false;
  }

  /** This VM's subnets that use a table; that of our own table counts before EC2 shows it. */
  async #ownSubnets(read: Ec2RouteTable, signal: AbortSignal): Promise<readonly Prefix[]> {
    const { subnetUse } = this.#region;
    const { primary, interfaces } = this.#facts;
    const mine = interfaces.filter(({ vpcId }) => vpcId === primary.vpcId);
    const using = await subnetUse.usersOf(read, mine.map(({ subnetId }) => subnetId), signal);
    if (this.#options.routeTables.length === 0) using.add(primary.subnetId);
    return mine.filter(({ subnetId }) => using.has(subnetId)).flatMap(({ subnets }) => subnets);
  }

  /** What keeps packets of the own subnet from taking the table's routes. */
  #problemsOf(read: Ec2RouteTable): readonly string[] {
    if (this.#options.routeTables.length > 0) return [];
    const { own } = this.#region;
    const { subnetId } = this.#facts.primary;
    const unused = own.isUsedBy(subnetId, read)
      ? []
      : [`Subnet ${subnetId} does not use route table ${read.RouteTableId}`];
    return [...unused, ...own.problems];
  }

  async #readOne(api: Ec2Api, id: string, signal: AbortSignal): Promise<Ec2RouteTable> {
    const [table] = await api.readRouteTables([id], signal);
    if (table !== undefined) return table;
    throw new CloudError("gone", `Cannot read route table ${id}: EC2's answer does not contain it`);
  }
}

function withLimit(error: CloudError, limit: number): CloudError {
  return new CloudError("quota", `${error.message} (the table holds ${limit} routes)`, {
    ...error,
    limit,
    cause: error.cause,
  });
}
