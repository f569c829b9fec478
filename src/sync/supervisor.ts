/**
 * Keeps all tables of one run in step: finds out who this VM is, has the tables prepared, feeds each one's reconciler from the
 * kernel, and starts over when the tables become others.
 */

import { getLogger } from "@logtape/logtape";
import type { Cloud, CloudIdentity, CloudTable } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import type { KernelChange, KernelTable } from "../kernel/kernel_table.ts";
import { ownAddress } from "../routes/own_address.ts";
import type { Policy } from "../routes/policy.ts";
import { isDefault } from "../routes/special_ranges.ts";
import { backoffMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { untilItWorks } from "./patience.ts";
import { politeCloud } from "./polite_cloud.ts";
import { Reconciler, type SyncSettings } from "./reconciler.ts";
import { RouteFeed } from "./route_feed.ts";
import type { SyncStatus } from "./sync_status.ts";
import type { LedgerUse } from "./table_view.ts";

/** What a supervisor works with. */
export interface SupervisorOptions {
  readonly cloud: Cloud;
  readonly kernel: KernelTable;
  readonly policy: Policy;
  readonly owner: string;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  /** Locks a table against a second instance and opens its ledger (null where the cloud has marks). Throws if it cannot. */
  readonly openTable: (table: CloudTable) => Promise<LedgerUse | null>;
  /** Changes what the cloud says of this VM as the user's flags want it. */
  readonly adjustIdentity: (identity: CloudIdentity) => CloudIdentity;
}

const log = getLogger(["cloudroutesync", "sync"]);
/** How often tables and associations are looked after though nothing happened: at most this often, in milliseconds. */
const prepareEveryMs = 300_000;

/** Keeps all tables in step; see the head of this file. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #cloud: Cloud;
  readonly #feed: RouteFeed;
  readonly #openTables = new Map<string, LedgerUse | null>();
  #identity: CloudIdentity | null = null;
  #addresses = "";
  #reconcilers: readonly Reconciler[] = [];
  /** Ids of tables that went away while others stayed. */
  readonly #missing = new Set<string>();
  #identifying = false;
  /** Whether the tables of this run were found, so that it is known where routes of ours may stand. */
  #opened = false;
  /** Set for good by {@linkcode Supervisor.withdrawAll}: from then on nothing is wanted, whatever kernel and cloud say. */
  #withdrawing = false;
  #lastError: CloudError | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#cloud = politeCloud(options.cloud, options.clock);
    this.#feed = new RouteFeed(options.policy);
  }

  /** How each table stands; empty until the tables are prepared. */
  get statuses(): readonly SyncStatus[] {
    return this.#reconcilers.map((reconciler) => reconciler.status);
  }

  /** Number of routes wanted now. */
  get wanted(): number {
    return this.#feed.wanted.size;
  }

  /** What the cloud answered last while it keeps the tables from being opened; null while it is silent, and once they are open. */
  get openingError(): Pick<CloudError, "kind" | "message"> | null {
    if (this.#opened || this.#lastError === null) return null;
    const { kind, message } = this.#lastError;
    return { kind, message };
  }

  /** Who this VM is; null until the cloud has said it. */
  get identity(): CloudIdentity | null {
    return this.#identity;
  }

  /**
   * Runs until told to stop.
   *
   * @param stop ends it after the rounds under way.
   * @param abandon gives up the calls under way.
   * @throws {CloudError} `invalid` if the configuration cannot work.
   */
  async run(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    try {
      await this.#identify(stop);
      if (this.#addressesChanged()) void this.#identifyAgain();
      for (let failures = 0; !stop.aborted; failures++) {
        if (failures > 0) {
          await this.#options.clock.sleep(backoffMs(failures, undefined, this.#options.clock.random()), stop);
        }
        const startedAt = this.#options.clock.now();
        await this.#runTables(stop, abandon);
        if (this.#options.clock.now() - startedAt > prepareEveryMs) failures = 0;
      }
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }

  /** Takes news of the kernel. */
  kernelChanged(change: KernelChange): void {
    if (this.#withdrawing) return;
    if (concernsThisVm(change) && this.#addressesChanged()) void this.#identifyAgain();
    if (this.#identity === null) return;
    if (change.prefixes === "all" || change.interfacesChanged) this.#rebuildFeed(this.#identity);
    else this.#notify(this.#feed.update(this.#options.kernel, this.#identity, change.prefixes));
  }

  /**
   * One sync of all tables.
   *
   * @param giveUpAt milliseconds of the clock.
   * @returns whether all is in step.
   */
  async syncOnce(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    await this.#identify(signal, giveUpAt);
    const tables = await this.#patiently((inner) => this.#cloud.prepare(inner), signal, giveUpAt);
    this.#reconcilers = await this.#open(tables);
    const ends = await Promise.all(
      this.#reconcilers.map((reconciler) => reconciler.settle(signal, giveUpAt)),
    );
    return ends.every((inStep) => inStep);
  }

  /**
   * Withdraws all that is owned from the tables of this run. It is the last that a supervisor does: from here on no news of the
   * kernel makes it want a route again.
   *
   * @returns whether all is gone; false too if the tables were never found, since an earlier run may have left routes there.
   */
  async withdrawAll(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    this.#withdrawing = true;
    this.#feed.clear();
    if (!this.#opened) return false;
    const ends = await Promise.all(
      this.#reconcilers.map((reconciler) => reconciler.withdrawAll(signal, giveUpAt)),
    );
    return ends.every((gone) => gone);
  }

  /** Withdraws all that is owned from the tables that exist; prepares none. For `cleanup`. */
  async cleanUp(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    await this.#identify(signal, giveUpAt);
    const tables = await this.#patiently((inner) => this.#cloud.locate(inner), signal, giveUpAt);
    this.#reconcilers = await this.#open(tables);
    if (!await this.withdrawAll(signal, giveUpAt)) return false;
    await this.#patiently((inner) => this.#cloud.remove(inner), signal, giveUpAt);
    return true;
  }

  async #identify(signal: AbortSignal, giveUpAt = Infinity): Promise<void> {
    const found = await this.#patiently(
      (inner) => {
        this.#addresses = this.#addressesNow();
        return this.#cloud.identify(inner);
      },
      signal,
      giveUpAt,
    );
    this.#identity = this.#options.adjustIdentity(found);
    // The answer may come when all is being withdrawn already.
    if (!this.#withdrawing) this.#rebuildFeed(this.#identity);
  }

  /**
   * This VM's addresses changed: asks anew who it is, without keeping anything waiting. What changes while the cloud is asked may be
   * missing from its answer, so it is asked until nothing did.
   */
  async #identifyAgain(): Promise<void> {
    if (this.#identity === null || this.#identifying) return;
    this.#identifying = true;
    do await this.#askWhoThisIs(); while (this.#addressesChanged() && !this.#withdrawing);
    this.#identifying = false;
  }

  async #askWhoThisIs(): Promise<void> {
    const before = JSON.stringify(this.#identity);
    try {
      const deadline = this.#options.clock.now() + prepareEveryMs;
      await this.#identify(new AbortController().signal, deadline);
      if (this.#withdrawing || JSON.stringify(this.#identity) === before) return;
      log.info("This VM is now {instance}", { instance: this.#identity?.instance });
      for (const reconciler of this.#reconcilers) reconciler.recheck();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.warn("Cannot find out who this VM is after its addresses changed: {message}", { message });
    }
  }

  /**
   * Whether this VM's addresses are others than when the cloud was last asked who it is, or another of them is the one by which the
   * default route leaves: a lease that is renewed brings the address first and the route later.
   */
  #addressesChanged(): boolean {
    return this.#addressesNow() !== this.#addresses;
  }

  #addressesNow(): string {
    const { kernel } = this.#options;
    const all = kernel.addresses().map((address) => `${address.interfaceIndex} ${address.address.text}`);
    const leaving = ([4, 6] as const).map((family) => ownAddress(family, kernel)?.address.text);
    return [...all.sort(), ...leaving].join();
  }

  /** Prepares the tables and keeps them in step until told to stop, or until they are no longer the ones to keep. */
  async #runTables(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    const tables = await this.#patiently((signal) => this.#cloud.prepare(signal), stop);
    this.#reconcilers = await this.#open(tables);
    this.#missing.clear();
    const end = new AbortController();
    const stopAll = (): void => end.abort();
    stop.addEventListener("abort", stopAll, { once: true });
    if (stop.aborted) stopAll();
    const loops = this.#reconcilers.map((reconciler) => this.#keep(reconciler, end, abandon));
    await Promise.all([...loops, this.#lookAfter(tables, end, abandon)]);
    stop.removeEventListener("abort", stopAll);
  }

  /**
   * Keeps one table in step. Where it is the only one and goes away, all ends: it may be our own, and is prepared anew. One of several
   * was handed over, so that no preparing brings it back; it is looked for with back-off, and the others do not wait for it.
   */
  async #keep(reconciler: Reconciler, end: AbortController, abandon: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { id } = reconciler.status;
    for (let failures = 1;; failures++) {
      const startedAt = clock.now();
      if (await reconciler.run(end.signal, abandon) !== "gone") return;
      if (this.#reconcilers.length === 1) return end.abort();
      this.#missing.add(id);
      if (clock.now() - startedAt > prepareEveryMs) failures = 1;
      await clock.sleep(backoffMs(failures, undefined, clock.random()), end.signal);
      if (end.signal.aborted) return;
      this.#missing.delete(id);
      reconciler.recheck();
    }
  }

  /** Has the tables prepared again now and then: an association that somebody took away comes back. */
  async #lookAfter(tables: readonly CloudTable[], end: AbortController, abandon: AbortSignal): Promise<void> {
    const { clock, settings } = this.#options;
    let told = "";
    for (;;) {
      await clock.sleep(Math.max(prepareEveryMs, settings.auditMs), end.signal);
      if (end.signal.aborted) return;
      try {
        if (!this.#areSame(tables, await this.#cloud.prepare(abandon))) end.abort();
        told = "";
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        if (error.message !== told) {
          log.warn("Cannot look after the tables: {message}", { message: error.message });
        }
        told = error.message;
      }
    }
  }

  /** Whether the tables to keep are still these; one that is missing may be left out. */
  #areSame(tables: readonly CloudTable[], now: readonly CloudTable[]): boolean {
    const before = new Set(tables.map(({ id }) => id));
    const after = new Set(now.map(({ id }) => id));
    return [...before].every((id) => after.has(id) || this.#missing.has(id)) &&
      [...after].every((id) => before.has(id));
  }

  async #open(tables: readonly CloudTable[]): Promise<readonly Reconciler[]> {
    const { owner, settings, clock, openTable } = this.#options;
    const cloud = this.#cloud;
    const reconcilers: Reconciler[] = [];
    for (const table of tables) {
      let ledger = this.#openTables.get(table.id);
      if (ledger === undefined) {
        ledger = await openTable(table);
        this.#openTables.set(table.id, ledger);
      }
      const identity = (): CloudIdentity => this.#known();
      reconcilers.push(
        new Reconciler({ cloud, table, owner, identity, wanted: this.#feed.wanted, ledger, settings, clock }),
      );
    }
    this.#opened = true;
    return reconcilers;
  }

  /** Calls until it works, and remembers what the cloud answers meanwhile. */
  async #patiently<T>(
    call: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    giveUpAt = Infinity,
  ): Promise<T> {
    const remembering = async (inner: AbortSignal): Promise<T> => {
      try {
        return await call(inner);
      } catch (error) {
        if (error instanceof CloudError && !inner.aborted) this.#lastError = error;
        throw error;
      }
    };
    const result = await untilItWorks(remembering, this.#options.clock, signal, giveUpAt);
    this.#lastError = null;
    return result;
  }

  #known(): CloudIdentity {
    if (this.#identity === null) throw new Error("Cannot compare before it is known who this VM is");
    return this.#identity;
  }

  #rebuildFeed(identity: CloudIdentity): void {
    this.#notify(this.#feed.rebuild(this.#options.kernel, identity));
  }

  #notify(prefixes: readonly string[]): void {
    for (const reconciler of this.#reconcilers) reconciler.notify(prefixes);
  }
}

/** Whether news may change which address is this VM's: addresses and links, or the default route. */
function concernsThisVm({ interfacesChanged, prefixes }: KernelChange): boolean {
  return interfacesChanged || prefixes === "all" || prefixes.some(isDefault);
}
