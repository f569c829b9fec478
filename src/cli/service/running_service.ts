/** What a running service leaves for other commands: its socket, its settings, and the facts that a status tells. */

import { getLogger } from "@logtape/logtape";
import { systemClock } from "../../async/system_clock.ts";
import { CloudCalls } from "../../observe/cloud_calls.ts";
import { healthOf, type Observed } from "../../observe/health.ts";
import { serviceStatus } from "../../observe/service_status.ts";
import { commit, version } from "../build_information.ts";
import type { CommandContext } from "../context.ts";
import { askService } from "./service_client.ts";
import { serviceFilesOf } from "./service_files.ts";
import { leaveSettings } from "./service_settings.ts";
import { openServiceSocket } from "./service_socket.ts";

const log = getLogger(["cloudroutesync", "service"]);
/** How often it is looked whether the socket is still there, in milliseconds. Each look wakes an idle program, which costs more than it. */
const lookEveryMs = 10_000;

/** Where the facts come from once the run has begun. */
export interface ServiceSources {
  readonly observed: () => Observed;
  readonly instance: () => string | null;
  readonly calls: CloudCalls;
  readonly dropped: () => Readonly<Record<string, number>> | null;
  /** @returns how many held withdrawals go now. */
  readonly release: () => number;
}

/** See the head of this file. */
export class RunningService implements AsyncDisposable {
  /** Called with how the run stands when there are news. */
  onNews: ((observed: Observed) => void) | null = null;
  readonly #context: CommandContext;
  readonly #startedAt = Date.now();
  #sources: ServiceSources | null = null;
  #state = "";
  #since = Date.now();
  #socket: AsyncDisposable | null = null;
  #isOpening = false;
  /** Whether another service of this owner had the socket when this one began. */
  #isTaken = false;
  #looking: ReturnType<typeof setInterval> | undefined;

  private constructor(context: CommandContext) {
    this.#context = context;
  }

  /** Opens the socket and leaves the settings, unless another service of this owner answers there. */
  static async begin(context: CommandContext): Promise<RunningService> {
    const service = new RunningService(context);
    const files = serviceFilesOf(context);
    // A second instance is refused later, by the lock of its table; until then it must not take the first one's place. Where the
    // first one was just being stopped there is no second: the place is free as soon as that one has taken its socket away.
    service.#isTaken = await isAnswered(files.socket);
    if (!service.#isTaken) await service.#open();
    service.#looking = setInterval(() => void service.#openIfGone(), lookEveryMs);
    return service;
  }

  async #open(): Promise<void> {
    const { socket, ownFolder } = serviceFilesOf(this.#context);
    this.#socket = await openServiceSocket(socket, ownFolder, {
      status: () => this.status(),
      log: this.#context.logLines,
      release: () => ({ released: this.#sources?.release() ?? 0 }),
    });
    await this.leaveSettings();
  }

  /**
   * Opens the socket where its file is gone: somebody who cleans the state folder up took it away, so that `status` would say that
   * nothing runs, or the service that had it has ended.
   */
  async #openIfGone(): Promise<void> {
    const { socket: path } = serviceFilesOf(this.#context);
    if (this.#isOpening || (this.#socket === null && !this.#isTaken) || await isThere(path)) return;
    this.#isOpening = true;
    try {
      if (!this.#isTaken) {
        log.warn("The socket {path} was deleted while in use; it is made again", {
          event: "socket-gone",
          path,
        });
      }
      this.#isTaken = false;
      await this.#close();
      await this.#open();
    } finally {
      this.#isOpening = false;
    }
  }

  /** Whoever asks just now may take his time; the end does not wait for him. */
  async #close(): Promise<void> {
    await Promise.race([this.#socket?.[Symbol.asyncDispose](), systemClock.sleep(1_000, never)]);
  }

  /** Leaves the current settings for other commands. */
  async leaveSettings(): Promise<void> {
    if (this.#socket === null) return;
    const { values } = this.#context;
    await leaveSettings(serviceFilesOf(this.#context).settings, { pid: Deno.pid, values });
  }

  /** Tells where the facts come from. */
  observe(sources: ServiceSources): void {
    this.#sources = sources;
  }

  /** Whatever a verdict is made of may have changed just now. */
  readonly news = (): void => {
    if (this.#sources === null) return;
    this.onNews?.(this.looked(this.#sources.observed()));
  };

  /** Remembers since when the verdict is what it is. */
  looked(observed: Observed): Observed {
    const { state } = healthOf(observed);
    if (state !== this.#state) this.#since = Date.now();
    this.#state = state;
    return observed;
  }

  /** The current document. @param counts whether dropped routes are counted, which takes a look at each route. */
  status(counts = true): unknown {
    const { settings, values } = this.#context;
    const observed = this.looked(this.#sources?.observed() ?? nothingYet(settings.cloud ?? ""));
    return serviceStatus(observed, {
      pid: Deno.pid,
      startedAt: this.#startedAt,
      owner: settings.owner,
      instance: this.#sources?.instance() ?? null,
      settings: values,
      since: this.#since,
      dropped: counts ? this.#sources?.dropped() ?? null : null,
      calls: this.#sources?.calls ?? new CloudCalls(),
      now: Date.now(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    if (this.#socket === null) return;
    await this.#close();
    await Deno.remove(serviceFilesOf(this.#context).settings).catch(() => {});
  }
}

const never = new AbortController().signal;

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether anybody answers on the socket; an answer that makes no sense is one too, and ends no run. */
async function isAnswered(socket: string): Promise<boolean> {
  try {
    return (await askService(socket, "GET /status")).running;
  } catch {
    return true;
  }
}

function nothingYet(cloud: string): Observed {
  return {
    version,
    commit,
    cloud,
    wanted: 0,
    kernelRoutes: 0,
    kernelOverruns: 0,
    kernelDumps: {},
    kernelError: null,
    unexpectedErrors: 0,
    forwarding: [],
    peers: [],
    limiters: [],
    tables: [],
  };
}
