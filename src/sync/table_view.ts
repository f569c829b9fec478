/** One table as last read, split by ownership, with the ledger that proves it. */

import { getLogger } from "@logtape/logtape";
import type {
  Cloud,
  CloudConnection,
  CloudIdentity,
  CloudRoute,
  CloudTable,
  TableState,
} from "../clouds/cloud.ts";
import type { Prefix } from "../routes/prefix.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import type { Clock } from "../async/clock.ts";
import { inSlices } from "../async/slices.ts";
import { eachOf, type Steps } from "../async/steps.ts";
import { AbsentClaims } from "./absent_claims.ts";
import type { FirstReading } from "./first_reading.ts";
import type { ClaimEntry, Ledger, LedgerUse } from "./ledger.ts";
import type { Member } from "./group.ts";
import { LostLedger } from "./lost_ledger.ts";
import { type Claim, indexing, pointsAt, type TableIndex } from "./ownership.ts";
import { KnownGateways, selfMarks } from "./own_marks.ts";
import { withMarked } from "./route_holder.ts";
import type { PlannedChange } from "./planned_change.ts";
import { counted } from "./wording.ts";

/** What a view works with. */
export interface TableViewOptions {
  readonly cloud: Pick<Cloud, "traits">;
  /** The current connection: another one once this VM was identified again. */
  readonly connection: () => Pick<CloudConnection, "read">;
  readonly table: CloudTable;
  readonly owner: string;
  readonly identity: () => CloudIdentity;
  /** What the kernel wants, by canonical prefix; live. */
  readonly wanted: ReadonlyMap<string, WantedRoute>;
  /** Null where the cloud has marks. */
  readonly ledger: LedgerUse | null;
  readonly clock: Clock;
  /** What preparing has read of the table; left out: nothing. */
  readonly firstReading?: FirstReading;
}

const log = getLogger(["cloudroutesync", "sync"]);

/** The table as last read; see the head of this file. */
export class TableView {
  readonly #options: TableViewOptions;
  readonly #ledger: Ledger | null;
  /** Null where the cloud has marks. */
  readonly #lostLedger: LostLedger | null;
  readonly #absentClaims = new AbsentClaims();
  #state: TableState | null = null;
  #problems: readonly string[] = [];
  #ownSubnets: readonly Prefix[] = [];
  #isKnown = false;
  #peers: readonly Member[] = [];
  /** Canonical prefixes of routes that pointed at this VM when a new ledger was begun in place of a lost one, and that nothing proved to be ours. */
  #orphans: ReadonlySet<string> = new Set();
  /** Canonical prefixes that stood at another router of the group, and then at this VM: that router has handed them over. */
  readonly #handedOver = new Set<string>();
  #dead: ReadonlySet<string> = new Set();
  #members: readonly Member[] = [];
  readonly #gateways = new KnownGateways();
  #index: TableIndex = {
    own: new Map(),
    foreign: new Map(),
    foreignCount: 0,
    ofDead: new Map(),
    peers: new Map(),
    dead: new Set(),
  };
  #reads = 0;
  #readAt = 0;
  #wasReadAhead = false;

  constructor(options: TableViewOptions) {
    this.#options = options;
    const { ledger: use, table, clock } = options;
    this.#ledger = use?.ledger ?? null;
    this.#lostLedger = use === null ? null : new LostLedger(use, table.name, clock);
  }

  /** The state as last read; null while it is not known what the table holds. */
  get state(): TableState | null {
    return this.#state;
  }

  /** The routes as last seen, by ownership. It outlives the state: an unknown table is not an empty one. */
  get index(): TableIndex {
    return this.#index;
  }

  /** What the cloud said last besides the routes; it outlives the state as well. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** This VM's subnets that used the table when it was read last. */
  get ownSubnets(): readonly Prefix[] {
    return this.#ownSubnets;
  }

  /** Whether the table was read well at least once. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Why the table is not read though nothing failed, as part of a sentence; null: it is read, or calls are under way. */
  get waitsFor(): string | null {
    return this.#lostLedger?.waitsFor ?? null;
  }

  /** The other routers of the group: those that were named, and those that the marks of the table name. */
  get peers(): readonly Member[] {
    return this.#members;
  }

  get reads(): number {
    return this.#reads;
  }

  /** When the table was last read, in milliseconds of the clock. */
  get readAt(): number {
    return this.#readAt;
  }

  /** Whether that was by preparing: some time before it was asked for. */
  get wasReadAhead(): boolean {
    return this.#wasReadAhead;
  }

  /** Whether a prefix is claimed on this VM's disk: it stood at this VM, also before the program was started. */
  isClaimed(prefix: string): boolean {
    return this.#ledger?.claims.get(prefix)?.confirmed === true;
  }

  /** Says who the other routers of the group are, and the addresses of those that the cloud says are dead. */
  async share(peers: readonly Member[], dead: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    this.#peers = peers;
    this.#dead = dead;
    if (this.#state !== null) this.#index = await this.#indexOf(this.#state, signal);
  }

  /** Says that the table may have changed. */
  forget(): void {
    this.#state = null;
    this.#options.firstReading?.drop();
  }

  /** Reads the table. @throws {CloudError} or {LedgerError}; the state is then unknown. */
  async read(signal: AbortSignal): Promise<void> {
    this.#state = null;
    if (this.#ledger?.lost) await this.#lostLedger?.outlastStaleReadings(signal);
    this.#reads++;
    const state = await this.#readState(signal);
    if (this.#ledger?.lost) await this.#beginLedger(state);
    await this.adopt(state, signal);
    await this.#claimHandedOver(signal);
    await this.#giveUpAbsent(signal);
  }

  /** By what preparing has read, if that is still good; a new ledger is begun by nothing but a reading of now. */
  async #readState(signal: AbortSignal): Promise<TableState> {
    const { clock, connection, firstReading, table } = this.#options;
    if (this.#ledger?.lost) firstReading?.drop();
    const ahead = firstReading?.take(clock.now()) ?? null;
    const state = await (ahead === null ? connection().read(table, signal) : ahead.state(signal));
    this.#readAt = ahead?.at ?? clock.now();
    this.#wasReadAhead = ahead !== null;
    return state;
  }

  /** Takes a state that was read, or that came with a write's answer. */
  async adopt(state: TableState, signal: AbortSignal): Promise<void> {
    const index = await this.#indexOf(state, signal);
    this.#state = state;
    this.#isKnown = true;
    this.#ownSubnets = state.ownSubnets ?? this.#ownSubnets;
    this.#problems = state.problems ?? this.#problems;
    await this.#take(state, index, signal);
  }

  /** Takes the routes of a state, split by ownership. */
  async #take(state: TableState, index: TableIndex, signal: AbortSignal): Promise<void> {
    const before = this.#index.peers;
    this.#index = index;
    this.#noteHandedOver(before.keys());
    const revived = [...this.#index.peers].filter(([prefix, { peer }]) =>
      this.#dead.has(peer) && before.get(prefix)?.peer !== peer
    );
    if (revived.length === 0) return;
    // It wrote since the cloud said that it is dead: that proves nothing any longer.
    this.#dead = this.#dead.difference(new Set(revived.map(([, { peer }]) => peer)));
    this.#index = await this.#indexOf(state, signal);
  }

  /** Looks where prefixes that stood at peers stand now. Where a prefix can stand several times each router writes its own alone. */
  #noteHandedOver(prefixes: Iterable<string>): void {
    if (this.#ledger === null || !this.#options.cloud.traits.uniquePrefix) return;
    for (const prefix of prefixes) if (this.#foreignToSelf(prefix) !== null) this.#handedOver.add(prefix);
  }

  /** The only foreign route of a prefix, if it points at this VM and at nothing else. */
  #foreignToSelf(prefix: string): CloudRoute | null {
    const [route, ...others] = this.#index.foreign.get(prefix) ?? [];
    return route !== undefined && others.length === 0 && pointsAt(route, this.#selfIds) ? route : null;
  }

  /** Splits a table by ownership, once it is known whom its marks name. */
  *#indexing(state: TableState): Steps<TableIndex> {
    const { owner, cloud: { traits }, identity, wanted } = this.#options;
    const self = selfMarks(identity(), yield* this.#gateways.noting(wanted.values()));
    this.#members = self === null ? this.#peers : withMarked(this.#peers, state.routes, { owner, self });
    const claims = this.#ledger?.claims ?? new Map();
    const rule = { owner, traits, claims, peers: this.#members, dead: this.#dead };
    return yield* indexing(state, self === null ? rule : { ...rule, self });
  }

  #indexOf(state: TableState, signal: AbortSignal): Promise<TableIndex> {
    return inSlices(this.#indexing(state), this.#options.clock, signal);
  }

  /** Looks at the table as last read once more where what the kernel wants may tell whose a route of version 1.0 is. */
  async lookAtUnsigned(signal: AbortSignal): Promise<void> {
    if (this.#state === null || this.#options.identity().sign === undefined) return;
    const isUnsigned = this.#index.peers.values().some(({ route }) => route.writer === undefined);
    if (isUnsigned) this.#index = await this.#indexOf(this.#state, signal);
  }

  /**
   * Claims, on disk, all that the changes may leave in the table, whether they take effect or not.
   *
   * @returns by canonical prefix what was claimed before; null where nothing was.
   */
  async claim(
    waves: readonly (readonly PlannedChange[])[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Claim | null>> {
    const before = new Map<string, Claim | null>();
    const ledger = this.#ledger;
    if (ledger === null) return before;
    const entries: ClaimEntry[] = [];
    const claim = (change: PlannedChange): void => {
      const { prefix: { text: prefix }, from, to } = change;
      const known = ledger.claims.get(prefix) ?? null;
      this.#absentClaims.written(change);
      before.set(prefix, known);
      entries.push({
        prefix,
        nextHops: union(known?.nextHops ?? [], union(from?.nextHops ?? [], to ?? [])),
      });
    };
    for (const wave of waves) await inSlices(eachOf(wave, claim), this.#options.clock, signal);
    await ledger.claim(entries);
    return before;
  }

  /**
   * Takes claims back whose call was refused because of what stands there: somebody else's, though it may point where ours would
   * have.
   *
   * @param before by canonical prefix what {@linkcode claim} said was claimed before.
   */
  async disclaim(before: readonly (readonly [prefix: string, claim: Claim | null])[]): Promise<void> {
    const entries = before.flatMap(([prefix, claim]) => claim === null ? [] : [{ prefix, ...claim }]);
    await this.#ledger?.release(before.flatMap(([prefix, claim]) => claim === null ? [prefix] : []));
    await this.#ledger?.claim(entries.filter(({ confirmed }) => !confirmed));
    await this.#ledger?.confirm(entries.filter(({ confirmed }) => confirmed));
  }

  /** Claims foreign routes as they stand (`-adopt`). */
  async takeOver(entries: readonly ClaimEntry[], signal: AbortSignal): Promise<void> {
    if (this.#ledger === null || entries.length === 0) return;
    await this.#ledger.confirm(entries);
    const state = this.#state;
    if (state !== null) await this.#take(state, await this.#indexOf(state, signal), signal);
  }

  /** Confirms the claims of prefixes that were seen to be as wanted. Next hops are only ever added here. */
  async confirm(prefixes: readonly string[], signal: AbortSignal): Promise<void> {
    const ledger = this.#ledger;
    if (ledger === null) return;
    const entries: ClaimEntry[] = [];
    const confirm = (prefix: string): void => {
      const own = this.#index.own.get(prefix);
      const claim = ledger.claims.get(prefix);
      if (own === undefined || claim === undefined || claim.confirmed) return;
      entries.push({ prefix, nextHops: union(claim.nextHops, own.nextHops) });
    };
    await inSlices(eachOf(prefixes, confirm), this.#options.clock, signal);
    await ledger.confirm(entries);
  }

  /** Begins a lost ledger from what the table shows. */
  async #beginLedger(state: TableState): Promise<void> {
    const left = await this.#lostLedger?.begin(
      state,
      this.#selfIds,
      ({ prefix }) => this.#isWantedHere(prefix.text),
    );
    this.#orphans = new Set(left);
  }

  /** Gives up claims of what no reading has shown for a while. */
  async #giveUpAbsent(signal: AbortSignal): Promise<void> {
    const ledger = this.#ledger;
    if (ledger === null) return;
    const { clock, wanted } = this.#options;
    const finding = this.#absentClaims.finding(
      ledger.claims,
      this.#index.own,
      (prefix) => wanted.has(prefix),
      this.#readAt,
    );
    const { shrunk, shrunkConfirmed, released } = await inSlices(finding, clock, signal);
    await ledger.claim(shrunk);
    await ledger.confirm(shrunkConfirmed);
    await ledger.release(released);
  }

  /**
   * Takes for our own what a lost ledger has left foreign: routes that pointed at this VM then, and that the kernel has come to want just
   * as they stand. A router boots before its routing daemon knows any route.
   */
  async heal(signal: AbortSignal): Promise<void> {
    const [ledger, state] = [this.#ledger, this.#state];
    if (this.#orphans.size === 0 || ledger === null || state === null) return;
    const found = this.#entriesToSelf([...this.#orphans].filter((prefix) => this.#isWantedHere(prefix)));
    if (found.length === 0) return;
    await ledger.confirm(found);
    this.#orphans = this.#orphans.difference(new Set(found.map(({ prefix }) => prefix)));
    await this.#take(state, await this.#indexOf(state, signal), signal);
    log.info(
      "Table {table}: {routes} to this VM taken over as this program's own, since the kernel wants exactly the same",
      {
        event: "ledger-healed",
        routes: counted(found.length, "route"),
        table: state.table.name,
        count: found.length,
      },
    );
  }

  /**
   * By prefix what routes point at that somebody has left behind, it seems: packets for them are dropped, nothing proves them to be ours,
   * and the kernel wants them by way of this VM.
   */
  deadEnds(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    // What dies in a table of our own is abandoned, or a copy, which is the former table's business.
    if (this.#ledger === null || this.#state === null || this.#state.table.ours) return found;
    for (const [prefix, [route, ...others]] of this.#index.foreign) {
      if (route?.blackhole !== true || route.fixed === true || others.length > 0) continue;
      const [hop] = route.nextHops;
      if (hop !== undefined && this.#isWantedHere(prefix)) found.set(prefix, hop);
    }
    return found;
  }

  /**
   * Takes routes for our own that a router has left whose next hop is gone for good.
   *
   * @param prefixes those of {@linkcode deadEnds} of which the cloud says so.
   * @param predecessors addresses by which the user has named it.
   */
  async inherit(
    prefixes: readonly string[],
    predecessors: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const state = this.#state;
    const entries = prefixes.flatMap((prefix) => {
      const [route] = this.#index.foreign.get(prefix) ?? [];
      return route === undefined ? [] : [{ prefix, nextHops: route.nextHops }];
    });
    if (state === null || entries.length === 0) return;
    await this.takeOver(entries, signal);
    log.info(
      "{routes} of table {table} taken for this program's own: -peer says that a router was at {predecessors}, and what they " +
        "point at does not exist any more",
      {
        event: "inherited",
        routes: counted(entries.length, "route"),
        table: state.table.name,
        predecessors: predecessors.join(", "),
        count: entries.length,
      },
    );
  }

  /**
   * Takes what another router of the group has handed over for our own, whether the kernel still wants it or not: a route belongs to the
   * router that it points at, and no other one takes it away.
   */
  async #claimHandedOver(signal: AbortSignal): Promise<void> {
    if (this.#handedOver.size === 0 || this.#ledger === null || this.#state === null) return;
    const entries = this.#entriesToSelf(this.#handedOver);
    this.#handedOver.clear();
    await this.takeOver(entries, signal);
  }

  /** What is to be claimed of prefixes that stand at this VM. */
  #entriesToSelf(prefixes: Iterable<string>): ClaimEntry[] {
    return [...prefixes].flatMap((prefix) => {
      const route = this.#foreignToSelf(prefix);
      return route === null ? [] : [{ prefix, nextHops: route.nextHops }];
    });
  }

  get #selfIds(): readonly string[] {
    const { self } = this.#options.identity();
    return [self[4], self[6]].filter((id) => id !== null);
  }

  /** Whether the kernel wants a prefix by way of this VM and of nothing else. */
  #isWantedHere(prefix: string): boolean {
    const hops = this.#options.wanted.get(prefix)?.nextHops ?? [];
    return hops.length === 1 && hops[0]?.neighbour === null;
  }
}

function union(left: readonly string[], right: readonly string[]): readonly string[] {
  return [...new Set([...left, ...right])];
}
