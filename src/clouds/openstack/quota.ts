/** How many extra routes the routers of a project take. */

import { CloudError } from "../cloud_error.ts";
import { LearnedLimits } from "../kit/learned_limit.ts";
import type { Neutron } from "./api.ts";
import type { Router } from "./schemas.ts";

/** Quotas change by an operator's hand; asking once in this time is enough. */
const keepMs = 60_000;

/** The limits, asked of Neutron and kept for a while, and those that refusals named. */
export class RouteLimits {
  readonly #now: () => number;
  /** By project. */
  readonly #known = new Map<string, { readonly limit: number | null; readonly at: number }>();
  /** By router. */
  readonly #learned: LearnedLimits;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
    this.#learned = new LearnedLimits({ ttlMs: keepMs, now });
  }

  /** The limit, asked for if it is not known or not fresh; null if Neutron does not tell. */
  async of(router: Router, neutron: Neutron, signal: AbortSignal): Promise<number | null> {
    const known = this.#known.get(router.project_id);
    if (known !== undefined && this.#now() - known.at < keepMs) return this.known(router);
    return await this.refresh(router, neutron, signal) ?? this.#learned.of(router.id);
  }

  /** The limit as last heard, without a call. */
  known(router: Router): number | null {
    return this.#known.get(router.project_id)?.limit ?? this.#learned.of(router.id);
  }

  /** Keeps the limit that a refusal named: Neutron before 29 tells it in no other way. */
  learn(routerId: string, limit: number | undefined): void {
    this.#learned.learn(routerId, limit);
  }

  /** Asks now. Who may not read quotas learns the limit from the refusal of a write; until then it is unknown. */
  async refresh(router: Router, neutron: Neutron, signal: AbortSignal): Promise<number | null> {
    const limit = await askLimit(router.project_id, neutron, signal);
    this.#known.set(router.project_id, { limit, at: this.#now() });
    return limit;
  }
}

async function askLimit(projectId: string, neutron: Neutron, signal: AbortSignal): Promise<number | null> {
  try {
    const limit = await neutron.routeLimit(projectId, signal);
    return limit === Infinity ? null : limit;
  } catch (error) {
    if (error instanceof CloudError && (error.kind === "denied" || error.kind === "gone")) return null;
    throw error;
  }
}
