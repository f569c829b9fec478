/**
 * The interface between the program and a cloud.
 *
 * A cloud executes: it says who this VM is, finds and prepares the table, reads it, writes the changes that it is given and
 * removes what it made. It neither compares nor decides: which routes are wanted is `src/routes`' business; what is
 * owned, what to change, in which order and what fits a quota is `src/sync`'s. Every call may throw {@linkcode CloudError}
 * and nothing else (but the abort reason of its signal); a cloud never retries on its own, the reconciler owns back-off.
 *
 * Two objects: a {@linkcode Cloud} is opened once a run and lives as long; it makes no call before `identify`. That yields a
 * {@linkcode CloudConnection}, on which all other calls stand with this VM known. When this VM's addresses change it is
 * identified anew and the former connection is dropped. What outlives that (caches, limits learned, logins) the cloud keeps.
 */

import type { PolicyIdentity } from "../routes/policy.ts";
import type { Family, IpAddress, Prefix } from "../routes/prefix.ts";
import type { CloudError } from "./cloud_error.ts";
import type { CloudName } from "./registry.ts";

export type { CloudName };

/** What a cloud can do, so that the reconciler need not know which it is. */
export interface CloudTraits {
  /** Most changes that one call to {@linkcode CloudConnection.write} takes, 1 or more. */
  readonly batch: number;
  /**
   * Whether a batch is one step of the table (Azure, OpenStack, local), so that changes that depend on one another may be in it. Where
   * it is false a cloud may make the changes of a batch in any order and at once, and the plan's order holds between batches.
   */
  readonly atomic: boolean;
  /** Most calls to {@linkcode CloudConnection.write} of one table under way at once; 1 where writers clash. */
  readonly parallel: number;
  /** The rate of writes that stays below the cloud's own limit: a token bucket. Null: the cloud keeps it itself, or has none. */
  readonly rate: { readonly perSecond: number; readonly burst: number } | null;
  /** Most next hops of one route; 1 where the cloud has no ECMP. */
  readonly nextHopsPerRoute: number;
  /** The same for one prefix, where the cloud has refused a set of next hops for it alone. Left out: they are all alike. */
  readonly nextHopsOf?: (prefix: Prefix) => number;
  /**
   * How it is known whose a route is: `mark` if each route carries its owner's name, `ledger` if the claims are kept
   * on this VM's disk.
   */
  readonly ownership: "mark" | "ledger";
  /** Whether routes name their next hops by address, so that it is known what a route to a router points at though nothing has the address. */
  readonly routesNameAddresses?: boolean;
  /** Whether a reading marks the routes whose next hop is dead (`blackhole`), so that an audit need not ask for them besides. */
  readonly readingShowsDead?: boolean;
  /**
   * Whether the table holds at most one route a prefix (AWS, Azure), so that a foreign route stands in the way of ours;
   * false where a foreign one can stand beside it (GCP, OpenStack).
   */
  readonly uniquePrefix: boolean;
}

/** Who this VM is in its cloud. */
export interface CloudIdentity extends PolicyIdentity {
  /** This VM's name or id in the cloud's words, for logs. */
  readonly instance: string;
  /** Where it is, for people: `interface eni-0a1b in eu-west-1`. Left out: the instance and its addresses say it all. */
  readonly place?: string;
  /**
   * How the marks of this VM's routes name it. Left out where routes carry no mark, or where no other instance may have this owner.
   */
  readonly sign?: Sign;
}

/** An instance of the program, as the marks of its routes name it. */
export interface Sign {
  /** What stays the same while the machine keeps its name in the cloud, whatever its disk and its addresses. */
  readonly id: string;
  /** Its address in the cloud network when it wrote; null where the mark does not say (version 1.0's on Google Cloud). */
  readonly address: IpAddress | null;
  /** What routes to it point at. */
  readonly nextHops: readonly string[];
}

/** A gateway that may be another machine of the cloud, and the family of the routes that go by way of it. */
export interface Neighbour {
  readonly gateway: IpAddress;
  /** It differs from the gateway's for IPv4 routes by an IPv6 gateway (RFC 5549). */
  readonly family: Family;
}

/** Another router of the group. */
export interface PeerRouter {
  readonly address: IpAddress;
  /** What routes to it point at, in the cloud's own ids; one that was rebuilt may have several. */
  readonly nextHops: readonly string[];
}

/** A router that the cloud itself says is dead. */
export interface DeadPeer {
  readonly address: IpAddress;
  /** Why, for logs: `instance i-0a1b is stopped`. */
  readonly cause: string;
}

/** A route table, by the cloud's id. */
export interface CloudTable {
  /** The cloud's own id (`rtb-…`, an ARM id, a router id, a network URL, a file's path). */
  readonly id: string;
  /** Short form for people; unique among the tables of one run. */
  readonly name: string;
  /** Whether this program made it for this owner: a sign on the table itself proves it. */
  readonly ours: boolean;
  /** What it was found by, where `-route-table` names a tag and not the table: `tag:env=prod`. */
  readonly foundBy?: string;
}

/** A table that is ready, or of which it was foreseen what makes it ready. */
export interface PreparedTable extends CloudTable {
  /**
   * What was read of it for that, so that the first reading need not ask for it again. Left out: the table was not read whole, or
   * preparing has changed something since.
   */
  readonly reading?: TableReading;
  /** Set where it was left for later to look whether the table is still a copy of those that its subnets used before. */
  readonly copiesLater?: true;
}

/**
 * When preparing looks whether a table that its subnet uses already is still a copy of those that its subnets used before. `later` leaves
 * that to the next call: packets go their way meanwhile, and a start need not wait for it.
 */
export type CopiesWhen = "now" | "later";

/** A table that was read, of which no state is made yet. */
export interface TableReading {
  /** When the cloud was asked for it, in milliseconds of the clock that the cloud was opened with. */
  readonly at: number;
  /** Makes the state, as {@linkcode CloudConnection.read} does of a reading of its own: only what no table holds is asked for. */
  readonly state: (signal: AbortSignal) => Promise<TableState>;
}

/** One route as it stands in the cloud. */
export interface CloudRoute {
  readonly prefix: Prefix;
  /**
   * What it points at, sorted: ids as {@linkcode CloudConnection.resolve} and {@linkcode CloudIdentity.self} give them; for a foreign
   * route whatever word the cloud has (`igw-…`, `local`, `Internet`).
   */
  readonly nextHops: readonly string[];
  /** Owner that the route's own mark names; null if it carries no mark of this program (or the cloud has no marks). */
  readonly owner: string | null;
  /** The instance of that owner that wrote it, as the mark says. Left out: the mark names none, as version 1.0's. */
  readonly writer?: Sign;
  /** Other instances of that owner whose next hops are in it, as the mark says. */
  readonly sharedWith?: readonly IpAddress[];
  /** Set where the mark is to be written anew, so that it names the instance that it belongs to. */
  readonly unsigned?: boolean;
  /** What the cloud calls this very route, where prefix and next hops do not tell (a route's name on Azure and GCP). */
  readonly id?: string;
  /** Ids of the cloud's routes that are folded into this one, where there are several. */
  readonly ids?: readonly string[];
  /** Set when the cloud says that packets for it are dropped (AWS `blackhole`). */
  readonly blackhole?: boolean;
  /** Set when the cloud says that its last change failed: it may not be in force until it is written again. */
  readonly failed?: boolean;
  /**
   * Set when the cloud put it there by itself and nobody else can change it or take it away (routes that AWS propagates): it is
   * never ours, and a route for the same prefix is added beside it.
   */
  readonly fixed?: boolean;
  /** Set when a router of this owner made it and is gone for good, so that it is ours to change and to take away. */
  readonly abandoned?: boolean;
  /** Set when it is the network's own (AWS `local`): nothing takes its place, not even with `-adopt`. */
  readonly protected?: boolean;
}

/** How many routes the table takes, counted in places. */
export interface CloudQuota {
  /** The families that are counted together. */
  readonly families: readonly Family[];
  /** Places taken now, by foreign routes too. */
  readonly used: number;
  /** Null where the cloud does not say and no error has named it yet. */
  readonly limit: number | null;
  /** What takes one place: each next hop of a route where this is set (GCP, OpenStack), else a route whole. */
  readonly perNextHop?: boolean;
  /** Set where a route cannot be changed (GCP): what replaces it takes its places before the old one gives up its own. */
  readonly immutable?: boolean;
}

/** One thing that {@linkcode CloudConnection.prepare} does before routes are written. */
export interface PreparationStep {
  /** A table is created; a subnet comes to use it; an entry of the subnet's former table is copied, changed or (`to` null) removed. */
  readonly action: "create" | "associate" | "copy";
  /** The table, subnet or entry, for people: `route 0.0.0.0/0`. */
  readonly what: string;
  /** What a subnet uses or an entry points at before, where there is any. */
  readonly from: string | null;
  /** And afterwards. */
  readonly to: string | null;
}

/** What preparing would do now. */
export interface Foresight {
  /** The tables as {@linkcode CloudConnection.locate} finds them, with what was read of them as they are now. */
  readonly tables: readonly PreparedTable[];
  /** In their order; empty where all is ready. */
  readonly steps: readonly PreparationStep[];
  /** The table of its own as it will be, where it does not exist yet; else null. */
  readonly toBe: Pick<TableState, "routes" | "quotas" | "ownSubnets"> | null;
}

/** A table as read at one moment. */
export interface TableState {
  readonly table: CloudTable;
  /** All routes that stand in it, foreign ones too; never a part of them. */
  readonly routes: readonly CloudRoute[];
  readonly quotas: readonly CloudQuota[];
  /** ETag, revision or version of what was read, for a conditional write; null where the cloud has none. */
  readonly version: string | null;
  /**
   * This VM's subnets that use the table, so that what this VM itself sends by their routers takes these routes. Left out: none is known.
   */
  readonly ownSubnets?: readonly Prefix[];
  /**
   * What keeps packets from going where the routes say, and does not pass by itself: sentences, such as that the subnet does not use the
   * table. Left out: nothing is known of any.
   */
  readonly problems?: readonly string[];
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
    /** Those of `to` that are other instances' of this owner; left out: none. */
    readonly ofPeers?: readonly string[];
  }
  | { readonly action: "delete"; readonly prefix: Prefix; readonly from: CloudRoute; readonly to: null };

/** What became of one change. */
export interface ChangeOutcome {
  /** The very object that was handed to {@linkcode CloudConnection.write}. */
  readonly change: Change;
  /** Why it is not done; null: it is done, or was done already. */
  readonly error: CloudError | null;
}

/** What became of a write. */
export interface WriteResult {
  /** One entry a change, in any order. A change that is missing counts as failed: nobody knows what became of it. */
  readonly outcomes: readonly ChangeOutcome[];
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

/** What `doctor` is to do, and what it knows. */
export interface CheckOptions {
  /** Whether to fix what can be fixed safely. */
  readonly fix: boolean;
  /** Prefixes of wanted routes that this VM is the next hop of: packets from there it must be able to send. */
  readonly ownPrefixes?: readonly Prefix[];
}

/** A cloud. One instance serves one run of the program, for one owner. */
export interface Cloud {
  readonly name: CloudName;
  readonly traits: CloudTraits;

  /**
   * Finds out who this VM is, by its metadata and the cloud's API. Read-only. Asks anew each time: the caller keeps the answer.
   *
   * @throws {CloudError} also for a configuration that cannot work (`invalid`).
   */
  identify(signal: AbortSignal): Promise<CloudConnection>;

  /** The least-privilege policy for this cloud, as text to paste; with wildcards for what is not known before `identify`. */
  policy(): string;

  /** How people read a next hop: `eni-0a1b (10.0.1.20)`. */
  describe(nextHop: string): string;
}

/** A cloud that knows this VM; see the head of this file. */
export interface CloudConnection {
  readonly identity: CloudIdentity;

  /**
   * Finds the tables to keep in step, without changing anything: those handed over by `-route-table`, else the one of
   * its own. Empty if its own does not exist yet.
   *
   * @throws {NoTableError} if `-route-table` names tags alone and no table has one of them.
   */
  locate(signal: AbortSignal): Promise<readonly CloudTable[]>;

  /**
   * Finds the tables as {@linkcode locate} does, and what {@linkcode prepare} would do, without changing anything; throws as they do.
   */
  foresee(signal: AbortSignal): Promise<Foresight>;

  /**
   * Makes the tables ready: creates its own if there is none, carries over what the subnet's former table had, associates
   * the subnet, completes what a crash left half-made. Does nothing that is done already.
   *
   * @param copies left out: `now`.
   */
  prepare(signal: AbortSignal, copies?: CopiesWhen): Promise<readonly PreparedTable[]>;

  /**
   * Finds what routes by way of neighbours point at. A cloud whose routes name interfaces or ports finds who has the address; one whose
   * routes name addresses takes the gateway's own.
   *
   * @param neighbours gateways inside {@linkcode CloudIdentity.attachments}.
   * @returns one entry a neighbour, in their order: the id that a route to it points at, or null if the cloud has none, so that this VM
   * is the next hop. A failed look-up throws; it is never a null.
   */
  resolve(neighbours: readonly Neighbour[], signal: AbortSignal): Promise<readonly (string | null)[]>;

  /** Says that gateways may have moved to other machines: what is remembered of them is not good any more. */
  forget(gateways: readonly IpAddress[]): void;

  /**
   * Asks which of these routers are dead: their machine does not run, or nothing has their next hops any more. Only what the cloud says
   * in so many words counts: a state that is not known, and a router that nothing is found of for want of a permission, is alive.
   *
   * Left out: this cloud does not tell.
   *
   * @throws {CloudError} if it cannot be asked; that proves nothing.
   */
  findDead?(peers: readonly PeerRouter[], signal: AbortSignal): Promise<readonly DeadPeer[]>;

  /**
   * Asks which of these next hops of routes do not exist any more, and never will again.
   *
   * Left out: routes of this cloud carry a mark, or name addresses, which others may come to have.
   *
   * @throws {CloudError} if it cannot be asked; that proves nothing.
   */
  findGone?(nextHops: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;

  /** Reads a table whole. */
  read(table: CloudTable, signal: AbortSignal): Promise<TableState>;

  /**
   * Executes changes, at most {@linkcode CloudTraits.batch} of them. A delete is never in one batch with an add that covers it.
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

  /**
   * Looks whether the cloud lets this VM forward what is not its own (source/dest check, IP forwarding, port security), by a call or two:
   * it is made at each audit. Fixes nothing, and throws for what cannot be seen.
   *
   * @param ownPrefixes prefixes of wanted routes that this VM is the next hop of.
   */
  forwarding(ownPrefixes: () => readonly Prefix[], signal: AbortSignal): Promise<readonly Finding[]>;

  /** Removes the table and association that it made, putting the former association back. Routes are removed before. */
  remove(signal: AbortSignal): Promise<void>;

  /**
   * Looks at what VM and account need, for `doctor`, besides the identity, which is known here; with `fix` fixes what can be fixed
   * safely. Does not throw for a bad finding.
   */
  check(options: CheckOptions, signal: AbortSignal): Promise<readonly Finding[]>;
}
