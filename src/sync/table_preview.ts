/** What a sync of a table would do, for `plan` and `explain`. */

import type {
  CloudConnection,
  CloudQuota,
  CloudTable,
  Foresight,
  PreparationStep,
  TableState,
} from "../clouds/cloud.ts";
import type { Comparison } from "./comparison.ts";
import type { TableIndex } from "./ownership.ts";

/** See the head of this file. */
export interface TablePreview {
  readonly table: CloudTable;
  /** What is done before routes are written. */
  readonly preparation: readonly PreparationStep[];
  readonly comparison: Comparison;
  /** What stands in the table, by ownership. */
  readonly index: TableIndex;
  readonly quotas: readonly CloudQuota[];
}

/** What stands for the table of one's own before the first `apply` has made it. */
export const tableToBe: CloudTable = { id: "", name: "(none yet: run or apply makes one)", ours: true };

/**
 * A connection on which {@linkcode tableToBe} can be read.
 *
 * @param toBe what it will have; null: nothing.
 */
export function withTableToBe(connection: CloudConnection, toBe: Foresight["toBe"]): CloudConnection {
  const state: TableState = { table: tableToBe, routes: [], quotas: [], version: null, ...toBe };
  return {
    identity: connection.identity,
    locate: (signal) => connection.locate(signal),
    foresee: (signal) => connection.foresee(signal),
    prepare: (signal, copies) => connection.prepare(signal, copies),
    resolve: (neighbours, signal) => connection.resolve(neighbours, signal),
    forget: (gateways) => connection.forget(gateways),
    findDead: async (peers, signal) => await connection.findDead?.(peers, signal) ?? [],
    findGone: async (nextHops, signal) => await connection.findGone?.(nextHops, signal) ?? new Set(),
    read: (table, signal) =>
      table.id === tableToBe.id ? Promise.resolve(state) : connection.read(table, signal),
    write: (table, changes, state, signal) => connection.write(table, changes, state, signal),
    forwarding: (ownPrefixes, signal) => connection.forwarding(ownPrefixes, signal),
    remove: (signal) => connection.remove(signal),
    check: (options, signal) => connection.check(options, signal),
  };
}
