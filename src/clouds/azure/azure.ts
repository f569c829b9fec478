/**
 * Azure: a route table of Microsoft.Network, its routes marked by their names.
 *
 * This file only joins the parts: who this VM is (machine.ts), its table (own_table.ts, association.ts), writing
 * (table_writer.ts), the machines beside it (neighbours.ts), what `doctor` looks at (doctor.ts).
 */

import { getLogger } from "@logtape/logtape";
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
import { ArmClient } from "./arm_client.ts";
import { nameInId, routeTableId, sameId } from "./arm_id.ts";
import { readResource } from "./arm_resources.ts";
import { type ArmRouteTable, routeTableSchema } from "./arm_schema.ts";
import { associate, checkMayAssociate, usesTable } from "./association.ts";
import { openCredential } from "./credential.ts";
import { examine } from "./doctor.ts";
import { azureEnvironment, checkEndpoint } from "./environment.ts";
import { readMetadata } from "./instance_metadata.ts";
import { findMachine, type Machine, readSubnet } from "./machine.ts";
import { Neighbours } from "./neighbours.ts";
import { asCloudTable, associatedTable, findOwnTable, makeOwnTable, readRouteTable } from "./own_table.ts";
import { customRole, placeholderScope } from "./policy.ts";
import { removeOwnTable } from "./removal.ts";
import { decodeTable, mostNextHops } from "./route_codec.ts";
import { RouteLimit } from "./route_limit.ts";
import { checkOwner } from "./route_name.ts";
import { TableWriter } from "./table_writer.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** Azure takes 1,000 writes in 5 minutes of one subscription; this leaves two thirds of them to others. */
const pace = { perSecond: 1, burst: 30 };

/**
 * Opens Azure; no call is made yet.
 *
 * @throws {CloudError} of kind `invalid` if an option cannot be used with Azure.
 */
export function openAzure(options: CloudOptions): Cloud {
  checkOwner(options.owner);
  checkEndpoint(options.azureEndpoint);
  return new Azure(options);
}

/** What is known once this VM has been found. */
interface Session {
  readonly arm: ArmClient;
  readonly machine: Machine;
}

class Azure implements Cloud {
  readonly name = "azure";
  readonly traits: CloudTraits;
  readonly #options: CloudOptions;
  readonly #writer: TableWriter;
  readonly #now = (): number => performance.now();
  readonly #neighbours = new Neighbours(this.#now);
  readonly #limit = new RouteLimit(this.#now);
  /** Each table as last read, by its id in lower case: what the next whole write starts from. */
  readonly #read = new Map<string, ArmRouteTable>();
  #session: Session | null = null;

  constructor(options: CloudOptions) {
    this.#options = options;
    this.#writer = new TableWriter(!options.noEcmp);
    const nextHopsPerRoute = (): number =>
      this.#writer.takesEcmp(this.#session?.arm ?? null) ? mostNextHops : 1;
    this.traits = {
      changesPerWrite: 1_000,
      concurrentWrites: 1,
      pace,
      get nextHopsPerRoute(): number {
        return nextHopsPerRoute();
      },
      ownership: "mark",
      uniquePrefix: true,
    };
  }

  async identify(signal: AbortSignal): Promise<CloudIdentity> {
    this.#session = null;
    return (await this.#open(signal)).machine.identity;
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const { arm, machine } = await this.#open(signal);
    const { owner, routeTables } = this.#options;
    if (routeTables.length > 0) return await this.#handedOver(signal);
    const subnet = await readSubnet(arm, machine.subnetId, signal);
    const own = await findOwnTable(
      { arm, machine, owner },
      await associatedTable(arm, subnet, signal),
      signal,
    );
    return own === null ? [] : [asCloudTable(own, owner)];
  }

  async prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const { arm, machine } = await this.#open(signal);
    const { owner, routeTables } = this.#options;
    if (routeTables.length > 0) return await this.#handedOver(signal);
    const subnet = await readSubnet(arm, machine.subnetId, signal);
    const associated = await associatedTable(arm, subnet, signal);
    const own = await findOwnTable({ arm, machine, owner }, associated, signal);
    if (own !== null && usesTable(subnet, own.id)) return [asCloudTable(own, owner)];
    checkMayAssociate(subnet, associated, this.#options);
    const made = await makeOwnTable({ arm, machine, owner }, own, associated, signal);
    await associate(arm, subnet, made.id, signal);
    return [asCloudTable(made, owner)];
  }

  async resolve(
    gateways: readonly IpAddress[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const { arm, machine } = await this.#open(signal);
    return await this.#neighbours.resolve(arm, machine, gateways, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const { arm, machine } = await this.#open(signal);
    const [raw, limit] = await Promise.all([
      readResource(arm, { action: `read route table ${table.name}`, id: table.id }, routeTableSchema, signal),
      this.#limit.read(arm, machine.location, signal),
    ]);
    this.#read.set(table.id.toLowerCase(), raw);
    return decodeTable(table, raw, limit);
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { arm, machine } = await this.#open(signal);
    const raw = await this.#rawOf(table, state, signal);
    const context = { arm, owner: this.#options.owner, networks: machine.identity.networks };
    try {
      const { outcomes, written } = await this.#writer.write(context, table, changes, raw, signal);
      return written ? { outcomes, state: await this.read(table, signal) } : { outcomes };
    } catch (error) {
      if (error instanceof CloudError && error.kind === "quota") this.#limit.learn(error.limit);
      throw error;
    }
  }

  async remove(signal: AbortSignal): Promise<void> {
    const { arm, machine } = await this.#open(signal);
    if (this.#options.routeTables.length > 0) return;
    await removeOwnTable({ arm, machine, owner: this.#options.owner }, signal);
  }

  async check(options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    return await examine({
      options: this.#options,
      fix: options.fix,
      open: () => this.#open(signal),
      tables: () => this.locate(signal),
      read: (table) => this.read(table, signal),
      signal,
    });
  }

  policy(): string {
    const machine = this.#session?.machine;
    const scope = machine === undefined
      ? placeholderScope
      : `/subscriptions/${machine.subscription}/resourceGroups/${machine.resourceGroup}`;
    return customRole(scope);
  }

  describe(nextHop: string): string {
    const self = this.#session?.machine.identity.self;
    const isSelf = self !== undefined && (nextHop === self[4] || nextHop === self[6]);
    return isSelf ? `${nextHop} (this VM)` : nextHop;
  }

  /** Finds this VM, once. */
  async #open(signal: AbortSignal): Promise<Session> {
    if (this.#session !== null) return this.#session;
    const variable = this.#options.environment;
    const metadata = await readMetadata(this.#options.imdsEndpoint, signal);
    const environment = azureEnvironment(metadata.compute.azEnvironment, this.#options.azureEndpoint);
    const arm = new ArmClient({
      environment,
      subscription: nonEmpty(variable("AZURE_SUBSCRIPTION_ID")) ?? metadata.compute.subscriptionId,
      openCredential: () => openCredential(variable, environment),
    });
    const resourceGroup = nonEmpty(variable("AZURE_RESOURCE_GROUP")) ?? metadata.compute.resourceGroupName;
    const machine = await findMachine(arm, metadata, resourceGroup, signal);
    logger.info("This VM is {name}, {address} in {subnet}", {
      name: machine.name,
      address: machine.identity.self[4] ?? machine.identity.self[6] ?? "",
      subnet: machine.subnetId,
    });
    this.#session = { arm, machine };
    return this.#session;
  }

  /** The tables that `-route-table` hands over: ids, or names in the VM's resource group. */
  async #handedOver(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const { arm, machine } = await this.#open(signal);
    return await Promise.all(this.#options.routeTables.map(async (given) => {
      const id = given.startsWith("/")
        ? given
        : routeTableId(machine.subscription, machine.resourceGroup, given);
      const raw = await readRouteTable(arm, id, signal);
      if (raw === null) {
        throw new CloudError(
          "gone",
          `Cannot find route table ${nameInId(id, "routeTables")}: ${id} does not exist`,
        );
      }
      return { id: raw.id, name: raw.name, ours: false };
    }));
  }

  /**
   * The table to the letter as it was when `state` was read.
   *
   * @throws {CloudError} of kind `conflict` if it has changed since.
   */
  async #rawOf(table: CloudTable, state: TableState, signal: AbortSignal): Promise<ArmRouteTable> {
    const key = table.id.toLowerCase();
    if (this.#read.get(key)?.etag !== state.version) await this.read(table, signal);
    const raw = this.#read.get(key);
    if (raw !== undefined && sameId(raw.id, table.id) && raw.etag === state.version) return raw;
    throw new CloudError(
      "conflict",
      `Cannot write route table ${table.name}: it has changed since it was read`,
    );
  }
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}
