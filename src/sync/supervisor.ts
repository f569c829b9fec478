/**
 * Keeps all tables of one run in step: finds out who this VM is, has the tables prepared, feeds each one's reconciler from the
 * kernel, and starts over when the tables become others.
 */

import { backOffMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import type { Cloud, CloudIdentity, CloudTable, Finding, PreparedTable } from "../clouds/cloud.ts";
import { type CloudError, ConfigurationError } from "../clouds/cloud_error.ts";
import { tableAlone } from "../clouds/prepared_tables.ts";
import type { KernelChange, KernelTable } from "../kernel/kernel_table.ts";
import type { Policy } from "../routes/policy.ts";
import { addressOrNull } from "../routes/prefix.ts";
import { isDefault } from "../routes/special_ranges.ts";
import { AbsentDevices } from "./absent_devices.ts";
import { ApiBudget, type LimiterState } from "./api_budget.ts";
import { ActiveAddress } from "./active_address.ts";
import type { ChangeRecord } from "./change_history.ts";
import { FeedRebuild } from "./feed_rebuild.ts";
import { ForwardingWatch } from "./forwarding_watch.ts";
import { KnownVm } from "./known_vm.ts";
import { OpenTableError } from "./open_table_error.ts";
import { OpenTables } from "./open_tables.ts";
import { Opening } from "./opening.ts";
import { rateLimitedCloud } from "./rate_limited_cloud.ts";
import type { SyncSettings } from "./table_round.ts";
import type { TableSight } from "./table_standing.ts";
import { RouteFeed } from "./route_feed.ts";
import type { SyncStatus } from "./sync_status.ts";
import { eachMinuteMs } from "../clouds/error_meaning.ts";
import { type PeerProbe, PeerProbes } from "./peer_probes.ts";
import { type PeerStatus, peerStatuses } from "./peer_status.ts";
import { prepareEveryMs, TableLoops } from "./table_loops.ts";
import { SinglePass } from "./single_pass.ts";
import type { TablePreview } from "./table_preview.ts";
import type { LedgerUse } from "./ledger.ts";

/** What a supervisor works with. */
export interface SupervisorOptions {
  readonly cloud: Cloud;
  readonly kernel: KernelTable;
  readonly policy: Policy;
  readonly owner: string;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  /** Locks a table against a second instance and opens its ledger (null where the cloud has marks). Throws {@linkcode OpenTableError}. */
  readonly openTable: (table: CloudTable) => Promise<LedgerUse | null>;
  /** Reads a table's ledger without locking or changing anything (null where the cloud has marks). */
  readonly peekTable: (table: CloudTable) => Promise<LedgerUse | null>;
  /** Called with each change that was made. */
  readonly onChange?: ((table: string, change: ChangeRecord) => void) | undefined;
  /** Called with the tables that a run keeps and who this VM is, once that is known and when the tables become others. */
  readonly onTables?: ((tables: readonly string[], identity: CloudIdentity) => void) | undefined;
  /** Called when what a status tells of the run may have changed: rounds begin to write and end, the cloud answers or fails, packets pass or not. */
  readonly onNews?: (() => void) | undefined;
  /** Asks the other routers of the group whether they are there; absent or null: nobody does. */
  readonly peerProbe?: PeerProbe | null;
  /** Whether the kernel forwards; absent: nobody looks. */
  readonly kernelForwarding?: (identity: CloudIdentity) => readonly Finding[];
  /** Takes note of a defect of this program, from which the loop recovers by starting over. */
  readonly unexpected: (where: string, error: unknown) => void;
}

/** A loop that ran this long, in milliseconds, has recovered from its earlier defects: the back-off starts over. */
const steadyAfterMs = 60_000;

/** Keeps all tables in step; see the head of this file. */
export class Supervisor {
  #options: SupervisorOptions;
  readonly #budget: ApiBudget;
  readonly #feed: RouteFeed;
  readonly #rebuild: FeedRebuild;
  readonly #opening: Opening;
  readonly #vm: KnownVm;
  readonly #tables: OpenTables;
  readonly #pass: SinglePass;
  readonly #active: ActiveAddress;
  readonly #forwarding: ForwardingWatch;
  readonly #probes: PeerProbes | null;
  readonly #absentDevices = new AbsentDevices();
  /** Set for good by {@linkcode Supervisor.withdrawAll}: from then on nothing is wanted, whatever kernel and cloud say. */
  #withdrawing = false;
  #loggedTables = "";

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#budget = new ApiBudget(options.cloud, options.clock);
    const cloud = rateLimitedCloud(options.cloud, this.#budget, options.clock);
    this.#feed = new RouteFeed(options.policy);
    this.#rebuild = new FeedRebuild({
      ...options,
      feed: this.#feed,
      onDone: (changed, at) => this.#tables.notify(changed, at),
    });
    this.#opening = new Opening(options.clock, options.onNews);
    this.#vm = new KnownVm({
      ...options,
      cloud,
      opening: this.#opening,
      onAnswer: (identity) => this.#rebuildFeed(identity),
      onChange: () => this.#tables.recheck(),
    });
    this.#tables = new OpenTables({
      ...options,
      cloud,
      opening: this.#opening,
      connection: () => this.#vm.connection,
      identity: () => this.#vm.connection.identity,
      wanted: this.#feed.wanted,
      isActive: () => this.#active.isHere,
      bound: this.#feed.bound,
      mayLack: (prefix) => this.#feed.mayLack(prefix),
      budget: this.#budget,
    });
    this.#pass = new SinglePass({
      ...options,
      vm: this.#vm,
      opening: this.#opening,
      tables: this.#tables,
      rebuild: this.#rebuild,
      settings: () => this.#options.settings,
    });
    this.#active = new ActiveAddress(options.settings.group.activeAddress, options.kernel);
    const { peerProbe: probe = null, clock } = options;
    this.#probes = probe === null ? null : new PeerProbes({
      probe,
      peers: () => this.peers.flatMap(({ address }) => addressOrNull(address) ?? []),
      onHint: () => this.#tables.suspect(),
      clock,
    });
    this.#forwarding = new ForwardingWatch({
      ...options,
      connection: () => this.#vm.connection,
      kernel: () => options.kernelForwarding?.(this.#vm.connection.identity) ?? [],
      wanted: this.#feed.wanted,
      cloudEveryMs: Math.max(options.settings.auditMs, eachMinuteMs),
      isShort: () => this.#budget.isShort,
    });
  }

  /** How each table stands; empty until the tables are prepared. */
  get statuses(): readonly SyncStatus[] {
    return this.#tables.reconcilers.map((reconciler) => reconciler.status);
  }

  /** Each table as last read and compared; empty until the tables are prepared. */
  get sights(): readonly TableSight[] {
    return this.#tables.reconcilers.map((reconciler) => reconciler.sight);
  }

  /** Whether kernel and cloud let this VM forward, as last seen; empty until the tables are open. */
  get forwarding(): readonly Finding[] {
    return this.#forwarding.findings;
  }

  /** How the other routers of the group are; empty until the tables are open. */
  get peers(): readonly PeerStatus[] {
    return peerStatuses(this.#tables.reconcilers.flatMap(({ peers }) => peers), this.#probes);
  }

  /** How often the account's API may be called now, by kind of call. */
  get limiters(): readonly LimiterState[] {
    return this.#budget.states;
  }

  /** Number of routes wanted now. */
  get wanted(): number {
    return this.#feed.wanted.size;
  }

  /** What went wrong last while the tables are not open; null while the cloud is silent, and once they are open. */
  get openingError(): Error | null {
    return this.#opening.error;
  }

  /** When that is tried again, in milliseconds since the epoch; null: it is under way, or nothing went wrong. */
  get openingNextTryAt(): number | null {
    const at = this.#opening.nextTryAt;
    return at === null ? null : Math.round(Date.now() + at - this.#options.clock.now());
  }

  /** Who this VM is; null until the cloud has said it. */
  get identity(): CloudIdentity | null {
    return this.#vm.identity;
  }

  /**
   * Runs until it is stopped. A defect of this program ends no run: it is logged, and the loop starts over after a back-off.
   *
   * @param stop ends it after the rounds under way.
   * @param abandon gives up the calls under way.
   * @throws {ConfigurationError} if flags or variables cannot work; {@linkcode OpenTableError} if this machine keeps a table from
   * being opened and no waiting heals it.
   */
  async run(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    const { clock, unexpected } = this.#options;
    for (let defects = 1; !stop.aborted; defects++) {
      const startedAt = clock.now();
      try {
        return await this.#keepTables(stop, abandon);
      } catch (error) {
        if (stop.aborted) return;
        if (error instanceof ConfigurationError || error instanceof OpenTableError) throw error;
        if (clock.now() - startedAt > steadyAfterMs) defects = 1;
        const wait = backOffMs(defects, undefined, clock.random());
        unexpected(`in the loop, which starts again in ${Math.ceil(wait / 1000)} s`, error);
        await clock.sleep(wait, stop);
      }
    }
  }

  async #keepTables(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await this.#vm.identify(stop);
    await this.#rebuild.done();
    this.#vm.followAddresses();
    this.#active.look();
    for (let failures = 0; !stop.aborted; failures++) {
      if (failures > 0) await clock.sleep(backOffMs(failures, undefined, clock.random()), stop);
      const startedAt = clock.now();
      await this.#runTables(stop, abandon);
      if (clock.now() - startedAt > prepareEveryMs) failures = 0;
    }
  }

  /** Prepares the tables and keeps them in step until it is stopped, or until they are no longer the ones to keep. */
  async #runTables(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    const { settings, clock } = this.#options;
    const connection = (): KnownVm["connection"] => this.#vm.connection;
    const prepared = await this.#openTables(stop);
    const tables = prepared.map(tableAlone);
    const { reconcilers } = this.#tables;
    this.#reportTables(tables);
    const lookAgain = (signal: AbortSignal): Promise<void> => this.#vm.lookAgain(signal);
    await new TableLoops({
      tables,
      copiesLater: prepared.some(({ copiesLater }) => copiesLater === true),
      reconcilers,
      connection,
      lookAgain,
      watch: async (end) => {
        await Promise.all([this.#forwarding.run(end), this.#probes?.run(end)]);
      },
      auditMs: settings.auditMs,
      isShort: () => this.#budget.isShort,
      clock,
    }).run(stop, abandon);
  }

  /** Prepares the tables, as far as routes that are to be written wait for it, and opens them. */
  async #openTables(stop: AbortSignal): Promise<readonly PreparedTable[]> {
    const found = await this.#opening.retrying(async (signal) => {
      const by = this.#vm.connection;
      return { tables: await by.prepare(signal, "later"), by };
    }, stop);
    await this.#opening.retryingHere(() => this.#tables.open(found), stop);
    return found.tables;
  }

  /** Tells, once and when they become others, which tables are kept and who this VM is. */
  #reportTables(tables: readonly CloudTable[]): void {
    const names = tables.map(({ name }) => name);
    if (names.join() === this.#loggedTables) return;
    this.#loggedTables = names.join();
    this.#options.onTables?.(names, this.#vm.connection.identity);
  }

  /** Lets all held withdrawals go now. @returns how many there are. */
  release(): number {
    return this.#tables.release();
  }

  /** Takes another policy and other settings of the loop, and compares at once. */
  reconfigure(changed: Pick<SupervisorOptions, "policy" | "settings">): void {
    if (this.#withdrawing) return;
    this.#options = { ...this.#options, ...changed };
    this.#feed.reconfigure(changed.policy);
    if (this.#vm.identity !== null) this.#rebuildFeed(this.#vm.identity);
    this.#tables.reconfigure(changed.settings);
  }

  /** Takes news of the kernel. */
  kernelChanged(change: KernelChange): void {
    if (this.#withdrawing) return;
    if (concernsThisVm(change)) this.#vm.followAddresses();
    const { identity } = this.#vm;
    if (identity === null) return;
    if (change.interfacesChanged && this.#active.look()) this.#tables.reconsider(change.receivedAt);
    if (change.prefixes === "all" || change.interfacesChanged) this.#rebuildFeed(identity, change.receivedAt);
    else this.#tables.notify(this.#feed.update(this.#options.kernel, change.prefixes), change.receivedAt);
  }

  /** What a sync would do in each table; changes nothing. See {@linkcode SinglePass.preview}. */
  preview(signal: AbortSignal, giveUpAt: number): Promise<readonly TablePreview[]> {
    return this.#pass.preview(signal, giveUpAt);
  }

  /** Why the last {@linkcode preview} could not read some of the tables; empty: it read all. */
  get unread(): readonly CloudError[] {
    return this.#pass.unread;
  }

  /** One sync of all tables: makes what {@linkcode preview} shows. See {@linkcode SinglePass.apply}. */
  apply(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    return this.#pass.apply(signal, giveUpAt);
  }

  /**
   * Withdraws all that is owned from the tables of this run. It is the last that a supervisor does: from here on no news of the
   * kernel makes it want a route again.
   *
   * @returns whether all is gone; false too if the tables were never found, since an earlier run may have left routes there.
   */
  async withdrawAll(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    this.#withdrawing = true;
    this.#vm.end();
    this.#rebuild.end();
    this.#feed.clear();
    if (!this.#opening.done) return false;
    const ends = await Promise.all(
      this.#tables.reconcilers.map((reconciler) => reconciler.withdrawAll(signal, giveUpAt)),
    );
    return ends.every((gone) => gone);
  }

  /** Withdraws all that is owned from the tables that exist; prepares none. For `cleanup`. */
  async cleanUp(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    await this.#pass.openExisting(signal, giveUpAt);
    if (!await this.withdrawAll(signal, giveUpAt)) return false;
    await this.#opening.retrying((inner) => this.#vm.connection.remove(inner), signal, giveUpAt);
    return true;
  }

  /** @param at when the kernel said what makes it necessary; null: it was not the kernel. */
  #rebuildFeed(identity: CloudIdentity, at: number | null = null): void {
    // The cloud's answer may come when all is being withdrawn already.
    if (this.#withdrawing) return;
    this.#absentDevices.look(this.#options.kernel, this.#options.policy);
    this.#rebuild.start(identity, at);
  }
}

/** Whether news may change which address is this VM's: addresses and links, or the default route. */
function concernsThisVm({ interfacesChanged, prefixes }: KernelChange): boolean {
  return interfacesChanged || prefixes === "all" || prefixes.some(isDefault);
}
