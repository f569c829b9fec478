/**
 * What a connection does unless its cloud does more: its tables are there already, so that nothing is made ready or removed; its routes
 * name a gateway by the gateway's own address, so that nobody is asked who has it and nothing is remembered.
 */

import type { IpAddress, Prefix } from "../../routes/prefix.ts";
import type {
  Change,
  CheckOptions,
  CloudConnection,
  CloudIdentity,
  CloudTable,
  Finding,
  Foresight,
  Neighbour,
  TableState,
  WriteResult,
} from "../cloud.ts";

/** What a cloud foresees whose tables are there already. */
export function nothingToPrepare(tables: Foresight["tables"]): Foresight {
  return { tables, steps: [], toBe: null };
}

/** See the head of this file. */
export abstract class PlainConnection implements CloudConnection {
  abstract readonly identity: CloudIdentity;

  abstract locate(signal: AbortSignal): Promise<readonly CloudTable[]>;
  abstract read(table: CloudTable, signal: AbortSignal): Promise<TableState>;
  abstract write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult>;
  abstract forwarding(ownPrefixes: () => readonly Prefix[], signal: AbortSignal): Promise<readonly Finding[]>;
  abstract check(options: CheckOptions, signal: AbortSignal): Promise<readonly Finding[]>;

  async foresee(signal: AbortSignal): Promise<Foresight> {
    return nothingToPrepare(await this.locate(signal));
  }

  prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return this.locate(signal);
  }

  remove(_signal: AbortSignal): Promise<void> {
    return Promise.resolve();
  }

  /**
   * The gateways' own addresses: a fabric that looks at the destination of a packet alone would send this VM what it sends to a
   * neighbour back for ever. Null for a gateway of another family than the route, which no route can name.
   */
  resolve(neighbours: readonly Neighbour[], _signal: AbortSignal): Promise<readonly (string | null)[]> {
    return Promise.resolve(
      neighbours.map(({ gateway, family }) => gateway.family === family ? gateway.text : null),
    );
  }

  forget(_gateways: readonly IpAddress[]): void {}
}
