/**
 * Watches whether kernel and cloud let this VM forward what is not its own: routes that point at a VM which drops their packets are no
 * use. What may not be looked at is unknown, never bad.
 */

import { getLogger } from "@logtape/logtape";
import { jitteredMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import type { CloudConnection, Finding } from "../clouds/cloud.ts";
import { CloudError, errorFacts } from "../clouds/cloud_error.ts";
import { eachMinuteMs } from "../clouds/error_meaning.ts";
import type { Prefix } from "../routes/prefix.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import { ToldErrors } from "./told_errors.ts";
import { durationText } from "./wording.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** How often the kernel is looked at, in milliseconds: as often as its routes are read by default. Each look wakes an idle program. */
const kernelEveryMs = 10_000;
/** How long the cloud is left alone at most while the account is short of calls, in milliseconds. */
const longestShortMs = 600_000;

/** What a watch works with. */
export interface ForwardingWatchOptions {
  readonly connection: () => Pick<CloudConnection, "forwarding">;
  /** What the kernel says. */
  readonly kernel: () => readonly Finding[];
  /** What should be in the cloud, by canonical prefix; live. */
  readonly wanted: ReadonlyMap<string, WantedRoute>;
  /** How often the cloud is asked while all is well, in milliseconds. */
  readonly cloudEveryMs: number;
  /** Whether the account is short of calls. */
  readonly isShort: () => boolean;
  readonly clock: Clock;
  /** Called when something else was seen than before. */
  readonly onNews?: (() => void) | undefined;
  /** Takes note of a defect. */
  readonly unexpected: (where: string, error: unknown) => void;
}

/** See the head of this file. */
export class ForwardingWatch {
  readonly #options: ForwardingWatchOptions;
  #kernel: readonly Finding[] = [];
  #cloud: readonly Finding[] = [];
  #cloudDueAt: number;
  /** By the name of what is bad: since when, in milliseconds of the clock. */
  readonly #badSince = new Map<string, number>();
  readonly #told = new ToldErrors();
  /** What was seen at the last look, as JSON. */
  #seen = "";

  constructor(options: ForwardingWatchOptions) {
    this.#options = options;
    this.#cloudDueAt = options.clock.now();
  }

  /** What was seen last; empty before the first look. */
  get findings(): readonly Finding[] {
    const findings = [...this.#kernel, ...this.#cloud];
    return this.#isRouter() ? findings : findings.map(withoutHarm);
  }

  /** Looks again and again until it is stopped. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, kernel, unexpected } = this.#options;
    while (!stop.aborted) {
      try {
        this.#kernel = kernel();
        if (this.#isCloudDue()) await this.#lookAtCloud(stop);
        this.#logChanges();
        this.#tellNews();
      } catch (error) {
        if (!stop.aborted) unexpected("while it was looked whether this VM forwards", error);
      }
      await clock.sleep(kernelEveryMs, stop);
    }
  }

  /** Routers that wait for calls to be in step go first: forwarding is a switch that hardly anybody turns. */
  #isCloudDue(): boolean {
    const { clock, isShort } = this.#options;
    const lateMs = clock.now() - this.#cloudDueAt;
    return lateMs >= longestShortMs || (lateMs >= 0 && !isShort());
  }

  async #lookAtCloud(stop: AbortSignal): Promise<void> {
    const { clock, connection, cloudEveryMs } = this.#options;
    try {
      this.#cloud = await connection().forwarding(() => this.#ownPrefixes(), stop);
      this.#told.forget();
    } catch (error) {
      if (stop.aborted) return;
      if (!(error instanceof CloudError)) throw error;
      this.#lookFailed(error);
    }
    const isBad = this.#cloud.some(({ status }) => status === "bad");
    // Somebody may be putting it right just now.
    this.#cloudDueAt = clock.now() + jitteredMs(isBad ? eachMinuteMs : cloudEveryMs, clock.random());
  }

  /** What was seen before stays: an answer that failed says nothing. */
  #lookFailed(error: CloudError): void {
    if (this.#cloud.length === 0 || error.kind === "denied") {
      const { message, action } = error;
      const remedy = action === undefined ? {} : { remedy: `allow ${action}, or check it yourself` };
      this.#cloud = [{ name: "forwarding in the cloud", status: "unknown", detail: message, ...remedy }];
    }
    if (!this.#told.isNews(error)) return;
    log.warn("Cannot find out whether the cloud lets this VM forward: {message}", {
      event: "forwarding-unknown",
      ...errorFacts(error),
    });
  }

  /** Whoever hears of it looks at all there is to tell, which would cost an idle router more than this look. */
  #tellNews(): void {
    const seen = JSON.stringify(this.findings);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#options.onNews?.();
  }

  /** Logs what came to be bad, and what is right again. */
  #logChanges(): void {
    const now = this.#options.clock.now();
    for (const { name, status, detail, remedy } of this.findings) {
      const since = this.#badSince.get(name);
      if (status === "bad" && since === undefined) {
        this.#badSince.set(name, now);
        log.warn("degraded: {name}: {detail}; {remedy}", { event: "forwarding", name, detail, remedy });
      }
      if (status !== "ok" || since === undefined) continue;
      this.#badSince.delete(name);
      log.info("{name} is right again, after {duration}: {detail}", {
        event: "forwarding-over",
        name,
        duration: durationText(now - since),
        detail,
      });
    }
  }

  /** Whether packets come to this VM to be forwarded, as far as the kernel's routes say: not where all go by other machines. */
  #isRouter(): boolean {
    const { wanted } = this.#options;
    return wanted.size === 0 || wanted.values().some(isOwn);
  }

  #ownPrefixes(): readonly Prefix[] {
    return [...this.#options.wanted.values().filter(isOwn)].map(({ prefix }) => prefix);
  }
}

function isOwn({ nextHops }: WantedRoute): boolean {
  return nextHops.some(({ neighbour }) => neighbour === null);
}

function withoutHarm(finding: Finding): Finding {
  if (finding.status !== "bad") return finding;
  const { name, detail } = finding;
  return { name, status: "ok", detail: `${detail}; no wanted route has this VM as its next hop` };
}
