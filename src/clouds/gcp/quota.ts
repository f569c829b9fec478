/**
 * How many routes may stand.
 *
 * Google limits the static routes of a network (`STATIC_ROUTES_PER_NETWORK`, 200 unless more were asked for) and those of a network and
 * its peers together (`STATIC_ROUTES_PER_PEERING_GROUP`); the quota `ROUTES` of the project, which `projects.get` still tells, is not
 * enforced any more (https://cloud.google.com/vpc/docs/quota). The Compute API names these limits only in the error of who runs into
 * one, so that is kept for a while.
 */

import type { CloudQuota } from "../cloud.ts";
import type { CloudError } from "../cloud_error.ts";
import { LearnedLimits } from "../kit/learned_limit.ts";

/** Static routes of a network by default. */
export const defaultRoutesPerNetwork = 200;

/** How long a limit counts, in milliseconds: one that was raised is found out by another call. */
const keepMs = 60_000;

/** What is counted. */
export interface RouteCounts {
  /** Static routes of the network. */
  readonly own: number;
  /** Static routes of the networks that it is peered with, as far as they export them. */
  readonly peers: number;
}

/** The quotas of one network. */
export class RouteQuota {
  readonly #learned: LearnedLimits;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#learned = new LearnedLimits({ ttlMs: keepMs, now });
  }

  /** Remembers the limit that a failed write has run into. */
  learn(error: CloudError | null): void {
    if (error?.kind !== "quota") return;
    this.#learned.learn(/PEERING_GROUP/.test(error.message) ? "group" : "network", error.limit);
  }

  /** The limits that hold for a network; that of its peering group once a refusal has named it. */
  read({ own, peers }: RouteCounts): readonly CloudQuota[] {
    // Each next hop of a prefix is a route of its own there.
    const counting = { families: [4, 6], perNextHop: true, immutable: true } as const;
    const group = this.#learned.of("group");
    return [
      { ...counting, used: own, limit: this.#learned.of("network") },
      ...(group === null ? [] : [{ ...counting, used: own + peers, limit: group }]),
    ];
  }
}
