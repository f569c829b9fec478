/** Looks at one table: reads it, finds out which VMs the gateways are, and compares what is wanted with what is there. */

import type { Clock } from "../async/clock.ts";
import { inSlices } from "../async/slices.ts";
import { eachOf, someOf, type Steps } from "../async/steps.ts";
import type { CloudConnection, Neighbour } from "../clouds/cloud.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import type { RouterBound } from "../routes/would_loop.ts";
import { comparing, type Comparison, type ComparisonInput } from "./comparison.ts";
import { DirtyPrefixes } from "./dirty_prefixes.ts";
import { type GuardState, letGo, newGuardState, wantedAgain } from "./guard.ts";
import { GoneNextHops } from "./gone_next_hops.ts";
import type { GroupSettings } from "./group_members.ts";
import { NeighbourLookup } from "./neighbour_lookup.ts";
import { RouterGroup } from "./router_group.ts";
import { findingFacts } from "./sync_status.ts";
import type { TableReport } from "./table_report.ts";
import { TableView, type TableViewOptions } from "./table_view.ts";
import { findingNeighbours, type Resolution } from "./targets.ts";
import type { WantedRoutes } from "./wanted_routes.ts";

/** What a look works with. */
export interface TableLookOptions extends TableViewOptions {
  readonly connection: () => Pick<CloudConnection, "read" | "resolve" | "forget" | "findDead" | "findGone">;
  readonly clock: Clock;
  /** What the kernel wants; live. */
  readonly wanted: WantedRoutes;
  readonly settings: { readonly group: GroupSettings };
  /** Whether this router may change routes: the active address of its group is on it, or there is none. */
  readonly isActive: () => boolean;
  /** What the kernel sends by a subnet's router, by canonical prefix; live. Absent: nothing. */
  readonly bound?: ReadonlyMap<string, RouterBound>;
  /** See {@linkcode ComparisonInput.mayLack}. Absent: it keeps back nothing. */
  readonly mayLack?: (prefix: string) => boolean;
}

/** What may be changed at the moment; see {@linkcode ComparisonInput}. */
export type ComparisonRules = Pick<
  ComparisonInput,
  "adopt" | "guardSettings" | "withdrawalsDue" | "isRetryable" | "isForbidden" | "isDamped"
>;

/** What a look found. */
export interface Look {
  /** Which VMs the gateways are. */
  readonly resolution: Resolution;
  readonly comparison: Comparison;
}

/** See the head of this file. */
export class TableLook {
  readonly view: TableView;
  readonly lookup: NeighbourLookup;
  readonly dirty = new DirtyPrefixes();
  /** The routers that share the table; null: this one is alone. */
  readonly group: RouterGroup | null;
  /** What the guard remembers. */
  guardState: GuardState = newGuardState();
  readonly #options: TableLookOptions;
  readonly #report: TableReport;
  readonly #rules: (now: number) => ComparisonRules;
  readonly #gone = new GoneNextHops();
  #suspected = false;
  #isOutdated = false;

  /** @param rules those of a time, in milliseconds of the clock. */
  constructor(options: TableLookOptions, report: TableReport, rules: (now: number) => ComparisonRules) {
    this.#options = options;
    this.#report = report;
    this.#rules = rules;
    this.view = new TableView(options);
    this.lookup = new NeighbourLookup(options.connection, options.clock, report);
    const { settings: { group }, isActive, identity } = options;
    this.group = group.peers.length === 0 && group.activeAddress === null && identity().sign === undefined
      ? null
      : new RouterGroup(group, isActive, (prefix) => this.view.isClaimed(prefix), () => this.view);
  }

  /** Reads the table. @throws {CloudError} or {LedgerError} if it cannot be read; what it holds is then unknown. */
  async read(signal: AbortSignal): Promise<void> {
    if (this.group !== null) {
      const { identity, connection, cloud } = this.#options;
      const { peers } = await this.group.find(identity(), connection(), cloud.traits, signal);
      await this.view.share(peers, this.group.evidence.dead, signal);
    }
    await this.view.read(signal);
    await this.#proveAgain(signal);
    const { dead } = this.view.index;
    this.group?.read(dead);
    if (dead.size > 0) this.group?.forget();
    if (this.group !== null) await this.#slices(this.group.pruning(), signal);
    this.#report.tableRead();
  }

  /**
   * Says that what is wanted for a canonical prefix changed. One that is to go now was wanted until now, so that its hold begins anew.
   */
  arrive(prefix: string): void {
    this.dirty.arrive(prefix);
    wantedAgain(this.guardState, prefix);
  }

  /** Lets withdrawals that are held go. @param endedAt a time that lies a hold back. */
  letGo(held: readonly string[], endedAt: number): void {
    this.dirty.hear(eachOf(held, (prefix) => letGo(this.guardState, prefix, endedAt)), held.length);
  }

  /** Takes what the guard is to remember of the last comparison, but for what changed since. */
  *guardDeciding(state: GuardState): Steps<void> {
    this.guardState = state;
    yield* eachOf(this.dirty.news, (prefix) => wantedAgain(state, prefix));
  }

  /** Says that something else than the kernel's routes has changed: all is to be compared, and what is being compared just now anew. */
  outdate(): void {
    this.dirty.addAll();
    this.#isOutdated = true;
  }

  /** Whether the last look is of no use any more. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /** Says that something hints at a dead router: the cloud is asked soon. */
  hint(): void {
    this.group?.evidence.hint(this.#options.clock.now());
  }

  /** Says that a router does not answer: the cloud is asked soon, also where this router wants nothing that the other one has. */
  suspect(): void {
    this.#suspected = true;
    this.hint();
  }

  /** When the cloud is to be asked for dead routers, in milliseconds of the clock. */
  get askAt(): number {
    return this.group?.evidence.dueAt ?? Infinity;
  }

  /** Asks the cloud for dead routers if that is due. @returns whether the answer is another one than before. */
  async ask(signal: AbortSignal): Promise<boolean> {
    const { clock, wanted } = this.#options;
    const { group } = this;
    if (group === null || clock.now() < group.evidence.dueAt) return false;
    const matters = group.evidence.dead.size > 0 || await this.isContested(wanted.keys(), signal) ||
      (this.#suspected && this.view.index.peers.size > 0);
    if (!matters) this.#suspected = false;
    if (!matters) return group.evidence.drop();
    const changed = await this.#ask(group, signal);
    if (group.evidence.dueAt === Infinity) this.#suspected = false;
    return changed;
  }

  /** Whether another router has one of these canonical prefixes that this one wants too: it matters whether the other one is dead. */
  async isContested(prefixes: Iterable<string>, signal: AbortSignal): Promise<boolean> {
    const members = this.group?.input?.members;
    if (members === undefined) return false;
    const { index } = this.view;
    const hopsOfPeers = new Set(members.peers.flatMap(({ nextHops }) => nextHops));
    const addresses = new Set(members.peers.map(({ address }) => address.text));
    const isContested = (prefix: string): boolean => {
      const standsAtPeer = index.peers.has(prefix) ||
        index.own.get(prefix)?.nextHops.some((hop) => hopsOfPeers.has(hop)) === true;
      const hops = standsAtPeer ? this.#options.wanted.get(prefix)?.nextHops ?? [] : [];
      return hops.some(({ neighbour }) => neighbour === null || !addresses.has(neighbour.text));
    };
    return await this.#slices(someOf(prefixes, isContested), signal);
  }

  /**
   * Whether one of the changes leads to a neighbour that is no router of the group as far as it is known, and that no route of ours leads
   * to yet. Where marks name the routers, only a reading tells.
   */
  *leadingToStranger(waves: Comparison["fitted"]["waves"]): Steps<boolean> {
    const { sign, self } = this.#options.identity();
    if (this.group === null || sign === undefined) return false;
    const known = new Set([
      ...sign.nextHops,
      self[4],
      self[6],
      ...this.view.peers.flatMap(({ nextHops }) => nextHops),
    ]);
    const strangers = new Set<string>();
    for (const wave of waves) {
      yield* eachOf(wave, ({ to }) => {
        for (const hop of to ?? []) if (!known.has(hop)) strangers.add(hop);
      });
    }
    if (strangers.size === 0) return false;
    yield* eachOf(this.view.index.own.values(), ({ nextHops }) => {
      for (const hop of nextHops) strangers.delete(hop);
    });
    return strangers.size > 0;
  }

  /** What was proven holds until the next reading, and then only if the cloud says it again. */
  async #proveAgain(signal: AbortSignal): Promise<void> {
    const { group, view: { index } } = this;
    if (group === null) return;
    const { cloud: { traits }, clock, wanted } = this.#options;
    const { evidence } = group;
    const suspected = evidence.dead.size > 0 || index.dead.size > 0 || evidence.dueAt <= clock.now();
    const asks = suspected
      ? !evidence.isFresh(clock.now())
      : traits.readingShowsDead !== true && evidence.isOld(clock.now()) &&
        await this.isContested(wanted.keys(), signal);
    if (asks && await this.#ask(group, signal)) this.dirty.addAll();
  }

  async #ask(group: RouterGroup, signal: AbortSignal): Promise<boolean> {
    const { connection, clock } = this.#options;
    const peers = group.input?.members.peers ?? [];
    const changed = await group.evidence.ask(peers, connection(), signal, clock.now());
    await this.view.share(peers, group.evidence.dead, signal);
    return changed;
  }

  /** Compares what arrived since the last look, or everything, with the table as last read. */
  async look(signal: AbortSignal): Promise<Look> {
    this.#isOutdated = false;
    await this.view.lookAtUnsigned(signal);
    await this.view.heal(signal);
    await this.#inherit(signal);
    const neighbours = await this.#slices(this.#gathering(), signal);
    const resolution = await this.lookup.resolve(neighbours, signal);
    return { resolution, comparison: await this.compare(resolution, signal) };
  }

  /** Takes over what a router that was named and is gone has left at prefixes that this one wants. */
  async #inherit(signal: AbortSignal): Promise<void> {
    const predecessors = this.group?.predecessors ?? [];
    const left = predecessors.length === 0 ? new Map<string, string>() : this.view.deadEnds();
    if (left.size === 0) return;
    const { connection, clock } = this.#options;
    const gone = await this.#gone.among([...left.values()], connection(), signal, clock.now());
    await this.view.inherit(
      [...left].flatMap(([prefix, hop]) => gone.has(hop) ? [prefix] : []),
      predecessors,
      signal,
    );
  }

  /** Compares once more, as after a write: the table with what is wanted at this moment. News that comes meanwhile is for the next round. */
  async compare(resolution: Resolution, signal: AbortSignal): Promise<Comparison> {
    const { cloud, clock, identity, wanted } = this.#options;
    const now = clock.now();
    const moment = wanted.moment();
    try {
      const comparison = await this.#slices(
        comparing({
          ...this.#rules(now),
          prefixes: this.dirty.gathered,
          wanted: moment,
          isWantedSince: (prefix) => moment.isWantedSince(prefix),
          identity: identity(),
          resolution,
          bound: this.#options.bound ?? new Map(),
          mayLack: this.#options.mayLack ?? (() => false),
          ownSubnets: this.view.ownSubnets,
          index: this.view.index,
          group: this.group?.input ?? null,
          quotas: this.view.state?.quotas ?? [],
          traits: cloud.traits,
          guardState: this.guardState,
          now,
        }),
        signal,
      );
      await this.#slices(findingFacts(comparison), signal);
      return comparison;
    } finally {
      moment.end();
    }
  }

  /**
   * Moves what arrived, or everything, into the set to compare. The gateways of what the kernel has just changed, and all at an audit,
   * may be other machines than they were.
   *
   * @returns the gateways of what is wanted of that set.
   */
  *#gathering(): Steps<readonly Neighbour[]> {
    const { connection, wanted } = this.#options;
    yield* this.dirty.takingIn();
    const { isAll } = this.dirty;
    const { own, peers } = this.view.index;
    const news = yield* this.dirty.gathering(() => [wanted.keys(), own.keys(), peers.keys()]);
    const needed = yield* findingNeighbours(isAll ? wanted.values() : wantedOf(this.dirty.gathered, wanted));
    const changed = isAll ? needed : yield* findingNeighbours(wantedOf(news, wanted));
    connection().forget(changed.map(({ gateway }) => gateway));
    return needed;
  }

  #slices<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
    return inSlices(steps, this.#options.clock, signal);
  }
}

/** What is wanted of some canonical prefixes. */
function* wantedOf(prefixes: Iterable<string>, wanted: WantedRoutes): Iterable<WantedRoute> {
  for (const prefix of prefixes) {
    const route = wanted.get(prefix);
    if (route !== undefined) yield route;
  }
}
