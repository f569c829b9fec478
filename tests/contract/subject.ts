/**
 * The program's clouds as the contract suite sees them. This is the only file of the suite that knows how `src/clouds` is
 * called: whoever changes that interface changes this file.
 */

import assert from "node:assert/strict";
import type {
  Change,
  CloudIdentity,
  CloudName,
  CloudTable,
  CloudTraits,
  CopiesWhen,
  DeadPeer,
  Finding,
  Foresight,
  Neighbour,
  PeerRouter,
  PreparedTable,
  TableState,
} from "../../src/clouds/cloud.ts";
import type { CloudError } from "../../src/clouds/cloud_error.ts";
import type { AnyCloudOptions } from "../fakes/cloud_options.ts";
import { openLocal } from "../../src/clouds/local/local.ts";
import { openCloud } from "../../src/clouds/registry.ts";
import type { IpAddress } from "../../src/routes/prefix.ts";
import { ConnectedCloud } from "../fakes/connected_cloud.ts";

/** What became of a write: one outcome a change, in their order, null where it is done. */
export interface Written {
  readonly outcomes: readonly (CloudError | null)[];
  readonly state?: TableState;
}

/** An opened cloud, as one run of the program has it. No call has been made. */
export interface Subject {
  readonly traits: CloudTraits;
  identify(signal: AbortSignal): Promise<CloudIdentity>;
  locate(signal: AbortSignal): Promise<readonly CloudTable[]>;
  foresee(signal: AbortSignal): Promise<Foresight>;
  prepare(signal: AbortSignal): Promise<readonly CloudTable[]>;
  /** The same, with what it has read of the tables. */
  prepareAndRead(signal: AbortSignal, copies?: CopiesWhen): Promise<readonly PreparedTable[]>;
  /** By a gateway's text what routes of its family point at. */
  resolve(gateways: readonly IpAddress[], signal: AbortSignal): Promise<ReadonlyMap<string, string | null>>;
  /** What a route of a family by way of a gateway points at. */
  resolveFor(neighbour: Neighbour, signal: AbortSignal): Promise<string | null>;
  forget(gateways: readonly IpAddress[]): void;
  findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]>;
  read(table: CloudTable, signal: AbortSignal): Promise<TableState>;
  write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<Written>;
  forwarding(signal: AbortSignal): Promise<readonly Finding[]>;
  remove(signal: AbortSignal): Promise<void>;
  check(fix: boolean, signal: AbortSignal): Promise<readonly Finding[]>;
  policy(): string;
  describe(nextHop: string): string;
}

/** Opens a cloud; makes no call. The first call that needs to know this VM identifies it. */
export async function openSubject(name: CloudName, options: AnyCloudOptions): Promise<Subject> {
  // The registry copies options; the embedded cloud's rig changes latency and faults while the cloud runs, so its own object is used.
  const opened = name === "local" ? openLocal(options) : await openCloud(name, options, { ...options });
  const cloud = new ConnectedCloud(opened);
  return {
    get traits(): CloudTraits {
      return cloud.traits;
    },
    identify: (signal) => cloud.identify(signal),
    locate: (signal) => cloud.locate(signal),
    foresee: async (signal) => await (await cloud.connection(signal)).foresee(signal),
    prepare: (signal) => cloud.prepare(signal),
    prepareAndRead: (signal, copies) => cloud.prepareAndRead(signal, copies),
    resolve: async (gateways, signal) => {
      const ids = await cloud.resolve(
        gateways.map((gateway) => ({ gateway, family: gateway.family })),
        signal,
      );
      return new Map(gateways.map(({ text }, index) => [text, ids[index] ?? null]));
    },
    resolveFor: async (neighbour, signal) => (await cloud.resolve([neighbour], signal))[0] ?? null,
    forget: (gateways) => cloud.forget(gateways),
    findDead: (peers, signal) => cloud.findDead(peers, signal),
    read: (table, signal) => cloud.read(table, signal),
    write: async (table, changes, state, signal) => {
      const { outcomes, ...rest } = await cloud.write(table, changes, state, signal);
      const known = outcomes.filter((outcome) => outcome !== undefined);
      assert.equal(known.length, changes.length, "something is said of each change");
      return { ...rest, outcomes: known };
    },
    forwarding: async (signal) => await (await cloud.connection(signal)).forwarding(() => [], signal),
    remove: (signal) => cloud.remove(signal),
    check: (fix, signal) => cloud.check({ fix }, signal),
    policy: () => cloud.policy(),
    describe: (nextHop) => cloud.describe(nextHop),
  };
}
