/** Azure with this VM known: its tables found, prepared, read, written, removed. This file only joins the parts. */

import type {
  Change,
  CloudIdentity,
  CloudTable,
  CopiesWhen,
  DeadPeer,
  Finding,
  Foresight,
  PeerRouter,
  PreparedTable,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError, isOverRate } from "../cloud_error.ts";
import type { Prefix } from "../../routes/prefix.ts";
import { copySteps } from "../kit/own_table.ts";
import { nothingToPrepare, PlainConnection } from "../kit/plain_connection.ts";
import type { ArmClient } from "./api.ts";
import { associate, associateAgain, checkMayAssociate, usesTable } from "./association.ts";
import type { DeadPeers } from "./dead_peers.ts";
import { examine } from "./doctor.ts";
import type { EcmpSupport } from "./ecmp_support.ts";
import type { AzureOptions } from "./flags.ts";
import { forwardingOf } from "./forwarding.ts";
import { usedTables } from "./former_tables.ts";
import { handedOver } from "./handed_over.ts";
import {
  asCloudTable,
  associatedTable,
  findOwnTable,
  isUsedBy,
  type OwnTableContext,
  tableStillUsed,
} from "./own_table.ts";
import { copyingOf, followFormers, joiningOf, makeReady, stepsOf, tableToBe } from "./own_table_making.ts";
import type { RouteLimit } from "./quota.ts";
import { removeOwnTable } from "./own_table_removal.ts";
import { sameId } from "./resource_id.ts";
import { readResource } from "./resources.ts";
import { decodeTable } from "./routes.ts";
import { type ArmRouteTable, type ArmSubnet, hasFailed, routeTableSchema } from "./schemas.ts";
import { serves } from "./tags.ts";
import { readSubnet, subnetName, type Vm } from "./vm.ts";
import { writeTable } from "./writer.ts";

/** What of a run outlives a connection. */
export interface Memory {
  readonly ecmp: EcmpSupport;
  /** What of the former tables could not be followed when it was last tried: sentences. */
  copyProblems: readonly string[];
  readonly deadPeers: DeadPeers;
  readonly limit: RouteLimit;
  /** Each table as last read, by its id in lower case: what the next whole write starts from. */
  readonly read: Map<string, ArmRouteTable>;
  /** See {@linkcode Vm.usedTable}; of the last time that this VM was identified. */
  usedTable: string | null;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** What was seen of our table and of this VM's subnet. */
type Sight =
  | {
    readonly isUsed: true;
    readonly own: ArmRouteTable;
    /** The subnet where its last change has failed; null: it is well. */
    readonly failed: ArmSubnet | null;
  }
  | {
    readonly isUsed: false;
    readonly own: ArmRouteTable | null;
    readonly subnet: ArmSubnet;
    /** The table that the subnet uses; null: none. */
    readonly associated: ArmRouteTable | null;
  };

/** Azure with this VM known. */
export class AzureConnection extends PlainConnection {
  readonly identity: CloudIdentity;
  readonly #options: AzureOptions;
  readonly #context: OwnTableContext;
  readonly #memory: Memory;

  constructor(options: AzureOptions, arm: ArmClient, vm: Vm, memory: Memory) {
    super();
    this.identity = vm.identity;
    this.#options = options;
    this.#context = { arm, vm, owner: options.owner };
    this.#memory = memory;
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    if (this.#options.routeTables.length > 0) {
      const tables = await handedOver(this.#context, this.#options.routeTables, signal);
      return tables.map(({ table }) => table);
    }
    const { own } = await this.#look(signal);
    return own === null ? [] : [asCloudTable(own, this.#options.owner)];
  }

  override async prepare(
    signal: AbortSignal,
    copies: CopiesWhen = "now",
  ): Promise<readonly PreparedTable[]> {
    if (this.#options.routeTables.length > 0) return await this.#readGiven(signal);
    const at = this.#memory.now();
    const { arm, owner } = this.#context;
    const seen = await this.#look(signal);
    if (seen.isUsed) {
      const { own, failed } = seen;
      if (failed !== null) await associateAgain(arm, failed, own.id, signal);
      const table = asCloudTable(own, owner);
      const asRead = failed === null ? this.#withReading(table, own, at) : table;
      if (copies === "later" && usedTables(this.#context, own)) return [{ ...asRead, copiesLater: true }];
      const { problems, isAsRead } = await followFormers(this.#context, own, signal);
      this.#memory.copyProblems = problems;
      return [isAsRead ? asRead : table];
    }
    const { subnet, associated, own } = seen;
    checkMayAssociate(subnet, associated, this.#options);
    const joining = await joiningOf(this.#context, own, associated, signal);
    const made = await makeReady(this.#context, joining, signal);
    this.#memory.copyProblems = [];
    await associate(arm, subnet, made.id, signal);
    return [asCloudTable(made, owner)];
  }

  override async foresee(signal: AbortSignal): Promise<Foresight> {
    if (this.#options.routeTables.length > 0) return nothingToPrepare(await this.#readGiven(signal));
    const { arm, vm, owner } = this.#context;
    const at = this.#memory.now();
    const seen = await this.#look(signal);
    const { own } = seen;
    const tables = own === null ? [] : [this.#withReading(asCloudTable(own, owner), own, at)];
    if (seen.isUsed) {
      return {
        tables,
        steps: copySteps((await copyingOf(this.#context, seen.own, signal)).plan),
        toBe: null,
      };
    }
    const { subnet, associated } = seen;
    checkMayAssociate(subnet, associated, this.#options);
    const joining = await joiningOf(this.#context, own, associated, signal);
    const steps = stepsOf(this.#context, joining);
    if (!joining.isNew) return { tables, steps, toBe: null };
    const limit = await this.#memory.limit.read(arm, vm.location, signal);
    const ownSubnets = this.#ownSubnets(joining.own);
    return { tables, steps, toBe: { ...tableToBe(this.#context, joining, limit), ownSubnets } };
  }

  /** The tables that `-route-table` names, with what was read of those that are there. */
  async #readGiven(signal: AbortSignal): Promise<readonly PreparedTable[]> {
    const at = this.#memory.now();
    const tables = await handedOver(this.#context, this.#options.routeTables, signal);
    return tables.map(({ table, raw }) => raw === null ? table : this.#withReading(table, raw, at));
  }

  findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]> {
    const { arm, vm } = this.#context;
    return this.#memory.deadPeers.find(arm, vm, peers, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const { arm, vm } = this.#context;
    const [raw, limit] = await Promise.all([
      this.#readRaw(table, signal),
      this.#memory.limit.read(arm, vm.location, signal),
    ]);
    return this.#stateOf(table, raw, limit);
  }

  #withReading(table: CloudTable, raw: ArmRouteTable, at: number): PreparedTable {
    const state = async (signal: AbortSignal): Promise<TableState> => {
      const { arm, vm } = this.#context;
      const limit = await this.#memory.limit.read(arm, vm.location, signal);
      this.#remember(table, raw);
      return this.#stateOf(table, raw, limit);
    };
    return { ...table, reading: { at, state } };
  }

  /** @param limit routes that the table takes. */
  #stateOf(table: CloudTable, raw: ArmRouteTable, limit: number): TableState {
    return {
      ...decodeTable(table, raw, limit),
      ownSubnets: this.#ownSubnets(raw),
      problems: this.#problemsOf(raw),
    };
  }

  /** Our table, and where this VM's subnet does not use it what it uses. */
  async #look(signal: AbortSignal): Promise<Sight> {
    const { arm, vm, owner } = this.#context;
    const { usedTable } = this.#memory;
    const used = usedTable === null ? null : await tableStillUsed(arm, usedTable, vm.subnetId, signal);
    if (used !== null && serves(used, vm, owner)) return { isUsed: true, own: used, failed: null };
    const subnet = await readSubnet(arm, vm.subnetId, signal);
    const associated = used !== null && usesTable(subnet, used.id)
      ? used
      : await associatedTable(arm, subnet, signal);
    const own = await findOwnTable(this.#context, associated, signal);
    return own !== null && usesTable(subnet, own.id)
      ? { isUsed: true, own, failed: hasFailed(subnet) ? subnet : null }
      : { isUsed: false, own, subnet, associated };
  }

  /** This VM's subnets that use a table; that of our own table counts before Azure shows it. */
  #ownSubnets(raw: ArmRouteTable): readonly Prefix[] {
    const { subnets, subnetId } = this.#context.vm;
    const using = (raw.properties.subnets ?? []).map(({ id }) => id);
    if (this.#options.routeTables.length === 0) using.push(subnetId);
    return subnets.filter((subnet) => using.some((id) => sameId(id, subnet.id))).flatMap(({ prefixes }) =>
      prefixes
    );
  }

  /** What keeps packets of the own subnet from taking the table's routes. */
  #problemsOf(raw: ArmRouteTable): readonly string[] {
    if (this.#options.routeTables.length > 0) return [];
    const { subnetId } = this.#context.vm;
    const unused = isUsedBy(raw, subnetId)
      ? []
      : [`Subnet ${subnetName(subnetId)} does not use route table ${raw.name}`];
    return [...unused, ...this.#memory.copyProblems];
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { arm, vm, owner } = this.#context;
    const { ecmp, limit } = this.#memory;
    const raw = await this.#rawOf(table, state, signal);
    const networks = vm.identity.networks;
    const reread = (): Promise<ArmRouteTable> => this.#readRaw(table, signal);
    try {
      const context = { arm, owner, sign: vm.identity.sign ?? null, networks, ecmp, reread };
      const { outcomes, written } = await writeTable(context, table, changes, raw, signal);
      for (const { error } of outcomes) if (error?.kind === "quota") limit.learn(error.limit);
      const after = written ? await this.#readBack(table, signal) : null;
      return after === null ? { outcomes } : { outcomes, state: after };
    } catch (error) {
      if (error instanceof CloudError && error.kind === "quota") limit.learn(error.limit);
      throw error;
    }
  }

  /** The table after a write; null where the account has called too often: the write is made all the same, and is not to be repeated. */
  async #readBack(table: CloudTable, signal: AbortSignal): Promise<TableState | null> {
    try {
      return await this.read(table, signal);
    } catch (error) {
      if (error instanceof CloudError && isOverRate(error)) return null;
      throw error;
    }
  }

  async forwarding(
    _ownPrefixes: () => readonly Prefix[],
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const { arm, vm } = this.#context;
    return [(await forwardingOf(arm, vm, signal)).finding];
  }

  override async remove(signal: AbortSignal): Promise<void> {
    if (this.#options.routeTables.length > 0) return;
    await removeOwnTable(this.#context, signal);
  }

  async check(options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    return await examine({
      ...this.#context,
      options: this.#options,
      fix: options.fix,
      tables: () => this.locate(signal),
      read: (table) => this.read(table, signal),
      signal,
    });
  }

  async #readRaw(table: CloudTable, signal: AbortSignal): Promise<ArmRouteTable> {
    const { id, name } = table;
    const request = { action: `read route table ${name}`, id };
    const raw = await readResource(this.#context.arm, request, routeTableSchema, signal);
    this.#remember(table, raw);
    return raw;
  }

  #remember({ id }: CloudTable, raw: ArmRouteTable): void {
    this.#memory.read.set(id.toLowerCase(), raw);
  }

  /**
   * The table to the letter as it was when `state` was read.
   *
   * @throws {CloudError} of kind `conflict` if it has changed since.
   */
  async #rawOf(table: CloudTable, state: TableState, signal: AbortSignal): Promise<ArmRouteTable> {
    const key = table.id.toLowerCase();
    if (this.#memory.read.get(key)?.etag !== state.version) await this.read(table, signal);
    const raw = this.#memory.read.get(key);
    if (raw !== undefined && sameId(raw.id, table.id) && raw.etag === state.version) return raw;
    throw new CloudError(
      "conflict",
      `Cannot write route table ${table.name}: it has changed since it was read`,
    );
  }
}
