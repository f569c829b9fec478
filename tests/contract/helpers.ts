/** What the cases share: changes, and looks at what became of them. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTable, TableState } from "../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../src/clouds/cloud_error.ts";
import { parsePrefix } from "../../src/routes/prefix.ts";
import type { MovedClock } from "./clock.ts";
import type { Bench } from "./rig.ts";
import type { Subject } from "./subject.ts";

/** A signal that nobody aborts. */
export const never = new AbortController().signal;

/** A cloud with its table made and read. */
export interface Ready {
  readonly subject: Subject;
  readonly table: CloudTable;
  readonly state: TableState;
}

/** Opens the cloud, makes its table ready and reads it. */
export async function ready(bench: Bench, subject?: Subject): Promise<Ready> {
  const opened = subject ?? await bench.open();
  await opened.identify(never);
  const table = only(await opened.prepare(never));
  return { subject: opened, table, state: await opened.read(table, never) };
}

/** The one table of a cloud. */
export function only<Table extends CloudTable>(tables: readonly Table[]): Table {
  const [table, ...others] = tables;
  assert.ok(table !== undefined, "there is no table");
  assert.equal(others.length, 0, "there are several tables");
  return table;
}

export function add(prefix: string, ...to: readonly string[]): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to };
}

export function replace(state: TableState, prefix: string, ...to: readonly string[]): Change {
  return { action: "replace", prefix: parsePrefix(prefix), from: routeOf(state, prefix), to };
}

export function withdraw(state: TableState, prefix: string): Change {
  return { action: "delete", prefix: parsePrefix(prefix), from: routeOf(state, prefix), to: null };
}

/** A route of the state. */
export function routeOf(state: TableState, prefix: string): CloudRoute {
  const found = state.routes.find((route) => route.prefix.text === prefix);
  assert.ok(found !== undefined, `no route to ${prefix} was read`);
  return found;
}

/** Outcomes of changes, as many a call as the cloud takes; a call that failed whole is the outcome of all its changes. */
export async function outcomesOf(
  { subject, table }: Pick<Ready, "subject" | "table">,
  changes: readonly Change[],
  state: TableState,
  signal: AbortSignal = never,
): Promise<(CloudError | null)[]> {
  const outcomes: (CloudError | null)[] = [];
  const size = subject.traits.batch;
  for (let start = 0; start < changes.length; start += size) {
    const chunk = changes.slice(start, start + size);
    try {
      const result = await subject.write(table, chunk, state, signal);
      assert.equal(result.outcomes.length, chunk.length, "one outcome a change");
      outcomes.push(...result.outcomes);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      outcomes.push(...chunk.map(() => error));
    }
  }
  return outcomes;
}

/** Writes changes of which each must be done, from the table as it is now. */
export async function done(
  on: Pick<Ready, "subject" | "table">,
  ...changes: readonly Change[]
): Promise<void> {
  const outcomes = await outcomesOf(on, changes, await on.subject.read(on.table, never));
  assert.deepEqual(kinds(outcomes), changes.map(() => null), messages(outcomes));
}

/** The kinds of outcomes, null for what is done. */
export function kinds(outcomes: readonly (CloudError | null)[]): (CloudErrorKind | null)[] {
  return outcomes.map((outcome) => outcome?.kind ?? null);
}

/** What outcomes say, for the message of an assertion. */
export function messages(outcomes: readonly (CloudError | null)[]): string {
  return outcomes.map((outcome) => `${outcome?.kind ?? "done"} ${outcome?.message ?? ""}`).join("\n");
}

/** The error of a call that must fail, which must be a {@linkcode CloudError}. */
export async function failure(call: Promise<unknown>): Promise<CloudError> {
  const error = await call.then(() => null, (reason: unknown) => reason);
  assert.ok(error !== null, "the call did not fail");
  assert.ok(error instanceof CloudError, `the call failed with no CloudError: ${Deno.inspect(error)}`);
  return error;
}

/** The routes of a table to one prefix, as the cloud has them. */
export async function standing({ rig }: Bench, tableId: string, prefix: string): Promise<readonly string[]> {
  return (await rig.routes(tableId)).filter((route) => route.startsWith(`${prefix} > `));
}

/** So often may prepare() be called until what a call that broke off has left is complete. */
const mostTries = 4;

/**
 * Prepares the one table after a call has broken off, as the service does: what time heals is tried again then.
 *
 * @param when for the message of an assertion.
 */
export async function preparedInTime(subject: Subject, clock: MovedClock, when: string): Promise<CloudTable> {
  let last = "";
  for (let tries = 0; tries < mostTries; tries++) {
    try {
      return only(await subject.prepare(never));
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      last = `${error.kind} ${error.message}`;
      assert.ok(["unavailable", "conflict", "throttled"].includes(error.kind), `${when}: ${last}`);
      clock.advance(error.retryAfterMs ?? 1_000);
    }
  }
  return assert.fail(`${when} prepare() still says ${last}`);
}

/** What a rig has for this case; a row without it leaves the case out. */
export function needed<T>(part: T | undefined): T {
  return part ?? assert.fail("the rig of this cloud lacks what the case needs");
}
