/** Looks up which VMs the gateways are. A look-up that only people can make work is not repeated for a while. */

import type { Clock } from "../async/clock.ts";
import type { CloudConnection, Neighbour } from "../clouds/cloud.ts";
import type { CloudError } from "../clouds/cloud_error.ts";
import { eachMinuteMs, meaningOf } from "../clouds/error_meaning.ts";
import type { TableReport } from "./table_report.ts";
import { type Resolution, resolveNeighbours } from "./targets.ts";

/** See the head of this file. */
export class NeighbourLookup {
  readonly #connection: () => Pick<CloudConnection, "resolve">;
  readonly #clock: Clock;
  readonly #report: Pick<TableReport, "lookUpFailed" | "lookUpWorked">;
  #refused: { readonly error: CloudError; readonly until: number } | null = null;

  /** @param connection the current one. */
  constructor(
    connection: () => Pick<CloudConnection, "resolve">,
    clock: Clock,
    report: Pick<TableReport, "lookUpFailed" | "lookUpWorked">,
  ) {
    this.#connection = connection;
    this.#clock = clock;
    this.#report = report;
  }

  /** When a look-up that was refused is worth another try; null: none was. */
  get retryableAt(): number | null {
    return this.#refused?.until ?? null;
  }

  /** Looks these up. A failure is part of the answer, never thrown: what needs no look-up goes on. */
  async resolve(neighbours: readonly Neighbour[], signal: AbortSignal): Promise<Resolution> {
    const refused = this.#refused;
    if (refused !== null && this.#clock.now() < refused.until) {
      return await resolveNeighbours({ resolve: () => Promise.reject(refused.error) }, neighbours, signal);
    }
    const resolution = await resolveNeighbours(this.#connection(), neighbours, signal);
    const { ids, error } = resolution;
    if (ids.size > 0) this.#report.lookUpWorked();
    const isRefused = error !== null && meaningOf(error).retry === "each-minute";
    if (error !== null) this.#report.lookUpFailed(error, isRefused ? eachMinuteMs : null);
    this.#refused = isRefused ? { error, until: this.#clock.now() + eachMinuteMs } : null;
    return resolution;
  }
}
