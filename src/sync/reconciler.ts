/**
 * Keeps one table in step.
 *
 * The loop is level-triggered: each round compares what is wanted with what the cloud has and makes the difference smaller. News
 * from the kernel only says which prefixes to look at, and when. There is one round at a time: what arrives during a write joins
 * the next. A failed call is followed by a new reading, since nobody knows what it did.
 */

import type { Cloud, TableState } from "../clouds/cloud.ts";
import { fewTries } from "../clouds/error_meaning.ts";
import type { ChangeRecord } from "./change_history.ts";
import type { Comparison } from "./comparison.ts";
import type { TableIndex } from "./ownership.ts";
import type { SeenPeer } from "./peer_status.ts";
import type { SyncStatus } from "./sync_status.ts";
import {
  type RoundEnd,
  type RoundResult,
  type SyncSettings,
  TableRound,
  type TableRoundOptions,
} from "./table_round.ts";
import { TableReport } from "./table_report.ts";
import type { TableSight } from "./table_standing.ts";

/** What a reconciler works with. */
export interface ReconcilerOptions extends TableRoundOptions {
  readonly cloud: Pick<Cloud, "traits" | "describe">;
  /** Called with each change that was made. */
  readonly onChange?: ((table: string, change: ChangeRecord) => void) | undefined;
  /** What was reported of the table before it was opened again; left out: nothing. */
  readonly report?: TableReport;
}

/** A report of a table of which nothing was reported yet. */
export function reportOf(
  { table, cloud, clock, onChange }: Pick<ReconcilerOptions, "table" | "cloud" | "clock" | "onChange">,
): TableReport {
  return new TableReport(table, (hop) => cloud.describe(hop), { now: () => clock.now(), onChange });
}

/** Keeps one table in step; see the head of this file. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #report: TableReport;
  readonly #round: TableRound;
  #wake: (() => void) | null = null;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#report = options.report ?? reportOf(options);
    this.#round = new TableRound(options, this.#report);
  }

  /**
   * Says that what is wanted for these canonical prefixes changed.
   *
   * @param at when the kernel said so, in milliseconds of the clock; null: no event of the kernel's was the reason.
   */
  notify(prefixes: readonly string[], at: number | null = null): void {
    if (prefixes.length === 0) return;
    if (this.#round.news(prefixes, at)) this.#wake?.();
  }

  /** Lets the withdrawals that are held go now. @returns how many there are. */
  release(): number {
    const { look, settings, standing } = this.#round;
    const { held } = standing.sight.comparison.decision;
    if (held.length === 0) return 0;
    look.letGo(held, this.#options.clock.now() - settings.guard.holdMs);
    this.#report.released(held.length);
    this.recheck();
    return held.length;
  }

  /** Takes other settings and compares at once. */
  reconfigure(settings: SyncSettings): void {
    this.#round.reconfigure(settings);
    this.recheck();
  }

  /**
   * Asks for a comparison of everything with the table as last read: the active address of the group came or went.
   *
   * @param at when the kernel said so, in milliseconds of the clock.
   */
  reconsider(at: number): void {
    this.#round.reconsider(at);
    this.#wake?.();
  }

  /** Says that a peer may be dead: the cloud is asked at once. */
  suspect(): void {
    this.#round.look.suspect();
    this.#wake?.();
  }

  /** The other routers of the group, as this table shows them. */
  get peers(): readonly SeenPeer[] {
    return this.#round.look.group?.seen ?? [];
  }

  /** Asks for a full comparison, as when this VM's own address changed. */
  recheck(): void {
    const { look } = this.#round;
    look.group?.forget();
    look.view.forget();
    look.outdate();
    this.#wake?.();
  }

  /**
   * Runs until it is stopped.
   *
   * @param stop ends the loop after the round under way.
   * @param abandon gives up the call under way.
   */
  async run(stop: AbortSignal, abandon: AbortSignal): Promise<RoundEnd> {
    while (!stop.aborted) {
      const wait = this.#round.standing.dueAt - this.#options.clock.now();
      if (wait > 0) await this.#pause(wait, stop);
      else if ((await this.round(abandon)).end === "gone") return "gone";
    }
    return "stopped";
  }

  /**
   * Makes rounds until all is in step, until only people can bring it further, or until waiting on would take longer than
   * `giveUpAt`. A hold is not waited for: whether the kernel still says so at its end cannot be known by one look at the kernel.
   *
   * @param giveUpAt milliseconds of the loop's clock.
   * @returns whether all is in step.
   */
  async settle(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    const { clock } = this.#options;
    const { standing } = this.#round;
    let wrong = 0;
    while (!signal.aborted) {
      const { end, nextAt } = await this.round(signal);
      wrong = end === "wrong" ? wrong + 1 : 0;
      if (end === "gone" || wrong >= fewTries) return false;
      if (standing.isInStep) return true;
      if (standing.isStuck || nextAt > giveUpAt) return false;
      if (nextAt > clock.now()) await clock.sleep(nextAt - clock.now(), signal);
    }
    return false;
  }

  /**
   * Withdraws all that is owned, whatever the guard says: for `cleanup` and `-withdraw-on-exit`. The caller has emptied
   * what is wanted before.
   */
  async withdrawAll(signal: AbortSignal, giveUpAt: number): Promise<boolean> {
    const { look, causes, settings } = this.#round;
    look.group?.leave();
    this.#round.startOver({ ...settings, withdrawDelayMs: 0, guard: { maxWithdraw: 1, holdMs: 0 } });
    causes.cleanUp();
    this.recheck();
    return await this.settle(signal, giveUpAt);
  }

  /** One round: read if need be, compare, write, read back. What failed is remembered for the next, not thrown. */
  async round(signal: AbortSignal): Promise<RoundResult> {
    return await this.#round.make(signal);
  }

  /**
   * Reads and compares as a round does; writes nothing to the cloud.
   *
   * @throws {CloudError} if the table cannot be read, or the neighbours cannot be looked up.
   */
  async preview(signal: AbortSignal): Promise<Comparison> {
    const { resolution, comparison } = await this.#round.preview(signal);
    if (resolution.error !== null) throw resolution.error;
    return comparison;
  }

  /** The table as last read, split by ownership. */
  get table(): { readonly state: TableState | null; readonly index: TableIndex } {
    const { state, index } = this.#round.look.view;
    return { state, index };
  }

  /** The table as last read and compared, for who looks at single prefixes. */
  get sight(): TableSight {
    return this.#round.standing.sight;
  }

  /** How things stand. */
  get status(): SyncStatus {
    return this.#round.standing.status;
  }

  async #pause(ms: number, stop: AbortSignal): Promise<void> {
    const waker = new AbortController();
    const wake = (): void => waker.abort();
    this.#wake = wake;
    stop.addEventListener("abort", wake, { once: true });
    await this.#options.clock.sleep(ms, waker.signal);
    stop.removeEventListener("abort", wake);
    this.#wake = null;
  }
}
