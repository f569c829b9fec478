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
 * an overrun, or a route event that leaves a doubt makes the monitor dump anew. A dump is read beside the live table,
 * which keeps following events; what came meanwhile is applied to the new state before it takes the old one's place.
 * A dump that fails changes nothing: the old table stays, the error is told, and the dump is tried again. An event socket that
 * fails (the kernel reports ENOMEM or EMSGSIZE there when it could not make an event) is replaced, and a dump brings what was missed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Libc } from "../../ffi/libc.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { Family } from "../routes/prefix.ts";
import type { MessageBuffer } from "./attribute_cursor.ts";
import { messageBuffer } from "./attribute_cursor.ts";
import { ChangeCollector } from "./change_collector.ts";
import { DumpAbandoned, DumpReader } from "./dump_reader.ts";
import { EventLog } from "./event_log.ts";
import { EventStream } from "./event_stream.ts";
import { readKernel } from "./kernel_dump.ts";
import { KernelState } from "./kernel_state.ts";
import type { KeepPrefix, KernelChange, KernelTable } from "./kernel_table.ts";
import { KernelUpdate } from "./kernel_update.ts";
import { LiveTable } from "./live_table.ts";
import { MessageWalk } from "./netlink_message.ts";
import type { OpenPort } from "./netlink_port.ts";
import { Alarm } from "./alarm.ts";
import { collectDifferences } from "./state_difference.ts";

/** What is watched, and how. */
export interface KernelMonitorOptions {
  /** Kernel tables in the order of preference; 254 is main. */
  readonly tables: readonly number[];
  readonly families: readonly Family[];
  /** Routes of other prefixes take no memory. Absent: all are kept. */
  readonly keepPrefix?: KeepPrefix;
  /** Whether events are subscribed to; without them only dumps bring news. */
  readonly events: boolean;
  /** Milliseconds from one dump to the next, the safety net; 0 for none. */
  readonly redumpMs: number;
  /** Called with each error that the monitor lives on with. */
  readonly onError?: (error: Error) => void;
  /** Aborted, it closes the monitor. */
  readonly signal?: AbortSignal;
}

/** How the monitor fares. Times are `performance.now` milliseconds. */
export interface KernelHealth {
  /** End of the last good dump. */
  readonly lastDumpAt: number | null;
  /** How long it took, milliseconds. */
  readonly lastDumpMs: number;
  /** Why it was made. */
  readonly lastDumpWhy: string;
  /** The last error, or null since a good dump. */
  readonly lastError: Error | null;
  /** Good dumps. */
  readonly dumps: number;
  readonly failedDumps: number;
  /** Times that the kernel has thrown events away. */
  readonly overruns: number;
  /** Messages received as events. */
  readonly events: number;
}

/** From the event that raises a doubt to the dump: what belongs together comes within it. Milliseconds. */
const settleMs = 5;

/** From one dump to the next while the kernel may still be at work on what it has announced, milliseconds. */
const unfinishedMs = 40;

/** Pause after a failed dump or event socket: doubled with each further one up to the second. Milliseconds. */
const firstRetryMs = 100;
const lastRetryMs = 5_000;

/** Routes changed by events since the last dump, as a share of all, that make a dump worth its while: it compacts. */
const compactShare = 0.5;
const compactLeast = 65_536;

/** First dumps that may be overtaken by lost events before one is taken as it is. */
const firstDumps = 5;

/** The monitor. {@linkcode KernelMonitor.open} resolves when the first dump stands. */
export class KernelMonitor implements AsyncDisposable {
  /** Called after the table has changed; `prefixes` and `interfacesChanged` say where to look. */
  onChange: ((change: KernelChange) => void) | null = null;

  readonly #options: KernelMonitorOptions;
  readonly #open: OpenPort;
  readonly #update: KernelUpdate;
  readonly #table: LiveTable;
  readonly #changes = new ChangeCollector();
  readonly #walk = new MessageWalk(messageBuffer(0));
  readonly #abort = new AbortController();
  readonly #alarm = new Alarm(() => this.#redump());
  readonly #health: { -readonly [Key in keyof KernelHealth]: KernelHealth[Key] } = {
    lastDumpAt: null,
    lastDumpMs: 0,
    lastDumpWhy: "",
    lastError: null,
    dumps: 0,
    failedDumps: 0,
    overruns: 0,
    events: 0,
  };
  #stream: EventStream | null = null;
  #streaming: Promise<void> = Promise.resolve();
  /** Set while a dump is read. */
  #log: EventLog | null = null;
  #why = "start";
  /** The kernel may still be at work: dump once more after the next dump. */
  #unfinished = false;
  #failuresInARow = 0;

  private constructor(open: OpenPort, options: KernelMonitorOptions) {
    this.#open = open;
    this.#options = options;
    this.#update = new KernelUpdate(options.keepPrefix);
    this.#table = new LiveTable(new KernelState(options.tables, options.families));
  }

  /**
   * Starts to watch; resolves once the first dump stands.
   *
   * @throws {SystemError} if no socket can be opened.
   * @throws {NetlinkError} if the kernel refuses the first dump.
   */
  static open(libc: Libc, options: KernelMonitorOptions): Promise<KernelMonitor> {
    return KernelMonitor.openWith((socket) => NetlinkSocket.open(libc, socket), options);
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
    return { ...this.#health };
  }

  /**
   * Dumps anew soon.
   *
   * @param why what made it necessary, for {@linkcode KernelHealth.lastDumpWhy}.
   */
  resync(why: string): void {
    this.#why = why;
    // A storm of doubts must not make dumps of a large table follow one another without a pause.
    this.#alarm.within(Math.max(settleMs, Math.min(this.#health.lastDumpMs, 2_000)));
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
    if (events) {
      this.#stream = this.#openStream();
      this.#streaming = this.#listen();
    }
    for (let attempt = 1; !await this.#dump() && attempt < firstDumps; attempt++);
    this.#scheduleNext();
  }

  #openStream(): EventStream {
    return new EventStream(this.#open, this.#options.families, {
      datagram: (buffer, length) => this.#takeEvents(buffer, length),
      lost: (why) => this.#loseEvents(why),
      batch: (receivedAt) => this.#tellChanges(receivedAt),
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
        this.#tellError(error);
        this.#stream?.close();
        this.#stream = null;
        await sleep(retryMs(failures), undefined, { signal: this.#abort.signal }).catch(() => {});
      }
    }
  }

  // Events

  #takeEvents(buffer: MessageBuffer, length: number): void {
    this.#log?.add(buffer.bytes, length);
    try {
      this.#walk.enter(buffer, length);
      while (this.#walk.next()) {
        this.#health.events++;
        this.#update.applyEvent(this.#table.state, this.#walk, this.#changes);
      }
    } catch (error) {
      this.#tellError(error);
      this.#changes.doubt("an event could not be read", false);
    }
  }

  #loseEvents(why: string): void {
    this.#health.overruns++;
    this.#log?.lose();
    this.#changes.doubt(why, false);
  }

  #tellChanges(receivedAt: number): void {
    const doubt = this.#changes.takeDoubt();
    if (doubt !== null) {
      this.#unfinished ||= doubt.unfinished;
      this.resync(doubt.why);
    }
    const change = this.#changes.takeChange(receivedAt);
    // Before the first dump there is no table yet that could change.
    if (change !== null && this.#health.dumps > 0 && !this.#abort.signal.aborted) this.onChange?.(change);
    if (doubt === null && this.#isOvergrown()) this.resync("many routes have changed");
  }

  #isOvergrown(): boolean {
    const { segments, size } = this.#table.state;
    const changed = segments.reduce((sum, segment) => sum + segment.changedSinceDump, 0);
    return changed > Math.max(compactLeast, size * compactShare);
  }

  // Dumps

  async #redump(): Promise<void> {
    try {
      await this.#dump();
      this.#failuresInARow = 0;
    } catch (error) {
      if (error instanceof DumpAbandoned) return;
      this.#failuresInARow++;
      this.#health.failedDumps++;
      this.#tellError(error);
    }
    this.#scheduleNext();
  }

  #scheduleNext(): void {
    if (this.#failuresInARow > 0) {
      this.#alarm.within(retryMs(this.#failuresInARow));
    } else if (this.#unfinished) {
      this.#unfinished = false;
      this.#alarm.within(unfinishedMs);
    }
    const { redumpMs } = this.#options;
    if (redumpMs > 0) this.#alarm.within(redumpMs);
  }

  /** Reads the kernel and puts what it says in the old table's place; false if events were lost meanwhile. */
  async #dump(): Promise<boolean> {
    // What came before the dump is in the live table already and need not be applied to the new state.
    this.#stream?.drain();
    const startedAt = performance.now();
    const log = this.#log = new EventLog();
    const port = this.#open({});
    try {
      const state = await readKernel(new DumpReader(port, this.#abort.signal), this.#update, this.#options);
      this.#stream?.drain();
      this.#replace(state, log, startedAt);
    } finally {
      this.#log = null;
      port.close();
    }
    return log.complete;
  }

  #replace(state: KernelState, log: EventLog, startedAt: number): void {
    const replayed = new ChangeCollector();
    log.replay((walk) => this.#update.applyEvent(state, walk, replayed));
    const doubt = replayed.takeDoubt();
    if (doubt !== null) this.#changes.doubt(doubt.why, doubt.unfinished);
    if (!log.complete) this.#changes.doubt("events were lost during a dump", false);
    collectDifferences(this.#table.state, state, this.#changes);
    this.#table.state = state;
    const now = performance.now();
    const first = this.#health.dumps === 0;
    Object.assign(this.#health, {
      lastDumpAt: now,
      lastDumpMs: now - startedAt,
      lastDumpWhy: this.#why,
      lastError: null,
      dumps: this.#health.dumps + 1,
    });
    this.#why = "the time for it has come";
    if (first) this.#changes.takeChange(now);
    this.#tellChanges(now);
  }

  #tellError(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#health.lastError = error;
    this.#options.onError?.(error);
  }
}

function retryMs(failures: number): number {
  return Math.min(firstRetryMs * 2 ** (failures - 1), lastRetryMs);
}
