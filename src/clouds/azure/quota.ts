/** How many routes a table takes: the subscription's own limit where it may be read, else Azure's published one. */

import { getLogger } from "@logtape/logtape";
import { AskedValue } from "../kit/asked_value.ts";
import { LearnedLimits } from "../kit/learned_limit.ts";
import type { ArmClient } from "./api.ts";
import { listResources } from "./resources.ts";
import { usageSchema } from "./schemas.ts";

const log = getLogger(["cloudroutesync", "azure"]);

/** Routes of a table by default (learn.microsoft.com, "Azure subscription limits": 400 until May 2026). */
export const publishedLimit = 1_000;
/** How long an answer counts before the limit is asked for again, in milliseconds. */
const askAgainMs = 3_600_000;
const timeoutMs = 10_000;
/** How long a limit counts that a refusal named, in milliseconds: it may have been raised since. */
const learnedForMs = 600_000;
/** All tables of a run are in one subscription and region. */
const theTables = "tables";

/** Knows the limit of routes of a table. */
export class RouteLimit {
  readonly #now: () => number;
  readonly #learned: LearnedLimits;
  /** The subscription's usages, of the region asked for last. */
  #quota: { readonly location: string; readonly limit: AskedValue<number> } | null = null;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
    this.#learned = new LearnedLimits({ ttlMs: learnedForMs, now });
  }

  /**
   * The limit, asked for once an hour. A failure is no reason not to go on: the last known limit is as good.
   *
   * @param location region of the table.
   */
  async read(arm: ArmClient, location: string, signal: AbortSignal): Promise<number> {
    if (this.#quota?.location !== location) this.#quota = { location, limit: this.#ask(arm, location) };
    const limit = await this.#quota.limit.read(signal) ?? publishedLimit;
    return this.#learned.of(theTables) ?? limit;
  }

  /** Takes note of the limit that a refusal named. */
  learn(limit: number | undefined): void {
    this.#learned.learn(theTables, limit);
  }

  #ask(arm: ArmClient, location: string): AskedValue<number> {
    const path =
      `/subscriptions/${arm.subscription}/providers/Microsoft.Network/locations/${location}/usages`;
    const action = "read the network quota";
    return new AskedValue({
      ask: async (signal) => {
        const usages = await listResources(arm, { action, path }, usageSchema, signal);
        return usages.find((usage) => usage.name.value === "RoutesPerRouteTable")?.limit ?? null;
      },
      timeoutMs,
      ttlMs: askAgainMs,
      now: this.#now,
      onFailure: (error) => log.debug("{error}", { event: "quota-unknown", error }),
    });
  }
}
