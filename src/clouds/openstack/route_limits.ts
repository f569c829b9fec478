/** How many extra routes the routers of a project take. */

import { CloudError } from "../cloud_error.ts";
import type { Neutron, Router } from "./neutron.ts";

/** Quotas change by an operator's hand; asking once in this time is enough. */
const keepMs = 60_000;

/** The limits, asked of Neutron and kept for a while, and those that errors told. */
export class RouteLimits {
  /** By project. */
  readonly #known = new Map<string, { readonly limit: number | null; readonly at: number }>();
  /** By router. */
  readonly #told = new Map<string, { readonly limit: number; readonly at: number }>();

  /** The limit, asked for if it is not known or not fresh; null if Neutron does not tell. */
  async of(router: Router, neutron: Neutron, signal: AbortSignal): Promise<number | null> {
    const known = this.#known.get(router.project_id);
    if (known !== undefined && Date.now() - known.at < keepMs) return this.known(router);
    return await this.refresh(router, neutron, signal) ?? this.#toldBy(router.id);
  }

  /** The limit as last heard, without a call. */
  known(router: Router): number | null {
    return this.#known.get(router.project_id)?.limit ?? this.#toldBy(router.id);
  }

  /** Keeps a limit that an error told: Neutron before 29 tells it in no other way. */
  tell(routerId: string, limit: number): void {
    this.#told.set(routerId, { limit, at: Date.now() });
  }

  /** Asks now. Whoever may not read quotas is told by an error when the limit is reached; until then it is unknown. */
  async refresh(router: Router, neutron: Neutron, signal: AbortSignal): Promise<number | null> {
    const limit = await askLimit(router.project_id, neutron, signal);
    this.#known.set(router.project_id, { limit, at: Date.now() });
    return limit;
  }

  /** A told limit is forgotten in time, so that one that was raised is found out by trying. */
  #toldBy(routerId: string): number | null {
    const told = this.#told.get(routerId);
    return told !== undefined && Date.now() - told.at < keepMs ? told.limit : null;
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
