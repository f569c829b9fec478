/** What is done where a table's ledger is lost, or was never there: a new one is begun from what the table shows. */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../async/clock.ts";
import type { CloudRoute, TableState } from "../clouds/cloud.ts";
import { clockText } from "./error_text.ts";
import type { LedgerUse } from "./ledger.ts";
import { pointsAt, recoverClaims } from "./ownership.ts";
import { counted, prefixList } from "./wording.ts";

const log = getLogger(["cloudroutesync", "sync"]);
/** Most prefixes that one line names. */
const mostNamed = 5;
/** A reading may lack what was written this long before it, in milliseconds. */
const staleForMs = 10_000;

/** See the head of this file. */
export class LostLedger {
  readonly #use: LedgerUse;
  readonly #table: string;
  readonly #clock: Clock;
  #waitsFor: string | null = null;

  /** @param table its name. */
  constructor(use: LedgerUse, table: string, clock: Clock) {
    this.#use = use;
    this.#table = table;
    this.#clock = clock;
  }

  /** Why the table is not read yet, as part of a sentence; null: nothing is waited for. */
  get waitsFor(): string | null {
    return this.#waitsFor;
  }

  /** What we wrote just before the ledger was lost must not be missing from the reading that a new one begins with. */
  async outlastStaleReadings(signal: AbortSignal): Promise<void> {
    const { ledger, proven, broken = null } = this.#use;
    if (!proven) return;
    log.warn(
      "{why}; a new one is begun in {seconds} s from what table {table} shows then, and no action is needed",
      {
        event: "ledger-lost",
        why: broken ?? `The ledger ${ledger.place} is gone; somebody may have deleted it`,
        table: this.#table,
        seconds: staleForMs / 1000,
      },
    );
    this.#waitsFor = `the ledger is lost, and a new one is begun at ${clockText(Date.now() + staleForMs)}`;
    try {
      await this.#clock.sleep(staleForMs, signal);
      signal.throwIfAborted();
    } finally {
      this.#waitsFor = null;
    }
  }

  /**
   * Begins the new ledger.
   *
   * @param selfIds what routes to this VM point at.
   * @param isWanted whether the kernel wants just this route.
   * @returns canonical prefixes of routes that point at this VM, and that nothing proves to be ours.
   */
  async begin(
    state: TableState,
    selfIds: readonly string[],
    isWanted: (route: CloudRoute) => boolean,
  ): Promise<readonly string[]> {
    const { ledger, proven } = this.#use;
    const claims = recoverClaims(state, selfIds, proven, isWanted);
    await ledger.begin(claims);
    const left = state.routes.filter((route) => pointsAt(route, selfIds) && !claims.has(route.prefix.text))
      .map(({ prefix }) => prefix.text);
    this.#logBegun(claims.size, left);
    return left;
  }

  /** @param left prefixes of routes that point at this VM and are not taken for its own. */
  #logBegun(count: number, left: readonly string[]): void {
    const { ledger, proven } = this.#use;
    const [event, table] = ["ledger-begun", this.#table];
    if (proven) {
      log.info(
        "Began a new ledger of table {table}: {routes} that point at this VM are its own again; those that it " +
          "pointed elsewhere are foreign now, and -adopt takes over what is in the way",
        { event, table, routes: counted(count, "route"), count },
      );
    } else if (count + left.length === 0) {
      log.info("Began the ledger of table {table}, {place}", { event, table, place: ledger.place, count });
    } else {
      log.warn(
        "Table {table} has routes to this VM and there was no ledger {place}: this is the first run here, or the state " +
          "folder was lost (keep it on a disk that stays, -state names it); {outcome}",
        { event, table, place: ledger.place, outcome: outcomeText(count, left), count },
      );
    }
  }
}

/** What becomes of the routes to this VM. */
function outcomeText(count: number, left: readonly string[]): string {
  const own = `${counted(count, "route")} that the kernel wants ${
    count === 1 ? "is" : "are"
  } this program's own`;
  const [others, them] = left.length === 1 ? ["1 other stays", "it"] : [`${left.length} others stay`, "them"];
  const foreign =
    `${others} foreign until the kernel wants exactly ${them}; delete ${them} if an earlier run ` +
    `wrote ${them}: ${prefixList(left, mostNamed)}`;
  return [...(count === 0 ? [] : [own]), ...(left.length === 0 ? [] : [foreign])].join("; ");
}
