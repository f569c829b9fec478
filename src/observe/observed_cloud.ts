/** A cloud of which each call is timed: the one place where it is known how every cloud answers. */

import type { Cloud, CloudConnection, PreparedTable, WriteResult } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import { withReadings } from "../clouds/prepared_tables.ts";
import type { CloudCalls, CloudOperation, CloudResult } from "./cloud_calls.ts";

/** Times one call. */
type Timed = <T>(
  operation: CloudOperation,
  signal: AbortSignal,
  call: () => Promise<T>,
  about?: {
    readonly table: string;
    readonly resultOf?: (value: T) => CloudResult;
    /** When what it tells was asked for, in milliseconds of `performance.now`; left out: by the call itself. */
    readonly askedAt?: number;
  },
) => Promise<T>;

/** Wraps a cloud: the outcome of its calls goes to `calls`. */
export function observedCloud(cloud: Cloud, calls: CloudCalls): Cloud {
  const timed: Timed = async (operation, signal, call, about) => {
    const startedAt = performance.now();
    const ended = (result: CloudResult): void =>
      calls.ended({
        operation,
        table: about?.table ?? null,
        result,
        milliseconds: performance.now() - startedAt,
        at: Date.now() - (about?.askedAt === undefined ? 0 : performance.now() - about.askedAt),
      });
    try {
      const value = await call();
      ended(about?.resultOf?.(value) ?? "ok");
      return value;
    } catch (error) {
      ended(signal.aborted ? "abandoned" : error instanceof CloudError ? error.kind : "error");
      throw error;
    }
  };
  return {
    name: cloud.name,
    get traits() {
      return cloud.traits;
    },
    identify: async (signal) =>
      observedConnection(await timed("identify", signal, () => cloud.identify(signal)), timed),
    policy: () => cloud.policy(),
    describe: (nextHop) => cloud.describe(nextHop),
  };
}

function observedConnection(connection: CloudConnection, timed: Timed): CloudConnection {
  const observedReadings = (tables: readonly PreparedTable[]): readonly PreparedTable[] =>
    withReadings(tables, ({ at, state }, { name }) => ({
      at,
      state: (inner) => timed("read", inner, () => state(inner), { table: name, askedAt: at }),
    }));
  return {
    identity: connection.identity,
    locate: (signal) => timed("locate", signal, () => connection.locate(signal)),
    foresee: async (signal) => {
      const foresight = await timed("foresee", signal, () => connection.foresee(signal));
      return { ...foresight, tables: observedReadings(foresight.tables) };
    },
    prepare: async (signal, copies) =>
      observedReadings(await timed("prepare", signal, () => connection.prepare(signal, copies))),
    resolve: (neighbours, signal) => timed("resolve", signal, () => connection.resolve(neighbours, signal)),
    forget: (gateways) => connection.forget(gateways),
    ...(connection.findDead === undefined ? {} : {
      findDead: (peers, signal) =>
        timed("dead", signal, async () => await connection.findDead?.(peers, signal) ?? []),
    }),
    ...(connection.findGone === undefined ? {} : {
      findGone: (nextHops, signal) =>
        timed("dead", signal, async () => await connection.findGone?.(nextHops, signal) ?? new Set()),
    }),
    read: (table, signal) =>
      timed("read", signal, () => connection.read(table, signal), { table: table.name }),
    write: (table, changes, state, signal) =>
      timed("write", signal, () => connection.write(table, changes, state, signal), {
        table: table.name,
        resultOf: resultOfWrite,
      }),
    forwarding: (ownPrefixes, signal) =>
      timed("forwarding", signal, () => connection.forwarding(ownPrefixes, signal)),
    remove: (signal) => timed("remove", signal, () => connection.remove(signal)),
    check: (options, signal) => timed("check", signal, () => connection.check(options, signal)),
  };
}

/** A write that took some of its changes is none that failed. */
function resultOfWrite({ outcomes }: WriteResult): CloudResult {
  if (outcomes.some(({ error }) => error === null)) return "ok";
  return outcomes.find(({ error }) => error !== null)?.error?.kind ?? "ok";
}
