/**
 * Keeps a table of the kernel's routes, links and addresses current.
 *
 * ```
 * events ──▶ live table ──▶ onChange          at once, microseconds after the kernel's change
 *    │ └──▶ log (while a dump is read)
 *    └──▶ doubt ──▶ dump ──▶ new state + log ──▶ differences ──▶ live table ──▶ onChange
 * ```
 *
 * Most of what happens to routes when a link, an address or a next-hop object changes is not announced: such an event,
 * an overrun, or a route event that leaves a doubt makes the monitor dump again. A dump is read beside the live table,
 * which keeps following events; what came meanwhile is applied to the new state before it takes the old one's place.
 * A dump that fails changes nothing: the old table stays, the error is logged, and the dump is retried. An event socket that
 * fails (the kernel reports ENOMEM or EMSGSIZE there when it could not make an event) is replaced, and a dump brings what was missed.
 */

import { systemClock } from "../async/system_clock.ts";
import { readKernelFileAside } from "../../ffi/kernel_file.ts";
import type { Libc } from "../../ffi/libc.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { type MessageBuffer, messageBuffer } from "./wire/attribute_cursor.ts";
import { ChangeCollector } from "./table/change_collector.ts";
import { DumpPace, retryMs, settlingMs } from "./dump/dump_pace.ts";
import { DumpAbandoned } from "./dump/dump_reader.ts";
import { EventLog } from "./dump/event_log.ts";
import { EventsRefused, EventStream, openWitness } from "./event_stream.ts";
import { HealthRecord, type KernelHealth } from "./kernel_health.ts";
import { type KnownTable, readBeside, type Reading } from "./dump/kernel_reading.ts";
import { KernelState } from "./table/kernel_state.ts";
import type { KernelChange, KernelTable } from "./kernel_table.ts";
import { KernelUpdate } from "./table/kernel_update.ts";
import { LiveTable } from "./table/live_table.ts";
import type { KernelMonitorOptions } from "./monitor_options.ts";
import { MessageWalk } from "./wire/netlink_message.ts";
import type { OpenPort } from "./wire/netlink_port.ts";
import type { Family } from "../routes/prefix.ts";
import { Alarm } from "./alarm.ts";
import { collectDifferences } from "./table/state_difference.ts";

export type { KernelMonitorOptions } from "./monitor_options.ts";

/** First dumps that may be overtaken by lost events before one is taken as it is. */
const firstDumps = 5;

/** The monitor. {@linkcode KernelMonitor.open} resolves when the first dump stands. */
export class KernelMonitor implements AsyncDisposable {
  /** Called after the table has changed; `prefixes` and `interfacesChanged` say where to look. */
  onChange: ((change: KernelChange) => void) | null = null;
  /** Called when {@linkcode KernelHealth.lastError} has become another one; null: the kernel was read well again. */
  onFault: ((error: Error | null) => void) | null = null;

  readonly #options: KernelMonitorOptions;
  readonly #open: OpenPort;
  readonly #update: KernelUpdate;
  readonly #table: LiveTable;
  readonly #changes = new ChangeCollector();
  readonly #walk = new MessageWalk(messageBuffer(0));
  readonly #abort = new AbortController();
  readonly #alarm = new Alarm(() => this.#redump());
  readonly #health = new HealthRecord();
  #stream: EventStream | null = null;
  #streaming: Promise<void> = Promise.resolve();
  /** Set while a dump is read. */
  #log: EventLog | null = null;
  #why = "start";
  readonly #pace: DumpPace;
  #unsurePrefixes: ReadonlySet<string> = new Set();
  #unproven: ReadonlySet<Family>;

  private constructor(open: OpenPort, options: KernelMonitorOptions) {
    this.#open = open;
    this.#options = options;
    this.#unproven = new Set(options.families);
    this.#pace = new DumpPace(options.redumpMs);
    this.#update = new KernelUpdate(options.keepPrefix, options.isNamed);
    this.#table = new LiveTable(new KernelState(options.tables, options.families));
  }

  /**
   * Starts to watch; resolves once the first dump stands.
   *
   * @throws {SystemError} if no socket can be opened.
   * @throws {NetlinkError} if the kernel refuses the first dump.
   */
  static open(libc: Libc, options: KernelMonitorOptions): Promise<KernelMonitor> {
    return KernelMonitor.openWith((socket) => NetlinkSocket.open(libc, socket), {
      readText: (path) => readKernelFileAside(libc, path),
      ...options,
    });
  }

  /** As {@linkcode KernelMonitor.open}, over other sockets than the kernel's: for tests. */
  static async openWith(open: OpenPort, options: KernelMonitorOptions): Promise<KernelMonitor> {
    options.signal?.throwIfAborted();
    const monitor = new KernelMonitor(open, options);
    try {
      await monitor.#start();
    } catch (error) {
      await monitor[Symbol.asyncDispose]();
      throw error;
    }
    return monitor;
  }

  /** The table, always the same object. Read it in one go: it changes between two turns of the event loop. */
  get table(): KernelTable {
    return this.#table;
  }

  get health(): KernelHealth {
    return this.#health.snapshot();
  }

  /**
   * Dumps again soon.
   *
   * @param why what made it necessary, for {@linkcode KernelHealth.lastDumpWhy}.
   */
  resync(why: string): void {
    this.#why = why;
    this.#alarm.within(settlingMs(this.#health.lastDumpMs));
  }

  /** Stops watching; nothing is called from then on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#abort.abort();
    this.#stream?.close();
    await Promise.all([this.#streaming, this.#alarm.close()]);
  }

  readonly #onAbort = (): void => void this[Symbol.asyncDispose]();

  async #start(): Promise<void> {
    const { events, signal } = this.#options;
    signal?.addEventListener("abort", this.#onAbort);
    if (events) this.#follow();
    await this.#alarm.during(async () => {
      for (let attempt = 1; !await this.#dump() && attempt < firstDumps; attempt++);
    });
    this.#scheduleNext();
  }

  #follow(): void {
    try {
      this.#stream = this.#openStream();
      this.#streaming = this.#listen();
    } catch (error) {
      if (!(error instanceof EventsRefused)) throw error;
      this.#poll(error);
    }
  }

  /** Does without events from now on. */
  #poll(refusal: EventsRefused): void {
    this.#pace.poll();
    this.#alarm.within(this.#pace.redumpMs);
    this.#options.onNotice?.(
      `${refusal.message}; its tables are read every ${this.#pace.redumpMs / 1000} s instead`,
    );
  }

  #openStream(): EventStream {
    return new EventStream(this.#open, this.#options.families, {
      datagram: (buffer, length) => this.#takeEvents(buffer, length),
      lost: (why) => this.#loseEvents(why),
      batch: (receivedAt) => this.#reportChanges(receivedAt),
    });
  }

  /** Reads events until the monitor is closed, by another socket when one fails; never rejects. */
  async #listen(): Promise<void> {
    for (let failures = 1; !this.#abort.signal.aborted; failures++) {
      try {
        if (this.#stream === null) {
          this.#stream = this.#openStream();
          this.resync("the event stream failed");
        }
        return await this.#stream.run();
      } catch (error) {
        if (error instanceof EventsRefused) {
          this.resync("the event stream failed");
          return this.#poll(error);
        }
        this.#reportError(error);
        this.#stream?.close();
        this.#stream = null;
        this.#log?.lose();
        this.#update.doubted.addAll();
        await systemClock.sleep(retryMs(failures), this.#abort.signal);
      }
    }
  }

  #takeEvents(buffer: MessageBuffer, length: number): void {
    this.#log?.add(buffer.bytes, length);
    try {
      this.#walk.enter(buffer, length);
      while (this.#walk.next()) {
        this.#health.events++;
        this.#update.applyEvent(this.#table.state, this.#walk, this.#changes);
      }
    } catch (error) {
      this.#reportError(error);
      this.#update.doubted.addAll();
      this.#changes.doubt("an event could not be read", false);
    }
  }

  #loseEvents(why: string): void {
    this.#health.overruns++;
    this.#log?.lose();
    this.#update.doubted.addAll();
    this.#changes.doubt(why, false);
  }

  /** @returns whether there was anything to tell, or to doubt. */
  #reportChanges(receivedAt: number): boolean {
    const doubt = this.#changes.takeDoubt();
    if (doubt !== null) {
      if (doubt.unfinished) this.#pace.expectMore();
      this.resync(doubt.why);
    }
    const change = this.#changes.takeChange(receivedAt);
    if (change !== null) this.#table.noteChange(change);
    // Before the first dump there is no table yet that could change.
    if (change !== null && this.#health.dumps > 0 && !this.#abort.signal.aborted) this.onChange?.(change);
    if (doubt === null && this.#table.state.isOvergrown) this.resync("many routes have changed");
    this.#awaitExpiry();
    return change !== null || doubt !== null;
  }

  /** Reads the kernel again when a route's lifetime has ended; a dump that is under way, or will be tried again, does so anyway. */
  #awaitExpiry(): void {
    if (this.#log !== null || this.#pace.isFailing) return;
    this.#alarm.within(this.#table.state.lifetimes.nextLookAt - performance.now());
  }

  async #redump(): Promise<void> {
    try {
      await this.#dump();
    } catch (error) {
      if (error instanceof DumpAbandoned) return;
      this.#pace.failed();
      this.#health.failedDumps++;
      this.#reportError(error);
    }
    this.#scheduleNext();
  }

  #scheduleNext(): void {
    this.#alarm.within(this.#pace.nextMs());
    this.#awaitExpiry();
  }

  /** Reads the kernel and puts what it says in the old table's place; false if events were lost meanwhile. */
  async #dump(): Promise<boolean> {
    // What came before the dump is in the live table already and need not be applied to the new state.
    this.#stream?.drain();
    const startedAt = performance.now();
    const usesLink = (index: number): boolean =>
      this.#health.dumps === 0 || this.#table.state.use.usesLink(index);
    const log = this.#log = new EventLog(usesLink);
    // Without events, those of the time of the dump are still needed: only they tell what it may have missed.
    const replayed = new ChangeCollector();
    const witness = this.#stream === null ? openWitness(this.#open, this.#options.families, log) : null;
    try {
      const reading = await readBeside({
        open: this.#open,
        update: this.#update,
        scope: this.#options,
        signal: this.#abort.signal,
        log,
        drain: () => (witness ?? this.#stream)?.drain(),
        known: this.#knownTable(),
        changes: replayed,
        unproven: this.#unproven,
        readText: this.#options.readText ?? (() => Promise.resolve(null)),
      });
      const doubt = replayed.takeDoubt();
      if (doubt !== null) this.#changes.doubt(doubt.why, doubt.unfinished);
      // Without events nothing of this is followed on: what was dumped stands as it is.
      if (!log.complete && witness === null) this.#changes.doubt("events were lost during a dump", false);
      this.#replace(reading, startedAt);
    } finally {
      this.#log = null;
      witness?.close();
    }
    return log.complete || witness !== null;
  }

  #knownTable(): KnownTable | null {
    if (this.#health.dumps === 0) return null;
    return {
      state: this.#table.state,
      isLive: this.#stream !== null,
      unsurePrefixes: this.#unsurePrefixes,
    };
  }

  #replace({ state, unsure, unsurePrefixes, error, unproven }: Reading, startedAt: number): void {
    state.lifetimes.endDump(this.#table.state.lifetimes, startedAt, performance.now());
    const first = this.#health.dumps === 0;
    if (!first) collectDifferences(this.#table.state, state, this.#changes);
    this.#table.state = state;
    this.#unsurePrefixes = unsurePrefixes;
    this.#unproven = unproven;
    this.#pace.ended(unsure !== null);
    const now = performance.now();
    if (error !== null && error.message !== this.#health.lastError?.message) this.#options.onError?.(error);
    this.#faultIs(error, () => this.#health.dumped(startedAt, now, this.#why, error));
    this.#why = unsure ?? "the time for it has come";
    if (first) this.#changes.takeChange(now);
    this.#reportChanges(now);
  }

  #reportError(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#faultIs(error, () => this.#health.lastError = error);
    this.#options.onError?.(error);
  }

  /** Takes note of an error, or that there is none any more, and tells it if it is news. */
  #faultIs(error: Error | null, note: () => void): void {
    const isNews = error?.message !== this.#health.lastError?.message;
    note();
    if (isNews) this.onFault?.(error);
  }
}
