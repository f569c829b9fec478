/** A cloud and its connection as one object, for tests that make single calls: the first of them identifies this VM. */

import type {
  Change,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudTable,
  CloudTraits,
  CopiesWhen,
  DeadPeer,
  Finding,
  Neighbour,
  PeerRouter,
  PreparedTable,
  TableState,
} from "../../src/clouds/cloud.ts";
import { checkCloud } from "../../src/clouds/kit/doctor.ts";
import { tableAlone } from "../../src/clouds/prepared_tables.ts";
import type { CloudError } from "../../src/clouds/cloud_error.ts";
import type { IpAddress } from "../../src/routes/prefix.ts";

/** See the head of this file. */
export class ConnectedCloud {
  readonly cloud: Cloud;
  #connection: CloudConnection | null = null;

  constructor(cloud: Cloud) {
    this.cloud = cloud;
  }

  get traits(): CloudTraits {
    return this.cloud.traits;
  }

  /** The connection, made by the first call. */
  async connection(signal: AbortSignal): Promise<CloudConnection> {
    return this.#connection ??= await this.cloud.identify(signal);
  }

  /** Identifies this VM anew. */
  async identify(signal: AbortSignal): Promise<CloudIdentity> {
    this.#connection = await this.cloud.identify(signal);
    return this.#connection.identity;
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return await (await this.connection(signal)).locate(signal);
  }

  /** The tables alone; {@linkcode prepareAndRead} tells what was read of them as well. */
  async prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return (await this.prepareAndRead(signal)).map(tableAlone);
  }

  async prepareAndRead(signal: AbortSignal, copies?: CopiesWhen): Promise<readonly PreparedTable[]> {
    return await (await this.connection(signal)).prepare(signal, copies);
  }

  async resolve(
    neighbours: readonly Neighbour[],
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]> {
    return await (await this.connection(signal)).resolve(neighbours, signal);
  }

  /** Of a cloud that was asked before. */
  forget(gateways: readonly IpAddress[]): void {
    this.#connection?.forget(gateways);
  }

  async findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]> {
    return await (await this.connection(signal)).findDead?.(peers, signal) ?? [];
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    return await (await this.connection(signal)).read(table, signal);
  }

  /** Writes, and puts what became of the changes into their order: null where one is done, undefined where nothing is said of it. */
  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<{ readonly outcomes: readonly (CloudError | null | undefined)[]; readonly state?: TableState }> {
    const result = await (await this.connection(signal)).write(table, changes, state, signal);
    const told = new Map(result.outcomes.map(({ change, error }) => [change, error]));
    return { ...result, outcomes: changes.map((change) => told.get(change)) };
  }

  async remove(signal: AbortSignal): Promise<void> {
    await (await this.connection(signal)).remove(signal);
  }

  /** What `doctor` says of the cloud, the identity first. */
  async check(options: Parameters<typeof checkCloud>[1], signal: AbortSignal): Promise<readonly Finding[]> {
    return await checkCloud(this.cloud, options, signal);
  }

  policy(): string {
    return this.cloud.policy();
  }

  describe(nextHop: string): string {
    return this.cloud.describe(nextHop);
  }
}
