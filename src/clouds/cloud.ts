/**
 * The interface between the program and a cloud.
 *
 * A cloud executes: it says who this VM is, finds and prepares the table, reads it, writes what it is told and
 * removes what it made. It neither compares nor decides: which routes are wanted is `src/routes`' business, what is
 * owned and what to change is `src/sync`'s. Every call may throw {@linkcode CloudError} and nothing else (but the abort
 * reason of its signal); a cloud never retries on its own, the reconciler owns back-off.
 */

import type { Family, IpAddress, Prefix } from "../routes/prefix.ts";
import type { CloudError } from "./cloud_error.ts";

/** The clouds' names as `-cloud` takes them. */
export type CloudName = "azure" | "aws" | "gcp" | "openstack" | "local";

/** What a cloud can do, so that the reconciler need not know which it is. */
export interface CloudTraits {
  /** Most changes one call to {@linkcode Cloud.write} takes: 1 for an API with a call a route. */
  readonly changesPerWrite: number;
  /** Most calls to {@linkcode Cloud.write} under way at once, 1 where writers of one table clash. */
  readonly concurrentWrites: number;
  /** Pace of writes that stays below the cloud's own limit: a token bucket. Null: no limit worth keeping. */
  readonly pace: { readonly perSecond: number; readonly burst: number } | null;
  /** Most next hops of one route; 1 where the cloud has no ECMP. */
  readonly nextHopsPerRoute: number;
  /**
   * How it is told whose a route is: `mark` if each route carries its owner's name, `ledger` if the claims are kept
   * on this VM's disk.
   */
  readonly ownership: "mark" | "ledger";
  /**
   * Whether the table holds at most one route a prefix (AWS, Azure), so that a foreign route stands in the way of ours;
   * false where a foreign one can stand beside it (GCP, OpenStack).
   */
  readonly uniquePrefix: boolean;
}

/** Who this VM is in its cloud. */
export interface CloudIdentity {
  /** This VM's name or id in the cloud's words, for logs. */
  readonly instance: string;
  /** This VM's own addresses. */
  readonly addresses: readonly IpAddress[];
  /** What a route to this VM points at, by the family of the route; null where it cannot be pointed at (no IPv6). */
  readonly self: Readonly<Record<Family, string | null>>;
  /** The VM's own subnets: a gateway inside one may be another VM. */
  readonly subnets: readonly Prefix[];
  /** Address space of the VM's own VPC, VNet or network: destinations inside it are the cloud's own business. */
  readonly networks: readonly Prefix[];
  /** Addresses of the subnets' own routers: a route by way of one would loop. */
  readonly subnetRouters: readonly IpAddress[];
  /** Ranges this cloud reserves besides those that all reserve. */
  readonly reserved: readonly Prefix[];
}

/** A route table, by the cloud's id. */
export interface CloudTable {
  /** The cloud's own id (`rtb-…`, an ARM id, a router id, a network URL, a file's path). */
  readonly id: string;
  /** Short form for people; unique among the tables of one run. */
  readonly name: string;
  /** Whether this program made it for this owner: a sign on the table itself proves it. */
  readonly ours: boolean;
}

/** One route as it stands in the cloud. */
export interface CloudRoute {
  readonly prefix: Prefix;
  /**
   * What it points at, sorted: ids as {@linkcode Cloud.resolve} and {@linkcode CloudIdentity.self} give them; for a foreign
   * route whatever word the cloud has (`igw-…`, `local`, `Internet`).
   */
  readonly nextHops: readonly string[];
  /** Owner that the route's own mark names; null if it carries no mark of this program (or the cloud has no marks). */
  readonly owner: string | null;
  /** What the cloud calls this very route, where prefix and next hops do not tell (a route's name on Azure and GCP). */
  readonly id?: string;
  /** Set when the cloud says that packets for it are dropped (AWS `blackhole`). */
  readonly blackhole?: boolean;
  /**
   * Set when the cloud put it there by itself and nobody else can change it or take it away (routes that AWS propagates): it is
   * never ours, and a route for the same prefix is added beside it.
   */
  readonly fixed?: boolean;
}

/** How many routes the table takes, counted in places. */
export interface CloudQuota {
  /** The families that are counted together. */
  readonly families: readonly Family[];
  /** Places taken now, by foreign routes too. */
  readonly used: number;
  /** Null where the cloud does not tell and no error has told it yet. */
  readonly limit: number | null;
  /** What takes one place: each next hop of a route where this is set (GCP, OpenStack), else a route whole. */
  readonly perNextHop?: boolean;
  /** Set where a route cannot be changed (GCP): what replaces it takes its places before the old one gives up its own. */
  readonly immutable?: boolean;
}

/** A table as read at one moment. */
export interface TableState {
  readonly table: CloudTable;
  /** All routes that stand in it, foreign ones too; never a part of them. */
  readonly routes: readonly CloudRoute[];
  readonly quotas: readonly CloudQuota[];
  /** ETag, revision or version of what was read, for a conditional write; null where the cloud has none. */
  readonly version: string | null;
}

/**
 * One change of a table. `from` is the owned route that it replaces or deletes, just as it was read.
 * A `replace` must not leave the prefix without a route at any moment.
 */
export type Change =
  | { readonly action: "add"; readonly prefix: Prefix; readonly from: null; readonly to: readonly string[] }
  | {
    readonly action: "replace";
    readonly prefix: Prefix;
    readonly from: CloudRoute;
    readonly to: readonly string[];
  }
  | { readonly action: "delete"; readonly prefix: Prefix; readonly from: CloudRoute; readonly to: null };

/** What became of a write. */
export interface WriteResult {
  /** One entry a change, in their order: null where it is done, else why not. */
  readonly outcomes: readonly (CloudError | null)[];
  /** The table after the write, where the cloud's answer tells it whole; saves the reading back. */
  readonly state?: TableState;
}

/** One thing that `doctor` looked at. */
export interface Finding {
  /** Short name such as `source/dest check`. */
  readonly name: string;
  readonly status: "ok" | "bad" | "unknown" | "fixed";
  /** What was seen, as a sentence. */
  readonly detail: string;
  /** What to do, where something is to be done. */
  readonly remedy?: string;
}

/** A cloud. One instance serves one run of the program, for one owner. */
export interface Cloud {
  readonly name: CloudName;
  readonly traits: CloudTraits;

  /** Finds out who this VM is. Read-only; the reconciler caches the answer. */
  identify(signal: AbortSignal): Promise<CloudIdentity>;

  /**
   * Finds the tables to keep in step, without changing anything: those handed over by `-route-table`, else the one of
   * its own. Empty if its own does not exist yet.
   */
  locate(signal: AbortSignal): Promise<readonly CloudTable[]>;

  /**
   * Makes the tables ready: creates its own if there is none, carries over what the subnet's former table had, associates
   * the subnet, completes what a crash left half-made. Does nothing that is done already.
   */
  prepare(signal: AbortSignal): Promise<readonly CloudTable[]>;

  /**
   * Finds the VMs that gateways belong to.
   *
   * @param gateways addresses inside {@linkcode CloudIdentity.subnets}.
   * @returns for each gateway's text the id that a route to it points at, or null if no VM has that address. A failed
   * look-up throws; it is never a null.
   */
  resolve(gateways: readonly IpAddress[], signal: AbortSignal): Promise<ReadonlyMap<string, string | null>>;

  /** Reads a table whole. */
  read(table: CloudTable, signal: AbortSignal): Promise<TableState>;

  /**
   * Executes changes in the order given, at most {@linkcode CloudTraits.changesPerWrite} of them.
   *
   * @param state the table as last read; where the cloud can, the write is conditional on it and fails as `conflict`.
   * @throws {CloudError} if the call as a whole failed; single failures are outcomes.
   */
  write(
    table: CloudTable,
    changes: readonly Change[],
    state: TableState,
    signal: AbortSignal,
  ): Promise<WriteResult>;

  /** Removes the table and association that it made, putting the former association back. Routes are removed before. */
  remove(signal: AbortSignal): Promise<void>;

  /** Looks at what VM and account need, for `doctor`; with `fix` mends what it may. Does not throw for a bad finding. */
  check(options: { readonly fix: boolean }, signal: AbortSignal): Promise<readonly Finding[]>;

  /** The least-privilege policy for this cloud, as text to paste. */
  policy(): string;

  /** How people read a next hop: `eni-0a1b (10.0.1.20)`. */
  describe(nextHop: string): string;
}
