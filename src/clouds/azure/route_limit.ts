/** How many routes a table takes: the subscription's own limit where it may be read, else Azure's published one. */

import { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./arm_client.ts";
import { listResources } from "./arm_resources.ts";
import { usageSchema } from "./arm_schema.ts";

/** Routes of a table by default (learn.microsoft.com, "Azure subscription limits": 400 until May 2026). */
export const publishedLimit = 1_000;
/** How long a limit is believed before it is asked for again, in milliseconds. */
const believedMs = 3_600_000;

/** Knows the limit of routes of a table. */
export class RouteLimit {
  readonly #now: () => number;
  #value = publishedLimit;
  #askedAt = -Infinity;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The limit, asked for once an hour. A failure is no reason not to go on: the last known limit is as good.
   *
   * @param location region of the table.
   */
  async read(arm: ArmClient, location: string, signal: AbortSignal): Promise<number> {
    if (this.#now() - this.#askedAt < believedMs) return this.#value;
    this.#askedAt = this.#now();
    const path =
      `/subscriptions/${arm.subscription}/providers/Microsoft.Network/locations/${location}/usages`;
    try {
      const usages = await listResources(
        arm,
        { action: "read the network quota", path },
        usageSchema,
        signal,
      );
      this.#value = usages.find((usage) => usage.name.value === "RoutesPerRouteTable")?.limit ?? this.#value;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
    }
    return this.#value;
  }

  /** Takes note of the limit that a refusal named. */
  learn(limit: number | undefined): void {
    if (limit !== undefined && limit > 0) this.#value = limit;
  }
}
