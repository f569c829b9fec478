/** OpenStack with this VM known: its routers found, read, written, checked. This file only joins the parts. */

import { namedTables, uniqueName } from "../kit/table_tag.ts";
import type { IpAddress, Prefix } from "../../routes/prefix.ts";
import type {
  Change,
  ChangeOutcome,
  CheckOptions,
  CloudIdentity,
  CloudTable,
  DeadPeer,
  Finding,
  Neighbour,
  PeerRouter,
  TableState,
  WriteResult,
} from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { PlainConnection } from "../kit/plain_connection.ts";
import type { OpenstackOptions } from "./flags.ts";
import { noEcmpReason } from "./ecmp.ts";
import type { DeadPeers } from "./dead_peers.ts";
import { checkOpenstack } from "./doctor.ts";
import { forwardingFindings } from "./forwarding.ts";
import { findGivenRouter } from "./handed_over.ts";
import { writeWhatFits } from "./full_router.ts";
import { routesOfPairs } from "./routes.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Neutron } from "./api.ts";
import type { Router, RouterName } from "./schemas.ts";
import { type Vm, withRoutersNow } from "./vm.ts";
import { identityOf, withoutStrangers } from "./identity.ts";
import type { RouteLimits } from "./quota.ts";
import { RouteWriter } from "./writer.ts";

/** What of a run outlives a connection. */
export interface Memory {
  readonly limits: RouteLimits;
  readonly neighbours: Neighbours;
  readonly deadPeers: DeadPeers;
  /** Why routes have one next hop; null: they may have several. */
  noEcmp: string | null;
  /** Takes in {@linkcode noEcmp}, and says it once. */
  readonly learnNextHops: (reason: string | null) => void;
}

/** OpenStack with this VM known. */
export class OpenstackConnection extends PlainConnection {
  readonly identity: CloudIdentity;
  readonly #options: OpenstackOptions;
  readonly #neutron: Neutron;
  #vm: Vm;
  /** The aliases of Neutron's extensions. */
  readonly #extensions: ReadonlySet<string>;
  readonly #memory: Memory;

  constructor(
    options: OpenstackOptions,
    neutron: Neutron,
    vm: Vm,
    extensions: ReadonlySet<string>,
    memory: Memory,
  ) {
    super();
    this.identity = identityOf(vm);
    this.#options = options;
    this.#neutron = neutron;
    this.#vm = vm;
    this.#extensions = extensions;
    this.#memory = memory;
  }

  locate(): Promise<readonly CloudTable[]> {
    const { routers, strangers, missing } = this.#vm;
    const all: readonly RouterName[] = [
      ...routers,
      ...strangers.map(({ router }) => router),
      ...missing.map(({ given }) => ({ id: given, name: given })),
    ];
    return Promise.resolve(all.map((router) => tableOf(router, all)));
  }

  /** Looks up anew which routers have the tags that were given, and those that could not be kept. */
  override async prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    const isSettled = namedTables(this.#options.routeTables).tags.length === 0 &&
      this.#vm.missing.length === 0 && this.#vm.strangers.length === 0;
    if (!isSettled) {
      const vm = withoutStrangers(await withRoutersNow(this.#neutron, this.#vm, this.#options, signal));
      // A router by which no route could come here is refused as it is when this VM is identified.
      identityOf(vm);
      this.#vm = vm;
      this.#memory.learnNextHops(noEcmpReason(this.#extensions, vm.routerPorts));
    }
    return await this.locate();
  }

  override async resolve(
    neighbours: readonly Neighbour[],
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]> {
    return await this.#memory.neighbours.find(neighbours, this.#vm, this.#neutron, signal);
  }

  override forget(gateways: readonly IpAddress[]): void {
    this.#memory.neighbours.forget(gateways);
  }

  findDead(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]> {
    return this.#memory.deadPeers.find(this.#neutron, this.#vm.subnets, peers, signal);
  }

  async read(table: CloudTable, signal: AbortSignal): Promise<TableState> {
    await this.#checkKept(table, signal);
    const router = await this.#neutron.router(table.id, signal);
    return stateOf(table, router, await this.#memory.limits.of(router, this.#neutron, signal));
  }

  /** @throws {CloudError} what is wrong with a router that could not be kept when they were looked after. */
  async #checkKept({ id: given }: CloudTable, signal: AbortSignal): Promise<void> {
    const stranger = this.#vm.strangers.find(({ router }) => router.id === given);
    if (stranger !== undefined) throw stranger.failure;
    if (!this.#vm.missing.some((missing) => missing.given === given)) return;
    const { name, id } = await findGivenRouter(this.#neutron, given, signal);
    throw new CloudError(
      "gone",
      `Cannot read router "${given}": ${name} (${id}) has come since; it is kept once the tables are looked after again`,
    );
  }

  async write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const writer = new RouteWriter(this.#neutron, state, this.#extensions, signal);
    try {
      const { outcomes, router } = await writer.write(changes);
      if (router === null) return { outcomes };
      return { outcomes, state: stateOf(table, router, this.#memory.limits.known(router)) };
    } catch (error) {
      const failure = await this.#withLimit(error, table, signal);
      if (failure.kind !== "quota" || failure.limit !== undefined) throw failure;
      return { outcomes: await this.#fill(table, changes, failure, writer, signal) };
    }
  }

  async forwarding(ownPrefixes: () => readonly Prefix[], signal: AbortSignal): Promise<readonly Finding[]> {
    return await forwardingFindings(this.#neutron, this.#vm, this.identity, ownPrefixes(), signal);
  }

  async check({ fix, ownPrefixes = [] }: CheckOptions, signal: AbortSignal): Promise<readonly Finding[]> {
    return await checkOpenstack({
      neutron: this.#neutron,
      vm: this.#vm,
      identity: this.identity,
      extensions: this.#extensions,
      noEcmp: this.#memory.noEcmp,
      tables: await this.locate(),
      read: (table) => this.read(table, signal),
      probe: (state) => new RouteWriter(this.#neutron, state, this.#extensions, signal).probe(),
      ownPrefixes,
      fix,
    }, signal);
  }

  /** Writes what the router still takes: then it is full, and that is its limit. */
  async #fill(
    table: CloudTable,
    changes: readonly Change[],
    refusal: CloudError,
    writer: RouteWriter,
    signal: AbortSignal,
  ): Promise<readonly ChangeOutcome[]> {
    const outcomes = await writeWhatFits(
      changes,
      refusal,
      async (part) => (await writer.write(part)).outcomes,
    );
    if (outcomes.some(({ error }) => error?.kind === "quota")) {
      const { routes } = await this.#neutron.router(table.id, signal);
      this.#memory.limits.learn(table.id, routes.length);
    }
    return outcomes;
  }

  /** Since Neutron 29 the error does not tell the limit that was reached, but the quota does. */
  async #withLimit(error: unknown, table: CloudTable, signal: AbortSignal): Promise<CloudError> {
    if (!(error instanceof CloudError)) throw error;
    if (error.kind !== "quota") return error;
    if (error.limit !== undefined) {
      this.#memory.limits.learn(table.id, error.limit);
      return error;
    }
    const router = await this.#neutron.router(table.id, signal);
    const limit = await this.#memory.limits.refresh(router, this.#neutron, signal);
    if (limit === null) return error;
    const { message, status, code, requestId, cause } = error;
    return new CloudError("quota", `${message} The limit is ${limit}.`, {
      status,
      code,
      requestId,
      limit,
      cause,
    });
  }
}

function tableOf(router: RouterName, routers: readonly RouterName[]): CloudTable {
  const { id, foundBy } = router;
  const table = { id, name: uniqueName(router, routers), ours: false };
  return foundBy === undefined ? table : { ...table, foundBy };
}

/** Neutron counts pairs, whatever their family. */
function stateOf(table: CloudTable, router: Router, limit: number | null): TableState {
  return {
    table,
    routes: routesOfPairs(router.routes),
    quotas: [{ families: [4, 6], used: router.routes.length, limit, perNextHop: true }],
    version: router.revision_number === undefined ? null : String(router.revision_number),
  };
}
