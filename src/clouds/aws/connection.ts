/** AWS with this VM known: its tables found, prepared, read, written, removed. This file only joins the parts. */

import type { IpAddress, Prefix } from "../../routes/prefix.ts";
import type {
  Change,
  ChangeOutcome,
  CloudConnection,
  CloudIdentity,
  CloudTable,
  CopiesWhen,
  DeadPeer,
  Finding,
  Foresight,
  Neighbour,
  PeerRouter,
  PreparedTable,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { failedFinding } from "../kit/doctor.ts";
import { nothingToPrepare } from "../kit/plain_connection.ts";
import { goneInterfaces } from "./abandoned_routes.ts";
import { findDeadPeers } from "./dead_peers.ts";
import { checkAws, remedyOf } from "./doctor.ts";
import { sourceDestFinding } from "./forwarding.ts";
import { asGiven, findHandedOver, readTable, strayError } from "./handed_over.ts";
import { identityOf } from "./identity.ts";
import type { InstanceFacts } from "./metadata.ts";
import type { Region } from "./region.ts";
import { cloudTableOf } from "./routes.ts";
import type { Ec2RouteTable } from "./schemas.ts";
import { learnLimit, type StateContext, stateOf } from "./table_state.ts";
import { writeChange } from "./writer.ts";

/** AWS with this VM known. */
export class AwsConnection implements CloudConnection {
  readonly identity: CloudIdentity;
  readonly #options: CloudOptions;
  readonly #facts: InstanceFacts;
  readonly #region: Region;
  readonly #context: StateContext;

  constructor(options: CloudOptions, facts: InstanceFacts, region: Region) {
    this.#options = options;
    this.#facts = facts;
    this.#region = region;
    this.#context = { region, facts, owner: options.owner, handedOver: options.routeTables.length > 0 };
    this.identity = identityOf(facts);
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const { owner, routeTables } = this.#options;
    const found = await this.#find(signal);
    return routeTables.length > 0
      ? asGiven(found, routeTables, owner)
      : found.map((table) => cloudTableOf(table, owner));
  }

  async prepare(signal: AbortSignal, copies: CopiesWhen = "now"): Promise<readonly PreparedTable[]> {
    const { owner, routeTables } = this.#options;
    const { own, now } = this.#region;
    const at = now();
    if (routeTables.length > 0) return await this.#readGiven(signal);
    const { table: read, isAsRead, copiesLater } = await own.prepare(this.#facts.primary, copies, signal);
    const table = { ...cloudTableOf(read, owner), ...(copiesLater ? { copiesLater } : {}) };
    return [isAsRead ? this.#withReading(table, read, at) : table];
  }

  /** The tables that `-route-table` names, with what was read of those that are there. */
  async #readGiven(signal: AbortSignal): Promise<readonly PreparedTable[]> {
    const { owner, routeTables } = this.#options;
    const at = this.#region.now();
    const found = await this.#find(signal);
    return asGiven(found, routeTables, owner).map((table) => {
      const read = found.find(({ RouteTableId }) => RouteTableId === table.id);
      return read === undefined ? table : this.#withReading(table, read, at);
    });
  }

  #withReading(table: PreparedTable, read: Ec2RouteTable, at: number): PreparedTable {
    const state = async (signal: AbortSignal): Promise<TableState> => {
      await this.#region.limit.refresh(signal);
      return await this.#stateOf(read, signal);
    };
    return { ...table, reading: { at, state } };
  }

  async foresee(signal: AbortSignal): Promise<Foresight> {
    const { owner, routeTables } = this.#options;
    if (routeTables.length > 0) return nothingToPrepare(await this.#readGiven(signal));
    const { own, limit, now } = this.#region;
    const at = now();
    const { found, steps, toBe } = await own.foresee(this.#facts.primary, signal);
    const tables = found === null ? [] : [this.#withReading(cloudTableOf(found, owner), found, at)];
    if (toBe === null) return { tables, steps, toBe };
    await limit.refresh(signal);
    return { tables, steps, toBe: await stateOf(this.#context, toBe, signal) };
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
    const reading = readTable(api, table.id, signal).catch((error: unknown) => {
      own.doubt(table.id, error);
      throw error;
    });
    const [read] = await Promise.all([reading, limit.refresh(signal)]);
    return await this.#stateOf(read, signal);
  }

  /** @throws {CloudError} `invalid` if the table is in another VPC. */
  async #stateOf(read: Ec2RouteTable, signal: AbortSignal): Promise<TableState> {
    const { vpcId } = this.#facts.primary;
    if (read.VpcId !== vpcId) throw strayError(read, vpcId);
    return await stateOf(this.#context, read, signal);
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
    const { api, limit } = this.#region;
    const facts = this.#facts;
    let tables: readonly Ec2RouteTable[] = [];
    const findings: Finding[] = [];
    try {
      const found = await this.#find(signal);
      findings.push(...await this.#unkept(found, signal));
      tables = found.filter(({ VpcId }) => VpcId === facts.primary.vpcId);
      await limit.refresh(signal);
    } catch (error) {
      findings.push(failedFinding("route table", error, signal, remedyOf));
    }
    const seen = await Promise.all(
      tables.map(async (table) => ({ table, quotas: (await stateOf(this.#context, table, signal)).quotas })),
    );
    const { owner, routeTables } = this.#options;
    const context = {
      api,
      facts,
      fix: options.fix,
      handedOver: routeTables.length > 0,
      owner,
      tables: seen,
    };
    return [...findings, ...await checkAws(context, signal)];
  }

  /** The tables to keep in step, as far as they are there. */
  async #find(signal: AbortSignal): Promise<readonly Ec2RouteTable[]> {
    const { api, own } = this.#region;
    const { primary } = this.#facts;
    const { routeTables } = this.#options;
    if (routeTables.length > 0) return await findHandedOver(api, routeTables, primary.vpcId, signal);
    const table = await own.find(primary, signal);
    return table === null ? [] : [table];
  }

  /** What is wrong with those of the tables that `-route-table` names which cannot be kept. */
  async #unkept(found: readonly Ec2RouteTable[], signal: AbortSignal): Promise<readonly Finding[]> {
    const { owner, routeTables } = this.#options;
    if (routeTables.length === 0) return [];
    const { vpcId } = this.#facts.primary;
    const failed = (id: string, error: unknown): Finding =>
      failedFinding(`route table ${id}`, error, signal, remedyOf);
    const missing = asGiven(found, routeTables, owner)
      .filter(({ id }) => !found.some(({ RouteTableId }) => RouteTableId === id));
    const reasons = await Promise.all(
      missing.map(({ id }) =>
        readTable(this.#region.api, id, signal).then(() => [], (error: unknown) => [failed(id, error)])
      ),
    );
    const strays = found.filter(({ VpcId }) => VpcId !== vpcId);
    return [
      ...reasons.flat(),
      ...strays.map((table) => failed(table.RouteTableId, strayError(table, vpcId))),
    ];
  }

  async #writeOne(table: CloudTable, change: Change, signal: AbortSignal): Promise<CloudError | null> {
    const { api, interfaces } = this.#region;
    const error = await writeChange(api, table.id, change, signal);
    if (error?.code === "InvalidNetworkInterfaceID.NotFound") {
      for (const id of change.to ?? []) interfaces.forgetInterface(id);
    }
    if (error?.code !== "RouteLimitExceeded") return error;
    const limit = await learnLimit(this.#region, table.id, change.prefix.family, signal);
    return limit === null ? error : withLimit(error, limit);
  }
}

function withLimit(error: CloudError, limit: number): CloudError {
  return new CloudError("quota", `${error.message} (the table holds ${limit} routes)`, {
    ...error,
    limit,
    cause: error.cause,
  });
}
