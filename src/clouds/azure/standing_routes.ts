/**
 * The routes of a table as read, found by prefix and by name: a failover changes hundreds of routes at once, and to look through the table
 * for each of them took longer than the call.
 */

import type { Change } from "../cloud.ts";
import { decodeRoute } from "./routes.ts";
import type { ArmRoute } from "./schemas.ts";

/** See the head of this file. Each route is decoded once. */
export class StandingRoutes {
  readonly #byPrefix = new Map<string, ArmRoute[]>();
  /** Names in lower case: Azure does not tell them apart otherwise. */
  readonly #byName = new Map<string, ArmRoute>();

  constructor(routes: readonly ArmRoute[]) {
    for (const route of routes) {
      this.#byName.set(route.name.toLowerCase(), route);
      const prefix = decodeRoute(route)?.prefix.text;
      if (prefix === undefined) continue;
      const others = this.#byPrefix.get(prefix);
      if (others === undefined) this.#byPrefix.set(prefix, [route]);
      else others.push(route);
    }
  }

  /** The route of a canonical prefix; undefined: there is none. */
  at(prefix: string): ArmRoute | undefined {
    return this.#byPrefix.get(prefix)?.[0];
  }

  /** The routes that a change replaces or deletes, which may be gone by now. */
  leavingBy({ from, prefix }: Change): readonly ArmRoute[] {
    if (from === null) return [];
    if (from.id === undefined) return this.#byPrefix.get(prefix.text) ?? [];
    const route = this.#byName.get(from.id.toLowerCase());
    return route === undefined ? [] : [route];
  }
}
