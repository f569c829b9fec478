/** Each error of the cloud, as its own wire tells it, from each call that reads or writes. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { add, failure, kinds, needed, never, only, outcomesOf, ready } from "../helpers.ts";
import type { Bench, ContractCase, FaultCall, Refusal } from "../rig.ts";

/** Calls whose errors are looked at here; check() never throws, see `doctor.ts`. */
const calls = ["read", "write", "prepare", "resolve"] as const;
type Call = (typeof calls)[number];

export const errorKinds = [
  "throttled",
  "quota",
  "denied",
  "conflict",
  "gone",
  "unavailable",
  "invalid",
] as const satisfies readonly Refusal[];

type ErrorCaseName = `${Call}() says ${(typeof errorKinds)[number]}, and works when that is over`;

export const errorCases = {
  ...errorCasesOfAll(),

  async "a Retry-After that is a date is the time until then"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    await bench.rig.fail("throttled", "read", new Date(Date.now() + 3_600_000).toUTCString());
    const { retryAfterMs } = await failure(subject.read(table, never));
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 3_000_000 && retryAfterMs <= 3_600_000);
  },

  async "a Retry-After of a cloud that is down reaches the error"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    await bench.rig.fail("unavailable", "read", "9");
    const error = await failure(subject.read(table, never));
    assert.deepEqual([error.kind, error.retryAfterMs], ["unavailable", 9_000]);
  },

  async "a cloud that nobody serves is unavailable, whatever is asked of it"(
    { rig, open }: Bench,
  ): Promise<void> {
    const subject = await open(needed(rig.unreachable?.bind(rig))());
    const calls = ["identify", "locate", "prepare"] as const;
    const errors = await Promise.all(
      calls.map((call) => subject[call](never).then(() => null, (error: unknown) => error)),
    );
    const failed = errors.filter((error) => error !== null);
    // Where the metadata service alone says who this VM is, that is known though the API is down.
    assert.ok(failed.length >= calls.length - 1, "more than the identity is known");
    for (const error of failed) {
      assert.ok(error instanceof CloudError, Deno.inspect(error));
      assert.equal(error.kind, "unavailable", error.message);
      assert.match(error.message, /^Cannot .*refused/i);
    }
  },

  async "a call that fails is made once"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    const before = bench.rig.traffic.count;
    await subject.read(table, never);
    const requests = bench.rig.traffic.count - before;
    const change = add("198.51.100.0/24", bench.rig.self[4]);
    for (const kind of ["throttled", "unavailable"] as const) {
      await bench.rig.fail(kind, "read");
      const start = bench.rig.traffic.count;
      await failure(subject.read(table, never));
      assert.ok(bench.rig.traffic.count - start <= requests, `${kind}: read() tries again by itself`);
      await bench.rig.heal();
      const writes = bench.rig.traffic.writes;
      await bench.rig.fail(kind, "write");
      assert.deepEqual(kinds(await outcomesOf({ subject, table }, [change], state)), [kind]);
      assert.equal(bench.rig.traffic.writes, writes + 1, `${kind}: write() tries again by itself`);
      await bench.rig.heal();
    }
  },
};

function errorCasesOfAll(): Record<ErrorCaseName, ContractCase> {
  const all = calls.flatMap((call) =>
    errorKinds.map((kind) =>
      [
        `${call}() says ${kind}, and works when that is over`,
        (bench: Bench) => oneError(bench, call, kind),
      ] as const
    )
  );
  // The names are made of just those lists, of which the type is made as well.
  return Object.fromEntries(all) as Record<ErrorCaseName, ContractCase>;
}

async function oneError(bench: Bench, call: Call, kind: Refusal): Promise<void> {
  const run = await callOf(bench, call);
  const expected = await bench.rig.fail(kind, call, kind === "throttled" ? "7" : undefined);
  const error = await failure(run());
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, /^Cannot /);
  if (kind === "throttled") assert.equal(error.retryAfterMs, 7_000);
  if (expected.action !== undefined) assert.equal(error.action, expected.action);
  if (expected.limit !== undefined) assert.equal(error.limit, expected.limit);
  await bench.rig.heal();
  await run();
}

/** A call, ready to be made. A single failure of a write is thrown, as the failure of the whole call is. */
async function callOf(
  bench: Bench,
  call: Exclude<FaultCall, "check" | "findDead">,
): Promise<() => Promise<unknown>> {
  if (call === "prepare") {
    const subject = await bench.open();
    return async () => only(await subject.prepare(never));
  }
  const { subject, table, state } = await ready(bench);
  switch (call) {
    case "read":
      return () => subject.read(table, never);
    case "resolve":
      return () => subject.resolve([parseAddress(bench.rig.neighbours.absent)], never);
    case "write":
      return async () => {
        const changes = [add("198.51.100.0/24", bench.rig.self[4])];
        const { outcomes: [outcome] } = await subject.write(table, changes, state, never);
        if (outcome !== null) throw outcome;
      };
  }
}
