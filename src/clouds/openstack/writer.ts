/**
 * Writing a router's extra routes.
 *
 * With the extension `extraroute-atomic` (Neutron 15, Train) all pairs to add go out in one call and all pairs to remove in a
 * second. Neutron treats both as sets, so that a prefix that changes its next hop has both for a moment, and never none. Where that
 * is not possible, all pairs of the router are written in one call on the condition that nobody else has written since
 * (`If-Match: revision_number=N`): without the extension, and when a full router cannot hold old and new side by side.
 *
 * A pair to add that is there already Neutron takes without a word, and what somebody else has written since the router was read
 * would be taken for ours, and go when ours goes. So the router is looked at again right before an addition, which then depends
 * on that look: looking alone would miss who writes between the two calls, and the condition alone is not even checked where all
 * pairs are there already.
 */

import type { Change, ChangeOutcome, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { type PairChanges, pairsOfChanges, pairsSince, removesPairs, textOf, without } from "./routes.ts";
import type { Neutron } from "./api.ts";
import type { ExtraRoute, Router } from "./schemas.ts";

/** What became of the changes, and the router as Neutron's last answer shows it. */
export interface Written {
  readonly outcomes: readonly ChangeOutcome[];
  /** Null where no answer shows the router as it is now. */
  readonly router: Router | null;
}

/** A revision that no router has: each change of a router counts one, and it is a database's integer. */
const neverRevision = 2_000_000_000;

/** Writes the changes of one router, as last read. */
export class RouteWriter {
  readonly #neutron: Neutron;
  readonly #state: TableState;
  readonly #extensions: ReadonlySet<string>;
  readonly #signal: AbortSignal;
  /** The router as the last answer shows it; null if there is none, or if a call has failed since. */
  #latest: Router | null = null;

  /** @param extensions the aliases of those that Neutron has. */
  constructor(
    neutron: Neutron,
    state: TableState,
    extensions: ReadonlySet<string>,
    signal: AbortSignal,
  ) {
    this.#neutron = neutron;
    this.#state = state;
    this.#extensions = extensions;
    this.#signal = signal;
  }

  /**
   * Writes changes.
   *
   * @throws {CloudError} if nothing was done.
   */
  async write(changes: readonly Change[]): Promise<Written> {
    const pairs = pairsOfChanges(changes);
    if (!this.#extensions.has("extraroute-atomic")) return await this.#writeUnmoved(changes, pairs);
    if (pairs.add.length > 0) await this.#lookAgain(changes);
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
    if (pairs.remove.length === 0) return { outcomes: allOf(changes, null), router };
    return await this.#remove(changes, pairs, router !== null);
  }

  /**
   * Asks Neutron for just what {@linkcode write} needs, and changes nothing.
   *
   * @throws {CloudError} as writing would.
   */
  async probe(): Promise<void> {
    const { id } = this.#state.table;
    if (this.#extensions.has("extraroute-atomic")) {
      await this.#neutron.addRoutes(id, [], null, this.#signal);
      await this.#neutron.removeRoutes(id, [], this.#signal);
      return;
    }
    const router = await this.#neutron.router(id, this.#signal);
    // Neutron looks at permission and pairs before it looks at the condition, which no router fulfils.
    const never = {
      ...router,
      revision_number: router.revision_number === undefined ? undefined : neverRevision,
    };
    try {
      await this.#writeWhole([], { add: [], remove: [] }, never);
    } catch (error) {
      if (!isOfKind(error, "conflict")) throw error;
    }
  }

  /**
   * Makes sure that nobody else's pairs have come to prefixes to which changes add.
   *
   * @returns the router as it stands.
   * @throws {CloudError} `conflict` if some have: the changes were planned without them.
   */
  async #lookAgain(changes: readonly Change[]): Promise<Router> {
    const { table } = this.#state;
    const router = this.#latest ?? await this.#keep(this.#neutron.router(table.id, this.#signal));
    const [first] = pairsSince(this.#state, router.routes, changes);
    if (first === undefined) return router;
    throw new CloudError(
      "conflict",
      `Cannot write the routes of router ${table.name}: ${
        textOf(first)
      } has come to stand there since it was read`,
    );
  }

  #add(pairs: readonly ExtraRoute[]): Promise<Router> {
    const revision = this.#extensions.has("revision-if-match") ? this.#latest?.revision_number ?? null : null;
    return this.#keep(this.#neutron.addRoutes(this.#state.table.id, pairs, revision, this.#signal));
  }

  /** Remembers the router that a call answers; should it fail, nobody knows how the router stands. */
  async #keep(call: Promise<Router>): Promise<Router> {
    this.#latest = null;
    this.#latest = await call;
    return this.#latest;
  }

  /** Takes away what the changes take away; should that fail, those that only add are done all the same. */
  async #remove(changes: readonly Change[], pairs: PairChanges, added: boolean): Promise<Written> {
    try {
      const { table } = this.#state;
      const router = await this.#keep(this.#neutron.removeRoutes(table.id, pairs.remove, this.#signal));
      return { outcomes: allOf(changes, null), router };
    } catch (error) {
      if (!added || !(error instanceof CloudError)) throw error;
      const half = halfDone(error);
      return {
        outcomes: changes.map((change) => ({ change, error: removesPairs(change) ? half : null })),
        router: null,
      };
    }
  }

  /** Neutron refuses a list for one bad pair and does not say which: halving finds it, and the others get through. */
  async #writeHalves(changes: readonly Change[]): Promise<Written> {
    // If not even an empty list is taken, a route that stands in the router already is what Neutron objects to.
    await this.#add([]);
    const middle = Math.ceil(changes.length / 2);
    const [one, other] = [changes.slice(0, middle), changes.slice(middle)];
    const first = await this.#writePart(one);
    const second = await this.#writePart(other);
    return { outcomes: [...first.outcomes, ...second.outcomes], router: second.router };
  }

  async #writePart(changes: readonly Change[]): Promise<Written> {
    try {
      return await this.write(changes);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      return { outcomes: allOf(changes, error), router: null };
    }
  }

  /**
   * Puts new in the place of old where the quota has no place for both. Neutron checks a whole list more strictly than an addition:
   * a foreign pair such as `10.0.0.5/24`, once added, cannot be written again; then the router stays full.
   */
  async #exchange(changes: readonly Change[], pairs: PairChanges, noRoom: unknown): Promise<Written> {
    try {
      return await this.#writeWhole(changes, pairs, await this.#lookAgain(changes));
    } catch (error) {
      throw isOfKind(error, "invalid") ? noRoom : error;
    }
  }

  /** Writes the router's pairs whole if it is as it was read. */
  async #writeUnmoved(changes: readonly Change[], pairs: PairChanges): Promise<Written> {
    const { table, version } = this.#state;
    const router = await this.#neutron.router(table.id, this.#signal);
    const { revision_number: revision } = router;
    if (revision !== undefined && version !== String(revision)) {
      throw new CloudError(
        "conflict",
        `Cannot write the routes of router ${table.name}: it is at revision ${revision}, not ${version} as last read`,
      );
    }
    return await this.#writeWhole(changes, pairs, router);
  }

  /** Writes a router's pairs whole, as long as it stands as given; those of others are carried over just as they are written. */
  async #writeWhole(
    changes: readonly Change[],
    pairs: PairChanges,
    { revision_number: revision, routes }: Router,
  ): Promise<Written> {
    const { table } = this.#state;
    if (revision === undefined) {
      throw new CloudError(
        "invalid",
        `Cannot write the routes of router ${table.name}: Neutron has neither atomic changes (extraroute-atomic) nor ` +
          "revisions (standard-attr-revisions), so the routes of others would not be safe",
      );
    }
    const wanted = [...without(without(routes, pairs.remove), pairs.add), ...pairs.add];
    const router = await this.#keep(this.#neutron.setRoutes(table.id, wanted, revision, this.#signal));
    return { outcomes: allOf(changes, null), router };
  }
}

function allOf(changes: readonly Change[], error: CloudError | null): ChangeOutcome[] {
  return changes.map((change) => ({ change, error }));
}

function isOfKind(error: unknown, kind: CloudError["kind"]): boolean {
  return error instanceof CloudError && error.kind === kind;
}

/** A conflict says that nothing was done; where the new pairs stand already and only the old ones stayed, that would be wrong. */
function halfDone(error: CloudError): CloudError {
  if (error.kind !== "conflict") return error;
  return new CloudError("unavailable", error.message, { ...error, cause: error });
}
