/**
 * A cloud for the model: it knows who really made each route, fails as it is told to, and checks at every write what must never
 * happen.
 */

import type { Foresight } from "../../src/clouds/cloud.ts";
import { nothingToPrepare } from "../../src/clouds/kit/plain_connection.ts";
import type {
  Change,
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudRoute,
  CloudTable,
  CloudTraits,
  Finding,
  Neighbour,
  TableState,
  WriteResult,
} from "../../src/clouds/cloud.ts";
import { CloudError } from "../../src/clouds/cloud_error.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";

/** Who made a route; the truth that the program can only infer. */
export type Maker = string;
export const operator: Maker = "operator";
/** A route of ours that the operator retargeted before its claim was confirmed: nobody can prove whose it is. */
export const contested: Maker = "contested";

/** A route as it stands. */
export interface ModelRoute {
  prefix: string;
  nextHop: string;
  maker: Maker;
  /** The mark, on clouds that have marks. */
  mark: string | null;
}

/** What goes wrong with a call. */
export type Fault =
  | "throttled"
  | "refused"
  | "server-error"
  | "timeout-before"
  | "timeout-after"
  | "conflict"
  | "slow"
  | "nonsense"
  | "stale";

/** The four shapes that clouds have. */
export interface Shape {
  readonly name: string;
  readonly traits: CloudTraits;
}

const base = { rate: null, nextHopsPerRoute: 1, batch: 1, atomic: false, parallel: 4 };
const whole = { ...base, batch: 1000, atomic: true, parallel: 1 };
/** AWS-, Azure-, OpenStack- and GCP-like. */
export const shapes: readonly Shape[] = [
  { name: "aws", traits: { ...base, ownership: "ledger", uniquePrefix: true } },
  {
    name: "azure",
    traits: { ...whole, ownership: "mark", uniquePrefix: true },
  },
  {
    name: "openstack",
    traits: { ...whole, ownership: "ledger", uniquePrefix: false },
  },
  {
    name: "gcp",
    traits: { ...base, ownership: "mark", uniquePrefix: false, batch: 10, parallel: 1 },
  },
];

export const selfAddress = "10.0.0.2";
/** Fewer than the prefixes of the model, so that it is reached now and then. */
export const quotaLimit = 18;
const table: CloudTable = { id: "table", name: "table", ours: false };
const throttleMs = 3_000;
const staleMs = 5_000;

/** The state of the cloud, shared by all instances of the program and by the operator. */
export class ModelCloud {
  readonly shape: Shape;
  routes: ModelRoute[] = [];
  /** Faults for the next calls, first come first served. */
  faults: Fault[] = [];
  /** A fault for every call, until it is lifted. */
  permanent: Fault | null = null;
  reads = 0;
  writes = 0;
  /** Times of all calls. */
  readonly calls: number[] = [];
  #past: { readonly at: number; readonly routes: readonly ModelRoute[] }[] = [];
  readonly #now: () => number;

  constructor(shape: Shape, now: () => number) {
    this.shape = shape;
    this.#now = now;
  }

  /** Remembers the state before a change, for stale readings. */
  remember(): void {
    this.#past.push({ at: this.#now(), routes: this.routes.map((route) => ({ ...route })) });
    this.#past = this.#past.filter(({ at }) => at > this.#now() - staleMs);
  }

  /** The state as it was a while ago. */
  stale(): readonly ModelRoute[] {
    return this.#past.find(({ at }) => at > this.#now() - staleMs)?.routes ?? this.routes;
  }

  nextFault(): Fault | null {
    return this.faults.shift() ?? this.permanent;
  }
}

/** What an instance lets the cloud ask of the world. */
export interface Witness {
  /** An await point: a crash may happen here; the promise then never resolves. */
  readonly point: () => Promise<void>;
  /** Checks a change at the moment at which the cloud makes it. */
  readonly makes: (change: Change, standing: readonly ModelRoute[]) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
  /** Notes that something happened which must never happen. */
  readonly broken: (what: string) => void;
}

/** The cloud as one instance of the program sees it. */
export class ModelCloudClient implements Cloud, CloudConnection {
  readonly name = "local";
  readonly identity: CloudIdentity = {
    instance: "vm",
    addresses: [parseAddress(selfAddress)],
    self: { 4: selfAddress, 6: null },
    attachments: [{ addresses: [parseAddress(selfAddress)], networks: [parsePrefix("10.0.0.0/16")] }],
    networks: [parsePrefix("10.0.0.0/16")],
    subnetRouters: [],
    linkLocalIsRouter: false,
    reserved: [],
  };
  readonly traits: CloudTraits;
  readonly #cloud: ModelCloud;
  readonly #owner: string;
  readonly #witness: Witness;
  #throttledUntil = 0;

  constructor(cloud: ModelCloud, owner: string, witness: Witness) {
    this.#cloud = cloud;
    this.#owner = owner;
    this.#witness = witness;
    this.traits = cloud.shape.traits;
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    await this.#call(signal);
    return this;
  }

  locate(): Promise<readonly CloudTable[]> {
    return Promise.resolve([table]);
  }

  foresee(): Promise<Foresight> {
    return Promise.resolve(nothingToPrepare([table]));
  }

  async prepare(signal: AbortSignal): Promise<readonly CloudTable[]> {
    await this.#call(signal);
    return [table];
  }

  async resolve(
    neighbours: readonly Neighbour[],
    signal: AbortSignal,
  ): Promise<readonly (string | null)[]> {
    await this.#call(signal);
    return neighbours.map(({ gateway }) => gateway.text);
  }

  forget(): void {}

  async read(_table: CloudTable, signal: AbortSignal): Promise<TableState> {
    this.#cloud.reads++;
    const fault = await this.#call(signal);
    const state = this.#stateOf(fault === "stale" ? this.#cloud.stale() : this.#cloud.routes);
    await this.#witness.point();
    return state;
  }

  async write(
    _table: CloudTable,
    changes: readonly Change[],
    _state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    this.#cloud.writes++;
    const fault = await this.#call(signal);
    this.#cloud.remember();
    const outcomes = changes.map((change) => ({ change, error: this.#apply(change) }));
    await this.#witness.point();
    if (fault === "timeout-after") throw new CloudError("unavailable", "no answer in time");
    const isWhole = this.traits.batch > 1 && outcomes.every(({ error }) => error === null);
    return isWhole ? { outcomes, state: this.#stateOf(this.#cloud.routes) } : { outcomes };
  }

  forwarding(): Promise<readonly Finding[]> {
    return Promise.resolve([]);
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  check(): Promise<readonly Finding[]> {
    return Promise.resolve([]);
  }

  policy(): string {
    return "";
  }

  describe(nextHop: string): string {
    return nextHop;
  }

  /** What every call goes through: latency, crash, faults. */
  async #call(signal: AbortSignal): Promise<Fault | null> {
    const { point, sleep, now } = this.#witness;
    this.#cloud.calls.push(now());
    if (now() < this.#throttledUntil) this.#witness.broken("a call came before Retry-After had passed");
    const fault = this.#cloud.nextFault();
    await point();
    if (fault !== "refused") await sleep(fault === "slow" ? 2_000 : 20, signal);
    signal.throwIfAborted();
    await point();
    switch (fault) {
      case "throttled":
        this.#throttledUntil = now() + throttleMs;
        throw new CloudError("throttled", "too many requests", { retryAfterMs: throttleMs });
      case "refused":
        throw new CloudError("unavailable", "connection refused");
      case "server-error":
        throw new CloudError("unavailable", "internal error", { status: 500 });
      case "timeout-before":
        throw new CloudError("unavailable", "no answer in time");
      case "conflict":
        throw new CloudError("conflict", "another operation is in progress");
      case "nonsense":
        throw new CloudError("malformed", "the cloud answered nonsense");
      default:
        return fault;
    }
  }

  #stateOf(routes: readonly ModelRoute[]): TableState {
    return {
      table,
      routes: routes.map((route): CloudRoute => ({
        prefix: parsePrefix(route.prefix),
        nextHops: [route.nextHop],
        owner: this.traits.ownership === "mark" ? route.mark : null,
      })),
      quotas: [{ families: [4], used: routes.length, limit: quotaLimit }],
      version: null,
    };
  }

  #apply(change: Change): CloudError | null {
    const cloud = this.#cloud;
    const key = change.prefix.text;
    const there = cloud.routes.filter((route) => route.prefix === key);
    const from = change.from?.nextHops ?? [];
    // EC2 changes whatever stands at a prefix, Neutron the pairs that are named, Azure and GCP the routes of that name.
    const targets = there.filter((route) =>
      this.#mayName(route) && (this.traits.uniquePrefix || from.includes(route.nextHop))
    );
    if (change.action === "add") return this.#add(change.to[0] ?? "", key, there, change);
    if (targets.length === 0) {
      return change.action === "delete" ? null : new CloudError("conflict", `${key} is not there`);
    }
    this.#witness.makes(change, targets);
    if (change.action === "delete") {
      cloud.routes = cloud.routes.filter((route) => !targets.includes(route));
      return null;
    }
    const to = change.to[0] ?? "";
    const kept = { prefix: key, nextHop: to, maker: this.#owner, mark: this.#owner };
    cloud.routes = [...cloud.routes.filter((route) => !targets.includes(route)), kept];
    return null;
  }

  /** On a cloud with marks a route is named by its own name, which carries the mark. */
  #mayName(route: ModelRoute): boolean {
    return this.traits.ownership === "ledger" || route.mark === this.#owner;
  }

  #add(to: string, key: string, there: readonly ModelRoute[], change: Change): CloudError | null {
    const cloud = this.#cloud;
    const same = there.find((route) => route.nextHop === to && this.#mayName(route));
    if (this.traits.uniquePrefix && there.length > 0) return new CloudError("conflict", `${key} exists`);
    if (!this.traits.uniquePrefix && same !== undefined) {
      // Neutron answers 200 to a pair that is there; from then on it is the ledger's as much as anybody's.
      same.maker = this.#owner;
      return null;
    }
    if (cloud.routes.length >= quotaLimit) {
      return new CloudError("quota", "limit reached", { limit: quotaLimit });
    }
    this.#witness.makes(change, []);
    cloud.routes.push({ prefix: key, nextHop: to, maker: this.#owner, mark: this.#owner });
    return null;
  }
}
