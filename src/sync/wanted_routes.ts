/**
 * What the cloud should have: a map that goes on changing while a large table is compared with it in slices. A plan must be of one
 * moment: else a route could be withdrawn as it is now while the one that is to cover it was looked at before it came.
 */

import type { WantedRoute } from "../routes/route_judge.ts";

/** What was wanted at a moment. */
export interface WantedMoment {
  /** What was wanted then for a canonical prefix. */
  get(prefix: string): WantedRoute | undefined;
  /** Whether a canonical prefix has come to be wanted since, or came to be wanted otherwise. */
  isWantedSince(prefix: string): boolean;
  /** Says that the moment is not asked for any more. */
  end(): void;
}

/** Wanted routes by canonical prefix; see the head of this file. */
export class WantedRoutes extends Map<string, WantedRoute> {
  /** For each moment that is kept what has changed since: what was wanted at it. */
  readonly #moments = new Set<Map<string, WantedRoute | undefined>>();

  constructor(routes: Iterable<readonly [prefix: string, route: WantedRoute]> = []) {
    super();
    for (const [prefix, route] of routes) this.set(prefix, route);
  }

  /** Keeps the present moment, which costs what changes from now on, until it is ended. */
  moment(): WantedMoment {
    const before = new Map<string, WantedRoute | undefined>();
    this.#moments.add(before);
    return {
      get: (prefix) => before.has(prefix) ? before.get(prefix) : this.get(prefix),
      isWantedSince: (prefix) => before.has(prefix) && this.has(prefix),
      end: () => void this.#moments.delete(before),
    };
  }

  override set(prefix: string, route: WantedRoute): this {
    this.#keep(prefix);
    return super.set(prefix, route);
  }

  override delete(prefix: string): boolean {
    this.#keep(prefix);
    return super.delete(prefix);
  }

  override clear(): void {
    if (this.#moments.size > 0) { for (const prefix of this.keys()) this.#keep(prefix); }
    super.clear();
  }

  #keep(prefix: string): void {
    if (this.#moments.size === 0) return;
    for (const before of this.#moments) if (!before.has(prefix)) before.set(prefix, this.get(prefix));
  }
}
