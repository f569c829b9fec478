/**
 * Google Cloud.
 *
 * Routes are static routes of the VPC network, an operation each and immutable once made; see `route_name.ts`
 * for their names, `route_mark.ts` for the ownership mark, `next_hop.ts` for what they point at.
 */

import { AdaptiveLimiter } from "../../async/adaptive_limiter.ts";
import type { Clock } from "../../async/clock.ts";
import { systemClock } from "../../async/system_clock.ts";
import type { Cloud, CloudConnection, CloudTraits } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { GcpOptions } from "./flags.ts";
import { ownInterface } from "../kit/own_interface.ts";
import { ComputeApi, computeEndpoint } from "./api.ts";
import { MetadataCredentials } from "./credentials.ts";
import { identityOf, rangesOf } from "./identity.ts";
import { type LoadBalancer, readLoadBalancer } from "./load_balancer.ts";
import { MetadataServer } from "./metadata.ts";
import { checkNetworks, networksOf } from "./networks.ts";
import { selfHop } from "./next_hop.ts";
import { reachesOf } from "./neighbours.ts";
import { resourceName } from "./resource_url.ts";
import { customRole } from "./permissions.ts";
import { signOf } from "./route_mark.ts";
import { afterRefusal, writeRate } from "./write_rate.ts";
import { readSurroundings } from "./subnets.ts";
import { readVm, type Vm, type VmInterface } from "./vm.ts";
import { GcpConnection, type Memory } from "./connection.ts";

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
    const own = ownInterface(vm.interfaces, self);
    const { legs, missing } = await networksOf(vm, routeTables, own, signal);
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
    const networks = { vm, legs, missing, reaches, ilb, staticRoutesOfPeers };
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
