/**
 * Keeps one table in step.
 *
 * The loop is level-triggered: each round compares what is wanted with what the cloud has and makes the difference smaller. News
 * from the kernel only says which prefixes to look at, and when. There is one round at a time: what arrives during a write joins
 * the next. A failed call is followed by a new reading, since nobody knows what it did.
 */

import { getLogger } from "@logtape/logtape";
import type { Cloud, TableState } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import { Circuit, circuitOpenMs } from "./circuit.ts";
import { compare, type Comparison, nothingCompared } from "./comparison.ts";
import { type GuardSettings, newGuardState, wantedAgain } from "./guard.ts";
import { LedgerError } from "./ledger.ts";
import { Notices } from "./notices.ts";
import type { TableIndex } from "./ownership.ts";
import { invalidTries } from "./patience.ts";
import type { PlannedChange } from "./plan.ts";
import { Schedule, type ScheduleSettings } from "./schedule.ts";
import type { SyncStatus } from "./sync_status.ts";
import { TableView, type TableViewOptions } from "./table_view.ts";
import { type Resolution, resolveNeighbours } from "./targets.ts";
import { TokenBucket } from "./token_bucket.ts";
import { type WriteReport, writeWaves } from "./writer.ts";

/** The user's settings of the loop; durations in milliseconds. */
export interface SyncSettings extends ScheduleSettings {
  readonly guard: GuardSettings;
  /** `-adopt`: take over foreign routes that stand where a wanted prefix should be. */
  readonly adopt: boolean;
}

/** What a reconciler works with. */
export interface ReconcilerOptions extends TableViewOptions {
  readonly cloud: Pick<Cloud, "traits" | "read" | "write" | "resolve" | "describe">;
  readonly settings: SyncSettings;
}

/**
 * How a round or a loop ended: `gone` means that the table is not there (any more), `invalid` that what the cloud holds cannot be
 * understood.
 */
export type RoundEnd = "done" | "stopped" | "gone" | "invalid";

const log = getLogger(["cloudroutesync", "sync"]);
/** The keys of errors that concern no one prefix: the table as a whole, and who the neighbours are. */
const wholeTable = "";
const neighbours = "neighbours";
/** Keys that are not told as a prefix. */
const unnamed: ReadonlySet<string> = new Set([wholeTable, neighbours]);

/** Keeps one table in step; see the head of this file. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #view: TableView;
  readonly #circuit = new Circuit();
  readonly #bucket: TokenBucket | null;
  readonly #errors = new Map<string, string>();
  readonly #writes = { add: 0, replace: 0, delete: 0 };
  readonly #notices: Notices;
  #settings: SyncSettings;
  #schedule: Schedule;
  /** Prefixes that may not be as wanted. */
  #dirty = new Set<string>();
  #allDirty = true;
  /** Prefixes of which news came since the round began. */
  #arrived = new Set<string>();
  #guardState = newGuardState();
  #comparison: Comparison | null = null;
  /** The comparison whose changes are being made just now: a slow cloud takes its time, and they are pending all the while. */
  #underWay: Comparison | null = null;
  #failures = 0;
  /** Why neighbours cannot be looked up, where only people can heal it, and until when it is left alone. */
  #lookUpRefused: { readonly error: CloudError; readonly until: number } | null = null;
  #inStepAt: number | null = null;
  #wake: (() => void) | null = null;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#view = new TableView(options);
    this.#notices = new Notices(options.table.name);
    const now = options.clock.now();
    this.#schedule = new Schedule(options.settings, now);
    const pace = options.cloud.traits.pace;
    this.#bucket = pace === null ? null : new TokenBucket(pace, now);
  }

  /** Says that what is wanted for these canonical prefixes changed. */
  notify(prefixes: readonly string[]): void {
    if (prefixes.length === 0) return;
    for (const prefix of prefixes) this.#arrived.add(prefix);
    const { wanted } = this.#options;
    this.#guardState = wantedAgain(this.#guardState, prefixes.filter((prefix) => wanted.has(prefix)));
    if (this.#schedule.news(this.#options.clock.now())) this.#wake?.();
  }

  /** Asks for a full comparison, as when this VM's own address changed. */
  recheck(): void {
    this.#view.forget();
    this.#allDirty = true;
    this.#wake?.();
  }

  /**
   * Runs until told to stop.
   *
   * @param stop ends the loop after the round under way.
   * @param abandon gives up the call under way.
   */
  async run(stop: AbortSignal, abandon: AbortSignal): Promise<RoundEnd> {
    while (!stop.aborted) {
      const wait = this.#dueAt() - this.#options.clock.now();
      if (wait > 0) await this.#pause(wait, stop);
      else if (await this.round(abandon) === "gone") return "gone";
    }
    return "stopped";
  }

  /**
   * Makes rounds until all is in step, until only people can bring it further, or until waiting on would take longer than
   * `giveUpAt`. A hold is not waited for: whether the kernel still says so at its end cannot be known by one look at the kernel.
   *
   * @param giveUpAt milliseconds of the loop's clock.
   * @returns whether all is in step.
   */
  async settle(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    const { clock } = this.#options;
    let invalid = 0;
    while (!signal.aborted) {
      const end = await this.round(signal);
      invalid = end === "invalid" ? invalid + 1 : 0;
      if (end === "gone" || invalid >= invalidTries) return false;
      if (this.#isInStep()) return true;
      if (this.#isStuck()) return false;
      const due = this.#dueAt();
      if (due > giveUpAt) return false;
      if (due > clock.now()) await clock.sleep(due - clock.now(), signal);
    }
    return false;
  }

  /**
   * Withdraws all that is owned, whatever the guard says: for `cleanup` and `-withdraw-on-exit`. The caller has emptied
   * what is wanted before.
   */
  async withdrawAll(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    this.#settings = { ...this.#settings, withdrawDelayMs: 0, guard: { maxWithdraw: 1, holdMs: 0 } };
    this.#schedule = new Schedule(this.#settings, this.#options.clock.now());
    this.recheck();
    return await this.settle(signal, giveUpAt);
  }

  /** Reads and compares; writes nothing to the cloud. @throws {CloudError} if it cannot be read. */
  async preview(signal: AbortSignal): Promise<Comparison> {
    await this.#view.read(signal);
    this.#gatherDirty();
    const resolution = await this.#resolve(signal);
    if (resolution.error !== null) throw resolution.error;
    this.#comparison = this.#compare(resolution);
    return this.#comparison;
  }

  /** The table as last read, split by ownership. */
  get table(): { readonly state: TableState | null; readonly index: TableIndex } {
    return { state: this.#view.state, index: this.#view.index };
  }

  /** How things stand. */
  get status(): SyncStatus {
    const { difference: parts, decision, waiting, fitted, hopeless, unresolved } = this.#underWay ??
      this.#comparison ?? nothingCompared;
    const now = fitted.waves.reduce((sum, wave) => sum + wave.length, 0);
    return {
      table: this.#options.table.name,
      id: this.#options.table.id,
      inStep: this.#isInStep(),
      wanted: this.#options.wanted.size,
      owned: this.#view.index.own.size,
      foreign: this.#view.index.foreignCount,
      pending: now + waiting.length + hopeless.length + unresolved.length + this.#arrived.size,
      held: decision.held.length,
      heldWhy: decision.why,
      unfit: fitted.unfit.map((change) => change.prefix.text),
      conflicts: parts.conflicts.map((conflict) => conflict.prefix.text),
      quotas: this.#view.state?.quotas ?? [],
      errors: this.#errors,
      writes: this.#writes,
      failures: this.#failures,
      reads: this.#view.reads,
      inStepAt: this.#inStepAt,
    };
  }

  /** One round: read if need be, compare, write, read back. What failed is remembered for the next, not thrown. */
  async round(signal: AbortSignal): Promise<RoundEnd> {
    const { clock } = this.#options;
    this.#schedule.beginRound();
    try {
      if (this.#view.state === null || this.#schedule.mustRead(clock.now())) await this.#audit(signal);
      this.#gatherDirty();
      const resolution = await this.#resolve(signal);
      const comparison = this.#compare(resolution);
      this.#guardState = comparison.decision.state;
      this.#underWay = comparison;
      const report = await this.#carryOut(comparison, signal);
      await this.#conclude(comparison, report, resolution);
    } catch (error) {
      if (signal.aborted) return "stopped";
      return this.#roundFailed(error);
    } finally {
      this.#underWay = null;
    }
    return "done";
  }

  async #audit(signal: AbortSignal): Promise<void> {
    await this.#read(signal);
    this.#allDirty = true;
  }

  async #read(signal: AbortSignal): Promise<void> {
    await this.#view.read(signal);
    this.#schedule.wasRead(this.#options.clock.now());
    this.#errors.delete(wholeTable);
  }

  /** Moves what arrived, or everything, into the set to compare. */
  #gatherDirty(): void {
    if (this.#allDirty) {
      for (const prefix of this.#options.wanted.keys()) this.#dirty.add(prefix);
      for (const prefix of this.#view.index.own.keys()) this.#dirty.add(prefix);
      this.#allDirty = false;
    }
    for (const prefix of this.#arrived) this.#dirty.add(prefix);
    this.#arrived.clear();
  }

  async #resolve(signal: AbortSignal): Promise<Resolution> {
    const { cloud, wanted, clock } = this.#options;
    const routes = [...this.#dirty].map((prefix) => wanted.get(prefix)).filter((route) =>
      route !== undefined
    );
    const refused = this.#lookUpRefused;
    if (refused !== null && clock.now() < refused.until) {
      return await resolveNeighbours({ resolve: () => Promise.reject(refused.error) }, routes, signal);
    }
    const resolution = await resolveNeighbours(cloud, routes, signal);
    this.#noteLookUp(resolution);
    return resolution;
  }

  /** What needs no look-up goes on; what does is tried again soon, or in a minute where only people can heal it. */
  #noteLookUp({ ids, error }: Resolution): void {
    this.#lookUpRefused = error !== null && isForPeople(error)
      ? { error, until: this.#options.clock.now() + circuitOpenMs }
      : null;
    if (ids.size > 0) this.#errors.delete(neighbours);
    if (error === null) return;
    this.#failures++;
    this.#note(neighbours, `Cannot look up who the neighbours are: ${error.message}`);
  }

  #compare(resolution: Resolution): Comparison {
    const { cloud, clock, identity, wanted } = this.#options;
    const now = clock.now();
    return compare({
      prefixes: this.#dirty,
      wanted,
      identity: identity(),
      resolution,
      index: this.#view.index,
      quotas: this.#view.state?.quotas ?? [],
      traits: cloud.traits,
      adopt: this.#settings.adopt,
      guardSettings: this.#settings.guard,
      guardState: this.#guardState,
      withdrawalsDue: (any) => this.#schedule.withdrawalsDue(any, now),
      isHopeless: (change) => this.#circuit.isOpen(change, now),
      isRefused: (change) => this.#circuit.isRefused(change, now),
      now,
    });
  }

  /** Makes the changes and reads back. @returns what became of them; null if there was nothing to do. */
  async #carryOut(comparison: Comparison, signal: AbortSignal): Promise<WriteReport | null> {
    const { cloud, table, clock } = this.#options;
    await this.#view.takeOver(comparison.difference.claims.map(({ prefix, nextHops }) => ({
      prefix: prefix.text,
      nextHops,
    })));
    const { waves } = comparison.fitted;
    const state = this.#view.state;
    if (waves.length === 0 || state === null) return null;
    const before = await this.#view.claim(waves.flat());
    this.#view.forget();
    const report = await writeWaves(waves, state, { cloud, table, clock, bucket: this.#bucket }, signal);
    for (const change of report.done) this.#changeDone(change);
    for (const { change, error } of report.failed) this.#changeFailed(change, error);
    const refused = report.failed.filter(({ error }) => error.kind === "conflict");
    await this.#view.disclaim(
      refused.map(({ change: { prefix: { text } } }) => [text, before.get(text) ?? null]),
    );
    if (report.state !== null) this.#view.adopt(report.state);
    else if (report.failed.length === 0) await this.#read(signal);
    return report;
  }

  /** Looks at what the round left, and sets the times for what comes next. */
  async #conclude(before: Comparison, report: WriteReport | null, resolution: Resolution): Promise<void> {
    const now = this.#options.clock.now();
    const after = report === null || this.#view.state === null ? before : this.#compare(resolution);
    this.#comparison = after;
    const left = leftOver(after);
    const settled = [...this.#dirty].filter((prefix) => !left.has(prefix));
    this.#dirty = left;
    for (const prefix of settled) this.#errors.delete(prefix);
    await this.#view.confirm(settled);

    const failure = worstFailure(report, resolution);
    const undone =
      report?.done.some((change) => left.has(change.prefix.text) && isStillToDo(change, after)) ?? false;
    // A cloud that takes some of the writes is not down: the back-off begins anew.
    if ((report?.done.length ?? 0) > 0 || (failure === null && !undone)) this.#schedule.succeeded();
    if (failure !== null || undone) this.#retryLater(failure);
    this.#notices.tell(after, this.#view.state?.quotas ?? []);
    const stuck = after.difference.conflicts.length > 0 || after.fitted.unfit.length > 0;
    this.#schedule.left({
      // A withdrawal may have become due while the round wrote.
      waiting: after.waiting.length > 0 || after.fitted.waves.length > 0,
      heldUntil: after.decision.heldUntil,
      stuck,
      hopelessUntil: earliest(this.#circuit.nextAt(now), this.#lookUpRefused?.until ?? null),
    }, now);
    if (this.#isInStep()) this.#inStepAt = now;
  }

  #roundFailed(error: unknown): RoundEnd {
    if (error instanceof CloudError) {
      this.#failures++;
      this.#note(wholeTable, error.message);
      if (error.kind === "gone") return "gone";
      this.#retryLater(error);
      return error.kind === "invalid" ? "invalid" : "done";
    }
    if (!(error instanceof LedgerError)) throw error;
    this.#note(wholeTable, error.message);
    this.#retryLater(null);
    return "done";
  }

  /** Sets the time before which no call is made. */
  #retryLater(error: CloudError | null): void {
    const { clock } = this.#options;
    this.#view.forget();
    const denied = error?.kind === "denied" || error?.kind === "quota";
    if (denied) this.#schedule.blocked(circuitOpenMs, clock.now());
    else this.#schedule.failed(error?.retryAfterMs, clock.random(), clock.now());
  }

  #changeDone(change: PlannedChange): void {
    this.#writes[change.action]++;
    this.#errors.delete(change.prefix.text);
    if (change.action === "delete") this.#circuit.roomMade(change);
    log.info("{action} {prefix} in {table}: {from} -> {to} ({why})", {
      action: change.action,
      prefix: change.prefix.text,
      table: this.#options.table.name,
      from: this.#describe(change.from?.nextHops),
      to: this.#describe(change.to),
      why: change.why,
    });
  }

  #changeFailed(change: PlannedChange, error: CloudError): void {
    this.#failures++;
    this.#circuit.open(change, error, this.#options.clock.now());
    this.#note(change.prefix.text, error.message);
  }

  /** Remembers an error, and tells it when it is not the one told last. */
  #note(key: string, message: string): void {
    if (this.#errors.get(key) === message) return;
    this.#errors.set(key, message);
    log.warn("{table}{prefix}: {message}", {
      table: this.#options.table.name,
      prefix: unnamed.has(key) ? "" : ` ${key}`,
      message,
    });
  }

  #isInStep(): boolean {
    return this.#comparison !== null && this.#view.state !== null && !this.#allDirty &&
      this.#dirty.size === 0 && this.#arrived.size === 0;
  }

  /** Whether only a foreign route, a quota or a hold stands in the way. */
  #isStuck(): boolean {
    if (this.#comparison === null || this.#view.state === null) return false;
    if (this.#allDirty || this.#arrived.size > 0) return false;
    const { fitted, waiting, hopeless, unresolved } = this.#comparison;
    return fitted.waves.length + waiting.length + hopeless.length + unresolved.length === 0;
  }

  #dueAt(): number {
    // A recheck that was asked for during a write forgot the state that the write's answer has told since.
    return this.#schedule.dueAt(this.#view.state !== null && !this.#allDirty);
  }

  async #pause(ms: number, stop: AbortSignal): Promise<void> {
    const waker = new AbortController();
    const wake = (): void => waker.abort();
    this.#wake = wake;
    stop.addEventListener("abort", wake, { once: true });
    await this.#options.clock.sleep(ms, waker.signal);
    stop.removeEventListener("abort", wake);
    this.#wake = null;
  }

  #describe(nextHops: readonly string[] | null | undefined): string {
    return nextHops?.map((hop) => this.#options.cloud.describe(hop)).join(", ") || "none";
  }
}

/** Canonical prefixes that are not as wanted after a round. */
function leftOver(comparison: Comparison): Set<string> {
  const { adds, replaces, deletes, conflicts } = comparison.difference;
  const left = new Set(comparison.unresolved);
  for (const { prefix } of [...adds, ...replaces, ...deletes, ...conflicts]) left.add(prefix.text);
  return left;
}

/** Whether a change that was reported done is still to be done: the reading was stale, or somebody undid it. */
function isStillToDo(change: PlannedChange, after: Comparison): boolean {
  return after.fitted.waves.flat().some((other) =>
    other.action === change.action && other.prefix.text === change.prefix.text &&
    other.to?.join() === change.to?.join()
  );
}

/** The failure that decides when to go on: the one that asks for the longest delay; null if none keeps the loop waiting. */
function worstFailure(report: WriteReport | null, resolution: Resolution): CloudError | null {
  const errors = (report?.failed ?? []).map(({ error }) => error);
  if (resolution.error !== null) errors.push(resolution.error);
  return errors.filter((error) => !isForPeople(error)).reduce<CloudError | null>(
    (worst, error) => (error.retryAfterMs ?? 0) >= (worst?.retryAfterMs ?? 0) ? error : worst,
    null,
  );
}

/** The earlier of two times, either of which may be none. */
function earliest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}

/** Whether only people can heal it: the circuit, not the back-off, keeps it from being repeated. */
function isForPeople(error: CloudError): boolean {
  switch (error.kind) {
    case "denied":
    case "quota":
    case "invalid":
      return true;
    case "throttled":
    case "conflict":
    case "gone":
    case "unavailable":
      return false;
  }
}
