/**
 * Writing a router's extra routes.
 *
 * With the extension `extraroute-atomic` (Neutron 15, Train) all pairs to add go out in one call and all pairs to remove in a
 * second. Neutron treats both as sets, so that a prefix that changes its next hop has both for a moment, and never none. Where that
 * is not possible, all pairs of the router are written in one call on the condition that nobody else has written since
 * (`If-Match: revision_number=N`): without the extension, and when a full router has no room for old and new side by side.
 */

import type { Change, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type PairChanges, pairsOfChanges, removesPairs, without } from "./extra_routes.ts";
import type { ExtraRoute, Neutron, Router } from "./neutron.ts";

/** What became of the changes, and the router as Neutron's last answer shows it. */
export interface Written {
  /** One entry a change: null where it is done. */
  readonly outcomes: readonly (CloudError | null)[];
  /** Null where no answer shows the router as it is now. */
  readonly router: Router | null;
}

/** Writes the changes of one router, as last read. */
export class RouteWriter {
  readonly #neutron: Neutron;
  readonly #state: TableState;
  readonly #atomic: boolean;
  readonly #signal: AbortSignal;

  /** @param atomic whether Neutron has `extraroute-atomic`. */
  constructor(neutron: Neutron, state: TableState, atomic: boolean, signal: AbortSignal) {
    this.#neutron = neutron;
    this.#state = state;
    this.#atomic = atomic;
    this.#signal = signal;
  }

  /**
   * Writes changes.
   *
   * @throws {CloudError} if nothing was done.
   */
  async write(changes: readonly Change[]): Promise<Written> {
    const pairs = pairsOfChanges(changes);
    if (!this.#atomic) return await this.#writeWhole(changes, pairs);
    let router: Router | null = null;
    try {
      if (pairs.add.length > 0) router = await this.#add(pairs.add);
    } catch (error) {
      if (isOfKind(error, "quota") && pairs.remove.length > 0) {
        return await this.#exchange(changes, pairs, error);
      }
      if (isOfKind(error, "invalid") && changes.length > 1) return await this.#writeHalves(changes);
      throw error;
    }
    if (pairs.remove.length === 0) return { outcomes: changes.map(() => null), router };
    return await this.#remove(changes, pairs, router !== null);
  }

  #add(pairs: readonly ExtraRoute[]): Promise<Router> {
    return this.#neutron.addRoutes(this.#state.table.id, pairs, this.#signal);
  }

  /** Takes away what the changes take away; should that fail, those that only add are done all the same. */
  async #remove(changes: readonly Change[], pairs: PairChanges, added: boolean): Promise<Written> {
    try {
      const router = await this.#neutron.removeRoutes(this.#state.table.id, pairs.remove, this.#signal);
      return { outcomes: changes.map(() => null), router };
    } catch (error) {
      if (!added || !(error instanceof CloudError)) throw error;
      return { outcomes: changes.map((change) => removesPairs(change) ? error : null), router: null };
    }
  }

  /** Neutron refuses a list for one bad pair and does not say which: halving finds it, and the others get through. */
  async #writeHalves(changes: readonly Change[]): Promise<Written> {
    // If not even an empty list is taken, a route that stands in the router already is what Neutron objects to.
    await this.#add([]);
    const middle = Math.ceil(changes.length / 2);
    const first = await this.#writePart(changes.slice(0, middle));
    const second = await this.#writePart(changes.slice(middle));
    return {
      outcomes: [...first.outcomes, ...second.outcomes],
      router: second.router ?? null,
    };
  }

  async #writePart(changes: readonly Change[]): Promise<Written> {
    try {
      return await this.write(changes);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      return { outcomes: changes.map(() => error), router: null };
    }
  }

  /**
   * Puts new in the place of old where there is no room for both. Neutron checks a whole list more strictly than an addition:
   * a foreign pair such as `10.0.0.5/24`, once added, cannot be written again; then the router stays full.
   */
  async #exchange(changes: readonly Change[], pairs: PairChanges, noRoom: unknown): Promise<Written> {
    try {
      return await this.#writeWhole(changes, pairs);
    } catch (error) {
      throw isOfKind(error, "invalid") ? noRoom : error;
    }
  }

  /** Writes the router's pairs whole; those of others are carried over just as they are written. */
  async #writeWhole(changes: readonly Change[], pairs: PairChanges): Promise<Written> {
    const { table, version } = this.#state;
    const { revision_number: revision, routes } = await this.#neutron.router(table.id, this.#signal);
    if (revision === undefined) {
      throw new CloudError(
        "invalid",
        `Cannot write the routes of router ${table.name}: Neutron has neither atomic changes (extraroute-atomic) nor ` +
          "revisions (standard-attr-revisions), so the routes of others would not be safe",
      );
    }
    if (version !== String(revision)) {
      throw new CloudError(
        "conflict",
        `Cannot write the routes of router ${table.name}: it is at revision ${revision}, not ${version} as last read`,
      );
    }
    const wanted = [...without(without(routes, pairs.remove), pairs.add), ...pairs.add];
    const router = await this.#neutron.setRoutes(table.id, wanted, revision, this.#signal);
    return { outcomes: changes.map(() => null), router };
  }
}

function isOfKind(error: unknown, kind: CloudError["kind"]): boolean {
  return error instanceof CloudError && error.kind === kind;
}
