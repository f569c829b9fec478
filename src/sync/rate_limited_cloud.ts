/**
 * A cloud that is called as often as the budget allows and never sooner than it asked for, whoever calls: all tables and all calls of a
 * run share the budget. A refused call's error says when the next one is worth a try.
 */

import type { Clock } from "../async/clock.ts";
import type { Cloud, CloudConnection, PreparedTable, WriteResult } from "../clouds/cloud.ts";
import { CloudError, isOverRate, withRetryAfter } from "../clouds/cloud_error.ts";
import { withReadings } from "../clouds/prepared_tables.ts";
import { type ApiAction, type ApiBudget, writeAction } from "./api_budget.ts";

/** Wraps a cloud. Writes take their turn before ({@linkcode ApiBudget.wait}): the caller looks again whether they are worth it. */
export function rateLimitedCloud(cloud: Cloud, budget: ApiBudget, clock: Clock): Cloud {
  const limits = new Limits(budget, clock);
  return {
    name: cloud.name,
    get traits() {
      return cloud.traits;
    },
    identify: async (signal) =>
      limitedConnection(await limits.read(signal, () => cloud.identify(signal)), limits, cloud),
    policy: () => cloud.policy(),
    describe: (nextHop) => cloud.describe(nextHop),
  };
}

function limitedConnection(
  connection: CloudConnection,
  limits: Limits,
  { traits }: Pick<Cloud, "traits">,
): CloudConnection {
  return {
    identity: connection.identity,
    locate: (signal) => limits.read(signal, () => connection.locate(signal)),
    foresee: async (signal) => {
      const foresight = await limits.read(signal, () => connection.foresee(signal));
      return { ...foresight, tables: limits.readings(foresight.tables) };
    },
    prepare: async (signal, copies) =>
      limits.readings(await limits.read(signal, () => connection.prepare(signal, copies))),
    resolve: (neighbours, signal) => limits.lookUp(signal, () => connection.resolve(neighbours, signal)),
    forget: (gateways) => connection.forget(gateways),
    ...(connection.findDead === undefined ? {} : {
      findDead: (peers, signal) =>
        limits.read(signal, async () => await connection.findDead?.(peers, signal) ?? []),
    }),
    ...(connection.findGone === undefined ? {} : {
      findGone: (nextHops, signal) =>
        limits.read(signal, async () => await connection.findGone?.(nextHops, signal) ?? new Set()),
    }),
    read: (table, signal) => limits.read(signal, () => connection.read(table, signal)),
    write: (table, changes, state, signal) =>
      limits.write(
        writeAction(traits, changes),
        signal,
        () => connection.write(table, changes, state, signal),
      ),
    forwarding: (ownPrefixes, signal) =>
      limits.read(signal, () => connection.forwarding(ownPrefixes, signal)),
    remove: (signal) => limits.read(signal, () => connection.remove(signal)),
    check: (options, signal) => limits.read(signal, () => connection.check(options, signal)),
  };
}

/** Makes calls once they are allowed, and tells the budget how they ended. */
class Limits {
  readonly #budget: ApiBudget;
  readonly #clock: Clock;

  constructor(budget: ApiBudget, clock: Clock) {
    this.#budget = budget;
    this.#clock = clock;
  }

  /** What reads, most of the time: preparing finds everything ready but for the first time. */
  async read<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    await this.#budget.wait("read", signal);
    const sentAt = this.#clock.now();
    const value = await this.#watch("read", sentAt, call);
    this.#budget.ended("read", sentAt, null);
    return value;
  }

  /** What is answered from memory most of the time. */
  async lookUp<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    await this.#budget.waitForCloud(signal);
    return await this.#watch("read", this.#clock.now(), call);
  }

  /** What was read of tables, of which the state is made once it is allowed. */
  readings(tables: readonly PreparedTable[]): readonly PreparedTable[] {
    return withReadings(
      tables,
      ({ at, state }) => ({ at, state: (inner) => this.lookUp(inner, () => state(inner)) }),
    );
  }

  async write(
    action: ApiAction,
    signal: AbortSignal,
    call: () => Promise<WriteResult>,
  ): Promise<WriteResult> {
    await this.#budget.waitForCloud(signal);
    const sentAt = this.#clock.now();
    const result = await this.#watch(action, sentAt, call);
    const errors = result.outcomes.flatMap(({ error }) => error ?? []);
    const refused = errors.find(isOverRate);
    // A call that did some of its changes was taken.
    const [failure = null] = errors.length < result.outcomes.length ? [] : errors;
    const waitMs = this.#budget.ended(action, sentAt, refused ?? failure);
    if (refused === undefined) return result;
    return {
      ...result,
      outcomes: result.outcomes.map(({ change, error }) => ({ change, error: later(error, waitMs) })),
    };
  }

  async #watch<T>(action: ApiAction, sentAt: number, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      throw later(error, this.#budget.ended(action, sentAt, error));
    }
  }
}

function later<E extends CloudError | null>(error: E, waitMs: number | undefined): E | CloudError {
  return error === null || waitMs === undefined || !isOverRate(error) ? error : withRetryAfter(error, waitMs);
}
