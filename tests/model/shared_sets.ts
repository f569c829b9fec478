/**
 * Tables whose routes have a next hop of each router, as several routers write them at once: the real writers of Azure and OpenStack on
 * stores that keep to an ETag and a revision, and a store of routes that each have an owner as Google's. Time is virtual.
 */

import type { ArmCall, ArmClient } from "../../src/clouds/azure/api.ts";
import { EcmpSupport } from "../../src/clouds/azure/ecmp_support.ts";
import { signOf } from "../../src/clouds/azure/route_name.ts";
import { decodeTable, mostNextHops, nextHopAddresses } from "../../src/clouds/azure/routes.ts";
import type { ArmRoute, ArmRouteTable } from "../../src/clouds/azure/schemas.ts";
import { writeTable } from "../../src/clouds/azure/writer.ts";
import type {
  Change,
  CloudRoute,
  CloudTraits,
  Sign,
  TableState,
  WriteResult,
} from "../../src/clouds/cloud.ts";
import { CloudError } from "../../src/clouds/cloud_error.ts";
import type { Neutron } from "../../src/clouds/openstack/api.ts";
import { routesOfPairs } from "../../src/clouds/openstack/routes.ts";
import type { ExtraRoute, Router } from "../../src/clouds/openstack/schemas.ts";
import { RouteWriter } from "../../src/clouds/openstack/writer.ts";
import type { IpAddress } from "../../src/routes/prefix.ts";
import { owner, someTable, tableState } from "../fakes/cloud_routes.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** How long a call takes, in milliseconds, and half of it until it takes effect. */
const callMs = 40;

/** How one router reads and writes the table. */
export interface Access {
  readonly sign: Sign | null;
  read(signal: AbortSignal): Promise<TableState>;
  write(changes: readonly Change[], state: TableState, signal: AbortSignal): Promise<WriteResult>;
}

/** What a router did. */
export interface Calls {
  reads: number;
  writes: number;
  /** Writes that were refused since another router had written. */
  refused: number;
}

/** A table that several routers share. */
export abstract class SharedSets {
  abstract readonly traits: CloudTraits;
  readonly calls = new Map<string, Calls>();
  /** Legs that a router took away though they were another's. */
  readonly lost: string[] = [];
  readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** The next hops of a prefix, sorted. */
  abstract legs(prefix: string): readonly string[];
  abstract accessOf(router: IpAddress): Access;

  protected callsOf(router: string): Calls {
    const calls = this.calls.get(router) ?? { reads: 0, writes: 0, refused: 0 };
    this.calls.set(router, calls);
    return calls;
  }

  /** A call: half of its time passes before it takes effect, half after. */
  protected async call<T>(effect: () => T): Promise<T> {
    const never = new AbortController().signal;
    await this.clock.sleep(callMs / 2, never);
    const result = effect();
    await this.clock.sleep(callMs / 2, never);
    return result;
  }

  /** Makes a change, and takes note of what it took away from others. */
  protected watched(router: string, change: () => void): void {
    const before = new Map(prefixes.map((prefix) => [prefix, this.legs(prefix)]));
    change();
    for (const [prefix, legs] of before) {
      const gone = legs.filter((leg) => leg !== router && !this.legs(prefix).includes(leg));
      for (const leg of gone) this.lost.push(`${router} took ${prefix} via ${leg} away`);
    }
  }
}

/** The prefixes that all routers may want. */
export const prefixes = ["198.51.100.0/24", "203.0.113.0/24"] as const;

/** Azure with `VirtualApplianceEcmp`: one route a prefix, the whole table under one ETag. */
export class AzureSets extends SharedSets {
  readonly #ecmp = new EcmpSupport(true, () => this.clock.now());
  #routes: ArmRoute[] = [];
  #version = 1;

  readonly traits: CloudTraits = {
    batch: 1_000,
    atomic: true,
    parallel: 1,
    rate: null,
    nextHopsPerRoute: mostNextHops,
    ownership: "mark",
    uniquePrefix: true,
  };

  legs(prefix: string): readonly string[] {
    return this.#routes.filter(({ properties }) => properties.addressPrefix === prefix)
      .flatMap(({ properties }) => nextHopAddresses(properties)).sort();
  }

  accessOf(router: IpAddress): Access {
    const sign = signOf(`/vm/${router.text}`, router);
    const calls = this.callsOf(router.text);
    const known = new Map<string, ArmRouteTable>();
    const get = async (): Promise<ArmRouteTable> => {
      calls.reads++;
      const raw = await this.call(() => this.#show());
      known.set(raw.etag, raw);
      return raw;
    };
    // The writer asks nothing more of the client.
    const arm = {
      knowsEcmp: true,
      send: async (request: ArmCall) => {
        calls.writes++;
        await this.call(() => {
          try {
            this.#put(router.text, request);
          } catch (error) {
            calls.refused++;
            throw error;
          }
        });
        return { status: 200, headers: {}, body: {} };
      },
    } as unknown as ArmClient;
    const read = async (): Promise<TableState> => decodeTable(someTable, await get(), 1_000);
    return {
      sign,
      read,
      write: async (changes, state, signal) => {
        const raw = known.get(state.version ?? "");
        if (raw === undefined) throw new CloudError("conflict", "the table was not read");
        const context = { arm, owner, sign, networks: [], reread: get, ecmp: this.#ecmp };
        const { outcomes, written } = await writeTable(context, someTable, changes, raw, signal);
        return written ? { outcomes, state: await read() } : { outcomes };
      },
    };
  }

  #show(): ArmRouteTable {
    return structuredClone({
      id: someTable.id,
      name: someTable.name,
      location: "westeurope",
      etag: String(this.#version),
      properties: { routes: this.#routes },
    });
  }

  #put(router: string, { path, body, ifMatch }: ArmCall): void {
    if (ifMatch !== undefined && ifMatch !== String(this.#version)) {
      throw new CloudError("conflict", "412 PreconditionFailed", { status: 412 });
    }
    this.watched(router, () => {
      if (path === someTable.id) this.#routes = structuredClone(body as ArmRouteTable).properties.routes; // what was sent
      else this.#putRoute(body as ArmRoute); // likewise
    });
    this.#version++;
  }

  /** One route by its name, on no condition: Azure refuses a second route of a prefix. */
  #putRoute(route: ArmRoute): void {
    const { addressPrefix } = route.properties;
    const other = this.#routes.find(({ properties }) => properties.addressPrefix === addressPrefix);
    if (other !== undefined && other.name !== route.name) {
      throw new CloudError("conflict", "Routes cannot have the same AddressPrefix", { status: 400 });
    }
    this.#routes = [...this.#routes.filter(({ name }) => name !== route.name), structuredClone(route)];
  }
}

/** Neutron with atomic changes and revisions. */
export class OpenstackSets extends SharedSets {
  #pairs: ExtraRoute[] = [];
  #revision = 1;

  readonly traits: CloudTraits = {
    batch: 1_000,
    atomic: true,
    parallel: 1,
    rate: null,
    nextHopsPerRoute: 16,
    ownership: "ledger",
    uniquePrefix: false,
  };

  legs(prefix: string): readonly string[] {
    return this.#pairs.filter(({ destination }) => destination === prefix).map(({ nexthop }) => nexthop)
      .sort();
  }

  accessOf(router: IpAddress): Access {
    const calls = this.callsOf(router.text);
    const get = async (): Promise<Router> => {
      calls.reads++;
      return await this.call(() => this.#show());
    };
    const write = async (revision: number | null, change: () => void): Promise<Router> => {
      calls.writes++;
      return await this.call(() => {
        if (revision !== null && revision !== this.#revision) {
          calls.refused++;
          throw new CloudError("conflict", "412 RevisionNumberConstraintFailed", { status: 412 });
        }
        this.watched(router.text, change);
        this.#revision++;
        return this.#show();
      });
    };
    const isSame = (left: ExtraRoute, right: ExtraRoute): boolean =>
      left.destination === right.destination && left.nexthop === right.nexthop;
    // The writer asks nothing more of Neutron.
    const neutron = {
      router: get,
      addRoutes: (_id: string, pairs: readonly ExtraRoute[], revision: number | null) =>
        write(revision, () => {
          this.#pairs.push(...pairs.filter((pair) => !this.#pairs.some((each) => isSame(each, pair))));
        }),
      removeRoutes: (_id: string, pairs: readonly ExtraRoute[]) =>
        write(null, () => {
          this.#pairs = this.#pairs.filter((each) => !pairs.some((pair) => isSame(each, pair)));
        }),
    } as unknown as Neutron;
    const stateOf = ({ routes, revision_number: revision }: Router): TableState => ({
      table: someTable,
      routes: routesOfPairs(routes),
      quotas: [],
      version: String(revision),
    });
    const extensions = new Set(["extraroute-atomic", "revision-if-match"]);
    return {
      sign: null,
      read: async () => stateOf(await get()),
      write: async (changes, state, signal) => {
        const { outcomes, router: after } = await new RouteWriter(neutron, state, extensions, signal)
          .write(changes);
        return after === null ? { outcomes } : { outcomes, state: stateOf(after) };
      },
    };
  }

  #show(): Router {
    return structuredClone({
      id: someTable.id,
      name: someTable.name,
      project_id: "p",
      revision_number: this.#revision,
      routes: this.#pairs,
    });
  }
}

/** A network of Google's: each route is a resource of its own, with the mark of who wrote it. */
export class GoogleSets extends SharedSets {
  #routes: CloudRoute[] = [];

  readonly traits: CloudTraits = {
    batch: 100,
    atomic: false,
    parallel: 1,
    rate: null,
    nextHopsPerRoute: 8,
    ownership: "mark",
    uniquePrefix: false,
  };

  legs(prefix: string): readonly string[] {
    return this.#routes.filter((route) => route.prefix.text === prefix).flatMap(({ nextHops }) => nextHops)
      .sort();
  }

  accessOf(router: IpAddress): Access {
    const sign: Sign = { id: `vm-${router.text}`, address: router, nextHops: [router.text] };
    const calls = this.callsOf(router.text);
    return {
      sign,
      read: async () => {
        calls.reads++;
        return await this.call(() => tableState(structuredClone(this.#routes)));
      },
      write: async (changes) => {
        for (const change of changes) {
          calls.writes++;
          await this.call(() => this.watched(router.text, () => this.#change(change, sign)));
        }
        return { outcomes: changes.map((change) => ({ change, error: null })) };
      },
    };
  }

  #change({ prefix, from, to }: Change, sign: Sign): void {
    const gone = new Set(from?.ids ?? (from?.id === undefined ? [] : [from.id]));
    this.#routes = this.#routes.filter(({ id }) => id === undefined || !gone.has(id));
    for (const hop of to ?? []) {
      const id = `${prefix.text} ${sign.id} ${hop}`;
      if (this.#routes.some((route) => route.id === id)) continue;
      this.#routes.push({ prefix, nextHops: [hop], owner, writer: sign, id });
    }
  }
}
