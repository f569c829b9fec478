/** What records all that a run does: the figures of the status always, the metrics only where somebody may ask for them. */

import { readKernelFile } from "../../ffi/kernel_file.ts";
import { CloudCalls } from "../observe/cloud_calls.ts";
import type { Observed } from "../observe/health.ts";
import type { MetricsRegistry } from "../observe/metrics_registry.ts";
import { processFigures, watchEventLoop } from "../observe/process_figures.ts";
import { type LiveSources, LiveStatus } from "../observe/live_status.ts";
import { serveStatus } from "../observe/status_server.ts";
import { systemClock } from "../async/system_clock.ts";
import type { SessionObserver } from "./cloud_session.ts";
import type { CommandContext } from "./context.ts";
import { ListenError } from "./listen_address.ts";
import { ListenToken } from "./listen_token.ts";
import { logTables } from "./start_lines.ts";
import { StatusListener } from "./status_listener.ts";
import { UsageError } from "./usage_error.ts";

/** See the head of this file. */
export class RunObserver implements SessionObserver, Disposable {
  readonly cloudCalls: CloudCalls;
  readonly onApiCall: SessionObserver["onApiCall"];
  readonly onChange: NonNullable<SessionObserver["onChange"]>;
  readonly onTables: NonNullable<SessionObserver["onTables"]>;
  readonly onNews: () => void;
  readonly #context: CommandContext;
  readonly #metrics: MetricsRegistry | null;
  readonly #token: ListenToken;
  #live: LiveStatus | null = null;
  readonly #eventLoop: Disposable | null;
  readonly #startedAt = Date.now();

  private constructor(
    context: CommandContext,
    metrics: MetricsRegistry | null,
    token: ListenToken,
    onNews: () => void,
  ) {
    this.#context = context;
    this.onNews = onNews;
    this.#metrics = metrics;
    this.#token = token;
    this.cloudCalls = new CloudCalls((call) => metrics?.cloudCall(call));
    this.onChange = (table, change) => {
      if (change.milliseconds !== null) metrics?.kernelToCloud(table, change.milliseconds);
      this.#live?.changed(table, change);
    };
    this.onTables = (cloud, tables, identity) => logTables(context.settings, cloud, tables, identity);
    this.onApiCall = (call) => metrics?.apiRequest(call);
    this.#eventLoop = metrics === null ? null : watchEventLoop((seconds) => metrics.eventLoopDelay(seconds));
  }

  /**
   * The metrics' library is loaded only with `-listen`.
   *
   * @param onNews is called when a status may have changed.
   * @throws {UsageError} if there is no token where one is named.
   */
  static async open(context: CommandContext, onNews: () => void): Promise<RunObserver> {
    const { listen, listenTokenFile } = context.settings;
    const token = await ListenToken.read(listenTokenFile);
    if (listen === null) return new RunObserver(context, null, token, onNews);
    const { MetricsRegistry } = await import("../observe/metrics_registry.ts");
    return new RunObserver(context, new MetricsRegistry(), token, onNews);
  }

  /** The kernel's routes changed. */
  kernelChanged(): void {
    this.#live?.news();
  }

  /** Reads the file of the token again. */
  async rereadToken(): Promise<void> {
    await this.#token.reread();
  }

  /** Serves the status. @throws {UsageError} if nobody can ever listen there. */
  listen(observe: () => Observed, sources: LiveSources): StatusListener | null {
    const { settings: { listen, listenHosts }, unexpected } = this.#context;
    if (listen === null) return null;
    const live = new LiveStatus(sources, (error) => unexpected.report("while the page was sent news", error));
    this.#live = live;
    const pages = {
      observe,
      live,
      access: { hosts: listenHosts, token: (): string | null => this.#token.text },
      metrics: (observed: Observed) => this.#page(observed),
      onError: (error: unknown): void => unexpected.report("while a status request was answered", error),
    };
    try {
      return new StatusListener(listen, (at) => serveStatus(listen, pages, at), systemClock);
    } catch (error) {
      if (error instanceof ListenError) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#eventLoop?.[Symbol.dispose]();
  }

  async #page(observed: Observed): Promise<{ readonly text: string; readonly type: string }> {
    if (this.#metrics === null) throw new Error("Cannot show metrics that are not recorded");
    const file = (name: string): string | null => readKernelFile(this.#context.libc, `/proc/self/${name}`);
    return await this.#metrics.page({
      observed,
      process: processFigures(file("stat"), file("status")),
      startedAt: this.#startedAt,
    });
  }
}
