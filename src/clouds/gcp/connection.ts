/** Google Cloud with this VM known: its networks found, read, written, checked. This file only joins the parts. */

import type { AdaptiveLimiter } from "../../async/adaptive_limiter.ts";
import type { Clock } from "../../async/clock.ts";
import type { Prefix } from "../../routes/prefix.ts";
import type {
  Change,
  CloudIdentity,
  CloudTable,
  DeadPeer,
  Finding,
  PeerRouter,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { GcpOptions } from "./flags.ts";
import { findDeadPeers } from "./dead_peers.ts";
import type { MissingTable } from "../kit/given_tables.ts";
import { PlainConnection } from "../kit/plain_connection.ts";
import { runChecks } from "./doctor.ts";
import type { ComputeApi } from "./api.ts";
import { forwardingFinding, readForwarding } from "./forwarding.ts";
import type { LoadBalancer } from "./load_balancer.ts";
import type { MetadataServer } from "./metadata.ts";
import { MutationLimiter } from "./mutation_limiter.ts";
import { tablesOf } from "./networks.ts";
import { selfHop } from "./next_hop.ts";
import { defaultTimeouts } from "./operations.ts";
import { RouteQuota } from "./quota.ts";
import { rangesElsewhere, type Reach } from "./neighbours.ts";
import { signOf } from "./route_mark.ts";
import { readRoutes, type RouteSettings } from "./routes.ts";
import type { SharedRoutes } from "./shared_routes.ts";
import { RouteWriter } from "./writer.ts";
import { networkProject, type Vm, type VmInterface } from "./vm.ts";

/** What of a run outlives a connection. */
export interface Memory {
  readonly metadata: MetadataServer;
  readonly api: ComputeApi;
  readonly clock: Clock;
  /** The pace of inserts and deletes. */
  readonly rate: AdaptiveLimiter;
  /** By network. */
  readonly quotas: Map<string, RouteQuota>;
  /** By network: the routes that were shared when it was last read. */
  readonly shared: Map<string, SharedRoutes>;
}

/** Where this VM is. */
export interface VmNetworks {
  readonly vm: Vm;
  /** This VM's interfaces in the networks to keep in step. */
  readonly legs: readonly VmInterface[];
  /** Networks to keep in step that it has no interface in. */
  readonly missing: readonly MissingTable[];
  readonly reaches: readonly Reach[];
  /** What routes point at in place of this VM; null: this VM. */
  readonly ilb: LoadBalancer | null;
  /** By network: static routes of the networks that it is peered with. */
  readonly staticRoutesOfPeers: ReadonlyMap<string, number>;
}

/** Google Cloud with this VM known; that it is in the networks to keep in step was seen when it was identified. */
export class GcpConnection extends PlainConnection {
  readonly identity: CloudIdentity;
  readonly #options: GcpOptions;
  readonly #networks: VmNetworks;
  readonly #memory: Memory;

  constructor(options: GcpOptions, networks: VmNetworks, identity: CloudIdentity, memory: Memory) {
    super();
    this.identity = identity;
    this.#options = options;
    this.#networks = networks;
    this.#memory = memory;
  }

  locate(): Promise<readonly CloudTable[]> {
    return Promise.resolve(tablesOf(this.#networks));
  }

  findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]> {
    const { vm, legs } = this.#networks;
    const place = { project: vm.project, networks: legs.map(({ network }) => network) };
    return findDeadPeers(this.#memory.api, place, peers, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const settings = this.#settingsOf(table);
    const { routes, shared, staticCount } = await readRoutes(this.#memory.api, settings, signal);
    this.#memory.shared.set(table.id, shared);
    const quotas = this.#quotaOf(settings).read({ own: staticCount, peers: this.#routesOfPeers(table.id) });
    return { table, routes, quotas, version: null };
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const settings = this.#settingsOf(table);
    const { api, rate, clock } = this.#memory;
    const shared = this.#memory.shared.get(table.id) ?? new Map();
    const writer = new RouteWriter(api, settings, new MutationLimiter(rate, clock), defaultTimeouts);
    const outcomes = await writer.write(changes, state, shared, signal);
    for (const { error } of outcomes) this.#quotaOf(settings).learn(error);
    return { outcomes };
  }

  async forwarding(
    _ownPrefixes: () => readonly Prefix[],
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const { vm, ilb } = this.#networks;
    const canIpForward = await readForwarding(this.#memory.api, vm, signal);
    return [forwardingFinding({ ...vm, canIpForward }, ilb)];
  }

  async check(_options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    const { vm, legs, missing, ilb } = this.#networks;
    const tables = tablesOf({ legs, missing: [] }).map((table) => ({
      name: table.name,
      settings: this.#settingsOf(table),
      routesOfPeers: this.#routesOfPeers(table.id),
      read: () => this.read(table, signal),
    }));
    const { api, metadata } = this.#memory;
    return await runChecks({ api, metadata, vm, tables, missing, ilb }, signal);
  }

  #settingsOf(table: CloudTable): RouteSettings {
    const { legs, missing, reaches } = this.#networks;
    const leg = legs.find(({ network }) => network === table.id);
    if (leg === undefined) {
      const named = missing.find(({ given }) => given === table.id);
      if (named !== undefined) throw named.failure;
      throw new CloudError("gone", `Cannot use network ${table.id}: this VM is not in it any more`);
    }
    return this.#settings(leg, rangesElsewhere(leg.network, reaches));
  }

  #settings(leg: VmInterface, elsewhere: readonly Prefix[]): RouteSettings {
    const { vm, ilb } = this.#networks;
    const { owner, sharedOwner, priority, instanceTags } = this.#options;
    return {
      owner,
      instance: vm.name,
      sign: sharedOwner ? signOf(vm, [leg]) : null,
      network: leg.network,
      project: networkProject(leg.network),
      self: selfHop(vm, leg, ilb, elsewhere),
      priority,
      tags: instanceTags,
    };
  }

  #routesOfPeers(network: string): number {
    return this.#networks.staticRoutesOfPeers.get(network) ?? 0;
  }

  #quotaOf(settings: RouteSettings): RouteQuota {
    const known = this.#memory.quotas.get(settings.network);
    if (known !== undefined) return known;
    const quota = new RouteQuota(() => this.#memory.clock.now());
    this.#memory.quotas.set(settings.network, quota);
    return quota;
  }
}
