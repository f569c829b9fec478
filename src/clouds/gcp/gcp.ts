/**
 * Google Cloud.
 *
 * Routes are static routes of the VPC network, an operation each and immutable once made; see `route_name.ts`
 * for their names, `route_mark.ts` for the ownership mark, `next_hop.ts` for what they point at.
 */

import { AdaptiveLimiter } from "../../async/adaptive_limiter.ts";
import type { Clock } from "../../async/clock.ts";
import { systemClock } from "../../async/system_clock.ts";
import type { Prefix } from "../../routes/prefix.ts";
import type {
  Change,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudTable,
  CloudTraits,
  DeadPeer,
  Finding,
  PeerRouter,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { GcpOptions } from "./flags.ts";
import { findDeadPeers } from "./dead_peers.ts";
import { PlainConnection } from "../kit/plain_connection.ts";
import { ownInterface } from "../kit/own_interface.ts";
import { runChecks } from "./doctor.ts";
import { ComputeApi, computeEndpoint } from "./api.ts";
import { MetadataCredentials } from "./credentials.ts";
import { forwardingFinding, readForwarding } from "./forwarding.ts";
import { identityOf, rangesOf } from "./identity.ts";
import { type LoadBalancer, readLoadBalancer } from "./load_balancer.ts";
import { MetadataServer } from "./metadata.ts";
import { MutationLimiter } from "./mutation_limiter.ts";
import { checkNetworks, interfacesOf, tablesOf } from "./networks.ts";
import { selfHop } from "./next_hop.ts";
import { defaultTimeouts } from "./operations.ts";
import { RouteQuota } from "./quota.ts";
import { rangesElsewhere, type Reach, reachesOf } from "./neighbours.ts";
import { resourceName } from "./resource_url.ts";
import { customRole } from "./permissions.ts";
import { signOf } from "./route_mark.ts";
import { readRoutes, type RouteSettings } from "./routes.ts";
import type { SharedRoutes } from "./shared_routes.ts";
import { afterRefusal, writeRate } from "./write_rate.ts";
import { RouteWriter } from "./writer.ts";
import { readSurroundings } from "./subnets.ts";
import { networkProject, readVm, type Vm, type VmInterface } from "./vm.ts";

/** Google documents no limit of its own on routes of equal priority; more than this is no use to a network of VMs. */
const mostNextHops = 8;

/**
 * Opens Google Cloud; nothing is asked of it yet.
 *
 * @throws {ConfigurationError} if an option cannot be used with Google Cloud.
 */
export function openGcp(options: GcpOptions, clock: Clock = systemClock): Cloud {
  checkNetworks(options.routeTables);
  return new GcpCloud(options, clock);
}

/** What of a run outlives a connection. */
interface Memory {
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
interface VmNetworks {
  readonly vm: Vm;
  /** This VM's interfaces in the networks to keep in step. */
  readonly legs: readonly VmInterface[];
  readonly reaches: readonly Reach[];
  /** What routes point at in place of this VM; null: this VM. */
  readonly ilb: LoadBalancer | null;
  /** By network: static routes of the networks that it is peered with. */
  readonly staticRoutesOfPeers: ReadonlyMap<string, number>;
}

class GcpCloud implements Cloud {
  readonly name = "gcp";
  readonly traits: CloudTraits;
  readonly #options: GcpOptions;
  readonly #metadata: MetadataServer;
  readonly #api: ComputeApi;
  readonly #memory: Memory;

  constructor(options: GcpOptions, clock: Clock) {
    this.#options = options;
    const host = options.imdsEndpoint ?? options.environment("GCE_METADATA_HOST") ?? "169.254.169.254";
    this.#metadata = new MetadataServer(options.transport, host);
    this.#api = new ComputeApi(
      options.transport,
      options.gcpEndpoint ?? computeEndpoint,
      new MetadataCredentials(this.#metadata),
    );
    this.#memory = {
      metadata: this.#metadata,
      api: this.#api,
      clock,
      rate: new AdaptiveLimiter(writeRate, clock, afterRefusal),
      quotas: new Map(),
      shared: new Map(),
    };
    this.traits = {
      // One write is up to 100 operations that are under way together; the rate is kept inside it (`write_rate.ts`).
      batch: 100,
      atomic: false,
      parallel: 1,
      rate: null,
      nextHopsPerRoute: options.noEcmp ? 1 : mostNextHops,
      ownership: "mark",
      // By the warnings that Google gives to a route whose instance does not run; one to a load balancer has none.
      readingShowsDead: options.nextHopIlb === null,
      uniquePrefix: false,
    };
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    const vm = await readVm(this.#metadata, this.#api, signal);
    const { routeTables, nextHopIlb, self } = this.#options;
    const legs = interfacesOf(vm, routeTables, ownInterface(vm.interfaces, self));
    const surroundings = await readSurroundings(this.#api, legs, vm.region, signal);
    const ilb = nextHopIlb === null ? null : await readLoadBalancer(this.#api, vm, nextHopIlb, legs, signal);
    const sign = this.#options.sharedOwner ? signOf(vm, legs) : null;
    const identity = {
      ...identityOf(vm, surroundings, selfOf(vm, legs, ilb)),
      ...(sign === null ? {} : { sign }),
    };
    const reaches = reachesOf(surroundings.map(rangesOf));
    const staticRoutesOfPeers = new Map(
      surroundings.map(({ leg, space }) => [leg.network, space.staticRoutesOfPeers]),
    );
    const networks = { vm, legs, reaches, ilb, staticRoutesOfPeers };
    return new GcpConnection(this.#options, networks, identity, this.#memory);
  }

  policy(): string {
    return customRole(this.#options.nextHopIlb !== null);
  }

  describe(nextHop: string): string {
    const instance = /^projects\/[^/]+\/zones\/([^/]+)\/instances\/([^/\s]+)(.*)$/.exec(nextHop);
    if (instance !== null) return `${instance[2]} (${instance[1]})${instance[3]}`;
    return nextHop.startsWith("projects/") ? resourceName(nextHop) : nextHop;
  }
}

/** Google Cloud with this VM known; that it is in the networks to keep in step was seen when it was identified. */
class GcpConnection extends PlainConnection {
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
    return Promise.resolve(tablesOf(this.#networks.legs));
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
    const { vm, legs, ilb } = this.#networks;
    const tables = tablesOf(legs).map((table) => ({
      name: table.name,
      settings: this.#settingsOf(table),
      routesOfPeers: this.#routesOfPeers(table.id),
      read: () => this.read(table, signal),
    }));
    const { api, metadata } = this.#memory;
    return await runChecks({ api, metadata, vm, tables, ilb }, signal);
  }

  #settingsOf(table: CloudTable): RouteSettings {
    const { legs, reaches } = this.#networks;
    const leg = legs.find(({ network }) => network === table.id);
    if (leg === undefined) {
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

/** All networks of a run share the id of self; an address family counts where some network has it. */
function selfOf(
  vm: Vm,
  legs: readonly VmInterface[],
  ilb: LoadBalancer | null,
): ReturnType<typeof selfHop> {
  const hops = legs.map((leg) => selfHop(vm, leg, ilb));
  const [first] = hops;
  if (first === undefined) {
    throw new CloudError("invalid", `Cannot use instance ${vm.name}: it has no interface`);
  }
  const field = (family: 4 | 6): (typeof first)["fields"][4] =>
    hops.map(({ fields }) => fields[family]).find((found) => found !== null) ?? null;
  return { ...first, fields: { 4: field(4), 6: field(6) } };
}
