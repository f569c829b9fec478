/**
 * Google Cloud.
 *
 * Routes are static routes of the VPC network, an operation each and immutable once made; see `route_name.ts`
 * for their names, `route_mark.ts` for the ownership mark, `next_hop.ts` for what they point at.
 */

import { TokenBucket } from "../../sync/token_bucket.ts";
import type { IpAddress, Prefix } from "../../routes/prefix.ts";
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
import { attempt, type CheckContext, runChecks } from "./checks.ts";
import { ComputeApi, computeEndpoint } from "./compute_api.ts";
import { MetadataCredentials } from "./credentials.ts";
import { readIdentity, readRanges } from "./identity.ts";
import { MetadataServer } from "./metadata.ts";
import { Neighbours } from "./neighbours.ts";
import { interfacesOf, tablesOf } from "./networks.ts";
import { selfHop } from "./next_hop.ts";
import { defaultPatience } from "./operations.ts";
import { RouteQuota } from "./quota.ts";
import { networksAround, rangesElsewhere, type Reach } from "./reach.ts";
import { resourceName } from "./resource_url.ts";
import { customRole } from "./role.ts";
import { readRoutes, type RouteSettings } from "./route_table.ts";
import { RouteWriter } from "./route_writer.ts";
import { mutationPace } from "./send_gate.ts";
import { networkProject, readVm, type Vm, type VmInterface } from "./vm.ts";

/** Google documents no limit of its own on routes of equal priority; more than this is no use to a network of VMs. */
const mostNextHops = 8;

/** Opens Google Cloud; nothing is asked of it yet. */
export function openGcp(options: CloudOptions): Cloud {
  return new GcpCloud(options);
}

class GcpCloud implements Cloud {
  readonly name = "gcp";
  readonly traits: CloudTraits;
  readonly #options: CloudOptions;
  readonly #metadata: MetadataServer;
  readonly #api: ComputeApi;
  readonly #neighbours: Neighbours;
  readonly #bucket = new TokenBucket(mutationPace, performance.now());
  readonly #quotas = new Map<string, RouteQuota>();
  #vm: Vm | null = null;
  #reaches: readonly Reach[] | null = null;

  constructor(options: CloudOptions) {
    this.#options = options;
    const host = options.imdsEndpoint ?? options.environment("GCE_METADATA_HOST") ?? "169.254.169.254";
    this.#metadata = new MetadataServer(host);
    this.#api = new ComputeApi(
      options.gcpEndpoint ?? computeEndpoint,
      new MetadataCredentials(this.#metadata),
    );
    this.#neighbours = new Neighbours(this.#api);
    this.traits = {
      // One write is up to 100 changes that are under way together; the pace is kept inside it (`send_gate.ts`).
      changesPerWrite: 100,
      concurrentWrites: 1,
      pace: null,
      nextHopsPerRoute: options.noEcmp ? 1 : mostNextHops,
      ownership: "mark",
      uniquePrefix: false,
    };
  }

  async identify(signal: AbortSignal): Promise<CloudIdentity> {
    this.#vm = null;
    this.#reaches = null;
    const { vm, legs } = await this.#whoAmI(signal);
    return await readIdentity(this.#api, vm, legs, this.#selfOf(vm, legs), signal);
  }

  async locate(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return tablesOf((await this.#whoAmI(signal)).legs);
  }

  /** A network needs no preparing: this verifies that the VM is in it. */
  prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return this.locate(signal);
  }

  async resolve(
    gateways: readonly IpAddress[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const { vm, legs } = await this.#whoAmI(signal);
    const reaches = await this.#reachOf(legs, signal);
    const networksOf = (gateway: IpAddress): readonly string[] => networksAround(gateway, reaches);
    return await this.#neighbours.find(gateways, vm.project, networksOf, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    const settings = await this.#settingsOf(table, signal);
    const { routes, staticCount } = await readRoutes(this.#api, settings, signal);
    const quotas = await this.#quotaOf(settings).read(staticCount, signal);
    return { table, routes, quotas, version: null };
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const settings = await this.#settingsOf(table, signal);
    const writer = new RouteWriter(this.#api, settings, this.#bucket, defaultPatience);
    const outcomes = await writer.write(changes, state, signal);
    for (const outcome of outcomes) this.#quotaOf(settings).learn(outcome);
    return { outcomes };
  }

  /** There is nothing to remove: the network is not ours, and the routes are gone by then. */
  remove(_signal: AbortSignal): Promise<void> {
    return Promise.resolve();
  }

  async check(_options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]> {
    let context: CheckContext | null = null;
    const network = await attempt("network", async () => {
      const { vm, legs } = await this.#whoAmI(signal);
      const tables = legs.map((leg) => this.#settings(vm, leg, [])).map((settings) => ({
        settings,
        quota: this.#quotaOf(settings),
      }));
      context = {
        api: this.#api,
        metadata: this.#metadata,
        vm,
        tables,
        nextHopIlb: this.#options.nextHopIlb,
      };
      const networks = legs.map(({ network }) => network).join(", ");
      return { name: "network", status: "ok", detail: `This VM is ${vm.url}; its routes go to ${networks}` };
    });
    return context === null ? [network] : [network, ...await runChecks(context, signal)];
  }

  policy(): string {
    return customRole(this.#options.nextHopIlb !== null);
  }

  describe(nextHop: string): string {
    const instance = /^projects\/[^/]+\/zones\/([^/]+)\/instances\/([^/\s]+)(.*)$/.exec(nextHop);
    if (instance !== null) return `${instance[2]} (${instance[1]})${instance[3]}`;
    return nextHop.startsWith("projects/") ? resourceName(nextHop) : nextHop;
  }

  /** This VM and its interfaces in the networks to keep in step; asked once. */
  async #whoAmI(signal: AbortSignal): Promise<{ readonly vm: Vm; readonly legs: readonly VmInterface[] }> {
    const vm = this.#vm ?? await readVm(this.#metadata, this.#api, signal);
    this.#vm = vm;
    return { vm, legs: interfacesOf(vm, this.#options.routeTables) };
  }

  async #settingsOf(table: CloudTable, signal: AbortSignal): Promise<RouteSettings> {
    const { vm, legs } = await this.#whoAmI(signal);
    const leg = legs.find(({ network }) => network === table.id);
    if (leg === undefined) {
      throw new CloudError("gone", `Cannot use network ${table.id}: this VM is not in it any more`);
    }
    return this.#settings(vm, leg, rangesElsewhere(leg.network, await this.#reachOf(legs, signal)));
  }

  /** What the VM's interfaces reach; asked once, and only where there are several networks to tell apart. */
  async #reachOf(legs: readonly VmInterface[], signal: AbortSignal): Promise<readonly Reach[]> {
    const [only, ...others] = tablesOf(legs);
    if (only !== undefined && others.length === 0) return [{ network: only.id, ranges: [] }];
    this.#reaches ??= await Promise.all(
      legs.map(async (leg) => ({ network: leg.network, ranges: await readRanges(this.#api, leg, signal) })),
    );
    return this.#reaches;
  }

  #settings(vm: Vm, leg: VmInterface, elsewhere: readonly Prefix[]): RouteSettings {
    const { owner, priority, instanceTags, nextHopIlb } = this.#options;
    return {
      owner,
      instance: vm.name,
      network: leg.network,
      project: networkProject(leg.network),
      self: selfHop(vm, leg, nextHopIlb, elsewhere),
      priority,
      tags: instanceTags,
    };
  }

  /** All networks of a run share the id of self; an address family counts where some network has it. */
  #selfOf(vm: Vm, legs: readonly VmInterface[]): ReturnType<typeof selfHop> {
    const hops = legs.map((leg) => selfHop(vm, leg, this.#options.nextHopIlb));
    const [first] = hops;
    if (first === undefined) {
      throw new CloudError("invalid", `Cannot use instance ${vm.name}: it has no interface`);
    }
    const field = (family: 4 | 6): (typeof first)["fields"][4] =>
      hops.map(({ fields }) => fields[family]).find((found) => found !== null) ?? null;
    return { ...first, fields: { 4: field(4), 6: field(6) } };
  }

  #quotaOf(settings: RouteSettings): RouteQuota {
    const known = this.#quotas.get(settings.network);
    if (known !== undefined) return known;
    const quota = new RouteQuota(this.#api, settings.project);
    this.#quotas.set(settings.network, quota);
    return quota;
  }
}
