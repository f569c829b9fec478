/** How an ordered plan is executed. */

import assert from "node:assert/strict";
import type {
  Change,
  CloudConnection,
  CloudTraits,
  TableState,
  WriteResult,
} from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { PlannedChange } from "../../../src/sync/planned_change.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { type WriteContext, writeWaves } from "../../../src/sync/writer.ts";
import {
  addChange,
  deleteChange,
  replaceChange,
  signed,
  someTable,
  tableState,
} from "../../fakes/cloud_routes.ts";
import { plainTraits } from "../../fakes/comparisons.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";

type Answer = (changes: readonly Change[], state: TableState) => Promise<WriteResult> | WriteResult;

const done: Answer = (changes) => ({ outcomes: changes.map((change) => ({ change, error: null })) });

/** A cloud that remembers what it was called with, and the context to write to it. */
function recording(
  traits: Partial<CloudTraits>,
  answer: Answer = done,
): { readonly calls: (readonly string[])[]; readonly context: WriteContext } {
  const calls: (readonly string[])[] = [];
  const connection: Pick<CloudConnection, "write"> = {
    write: async (_table, changes, state) => {
      calls.push(changes.map(({ prefix }) => prefix.text));
      await Promise.resolve();
      return await answer(changes, state);
    },
  };
  const clock = new SteppingClock();
  const context: WriteContext = {
    traits: { ...plainTraits, parallel: 4, ...traits },
    connection,
    table: someTable,
    budget: new ApiBudget({ traits: plainTraits }, clock),
    clock,
  };
  return { calls, context };
}

const empty = tableState([]);
const never = new AbortController().signal;
const many = (count: number): readonly PlannedChange[] =>
  Array.from({ length: count }, (_, index) => addChange(`10.${index}.0.0/16`));

function failing(kind: CloudErrorKind, prefix: string): Answer {
  return (changes) => ({
    outcomes: changes.map((change) => ({
      change,
      error: change.prefix.text === prefix ? new CloudError(kind, `no ${prefix}`) : null,
    })),
  });
}

Deno.test("writeWaves() finishes a wave before it begins the next", async () => {
  const open = new Set<string>();
  let overlap = false;
  const { calls, context } = recording({}, async (changes) => {
    const name = changes[0]?.prefix.text ?? "";
    const wave = name.startsWith("10.") ? "first" : "second";
    overlap ||= wave === "second" && [...open].some((other) => other.startsWith("10."));
    open.add(name);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    open.delete(name);
    return done(changes, empty);
  });
  const report = await writeWaves([many(6), [addChange("192.0.2.0/24")]], empty, context, never);
  assert.equal(overlap, false);
  assert.equal(calls.length, 7);
  assert.equal(report.done.length, 7);
});

Deno.test("writeWaves() has no more calls under way than the cloud takes, and as many as that", async () => {
  let underWay = 0;
  let most = 0;
  const { context } = recording({ parallel: 3 }, async (changes) => {
    most = Math.max(most, ++underWay);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    underWay--;
    return done(changes, empty);
  });
  await writeWaves([many(10)], empty, context, never);
  assert.equal(most, 3);
});

Deno.test("writeWaves() puts all waves into one batch where the cloud takes one writer, in their order", async () => {
  const { calls, context } = recording({ batch: 100, parallel: 1, atomic: true });
  await writeWaves(
    [[replaceChange("172.16.0.0/12")], many(2), [deleteChange("192.0.2.0/24")]],
    empty,
    context,
    never,
  );
  assert.deepEqual(calls, [["172.16.0.0/12", "10.0.0.0/16", "10.1.0.0/16", "192.0.2.0/24"]]);
});

Deno.test("writeWaves() splits batches at what one call takes", async () => {
  const { calls, context } = recording({ batch: 4, parallel: 1 });
  await writeWaves([many(10)], empty, context, never);
  assert.deepEqual(calls.map(({ length }) => length), [4, 4, 2]);
});

Deno.test("writeWaves() hands each batch the state that the one before left", async () => {
  const seen: (string | null)[] = [];
  const { context } = recording({ batch: 1, parallel: 1, atomic: true }, async (changes, state) => {
    seen.push(state.version);
    return { ...await done(changes, state), state: { ...empty, version: String(seen.length) } };
  });
  const report = await writeWaves([many(3)], { ...empty, version: "0" }, context, never);
  assert.deepEqual(seen, ["0", "1", "2"]);
  assert.equal(report.state?.version, "3");
});

Deno.test("writeWaves() knows no state where an answer tells none, or anything failed", async () => {
  assert.equal((await writeWaves([many(1)], empty, recording({}).context, never)).state, null);
  const refusing = failing("invalid", "10.0.0.0/16");
  const { context } = recording({ parallel: 1 }, async (changes, state) => ({
    ...await refusing(changes, state),
    state: empty,
  }));
  assert.equal((await writeWaves([many(2)], empty, context, never)).state, null);
});

const stopping: Readonly<Record<CloudErrorKind, boolean>> = {
  throttled: true,
  denied: true,
  unavailable: true,
  gone: true,
  malformed: true,
  quota: true,
  invalid: false,
  conflict: false,
};

for (const [kind, stops] of Object.entries(stopping) as [CloudErrorKind, boolean][]) {
  Deno.test(`writeWaves() ${stops ? "stops" : "goes on"} after a change that fails as ${kind}`, async () => {
    const { calls, context } = recording({ parallel: 1 }, failing(kind, "10.1.0.0/16"));
    const report = await writeWaves([many(4)], empty, context, never);
    assert.equal(calls.length, stops ? 2 : 4);
    assert.deepEqual(report.failed.map(({ change, error }) => [change.prefix.text, error.kind]), [[
      "10.1.0.0/16",
      kind,
    ]]);
    assert.deepEqual(signed(report.skipped), stops ? ["+ 10.2.0.0/16", "+ 10.3.0.0/16"] : []);
    assert.equal(report.done.length, stops ? 1 : 3);
  });
}

Deno.test("writeWaves() goes on with what a refusal does not concern: another action, the other family", async () => {
  const rest = [addChange("2001:db8::/32"), replaceChange("172.16.0.0/12"), deleteChange("192.0.2.0/24")];
  for (
    const [kind, skipped] of [
      ["quota", ["+ 10.1.0.0/16"]],
      ["denied", ["+ 10.1.0.0/16", "+ 2001:db8::/32"]],
    ] as const
  ) {
    const { context } = recording({ parallel: 1 }, failing(kind, "10.0.0.0/16"));
    const report = await writeWaves([[...many(2), ...rest]], empty, context, never);
    assert.deepEqual(signed(report.skipped), skipped, kind);
    assert.equal(report.done.length, 4 - skipped.length, kind);
  }
});

Deno.test("writeWaves() takes a change for failed of which the answer says nothing, and stops", async () => {
  const { calls, context } = recording({ batch: 2, parallel: 1 }, (changes) => ({
    outcomes: changes.slice(0, 1).map((change) => ({ change, error: null })),
  }));
  const report = await writeWaves([many(4)], empty, context, never);
  assert.deepEqual(signed(report.done), ["+ 10.0.0.0/16"]);
  assert.deepEqual(report.failed.map(({ error }) => [error.kind, error.message]), [[
    "unavailable",
    "Cannot add route 10.1.0.0/16: the cloud's answer does not say what became of it",
  ]]);
  assert.equal(calls.length, 1);
  assert.equal(report.state, null);
});

Deno.test("writeWaves() waits for no rate limit to skip what would only fail", async () => {
  const { context } = recording({ parallel: 1 }, failing("throttled", "10.0.0.0/16"));
  const clock = new SteppingClock();
  const budget = new ApiBudget({ traits: { rate: { perSecond: 1, burst: 1 } } }, clock);
  await writeWaves([many(100)], empty, { ...context, budget }, never);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("writeWaves() stops after a batch whose table was stale: the next would be as stale", async () => {
  const { calls, context } = recording({ batch: 2, parallel: 1, atomic: true }, () => {
    throw new CloudError("conflict", "the table has changed");
  });
  const report = await writeWaves([many(6)], empty, context, never);
  assert.equal(calls.length, 1);
  assert.deepEqual([report.failed.length, report.skipped.length], [2, 4]);
});

Deno.test("writeWaves() begins no later wave after a failure that would hit it too", async () => {
  const { calls, context } = recording({}, failing("throttled", "10.0.0.0/16"));
  const report = await writeWaves([many(1), [deleteChange("192.0.2.0/24")]], empty, context, never);
  assert.deepEqual(calls, [["10.0.0.0/16"]]);
  assert.deepEqual(signed(report.skipped), ["- 192.0.2.0/24"]);
});

Deno.test("writeWaves() makes no withdrawal in one call with the add that is to cover it, nor after it has failed", async () => {
  const plan = [addChange("10.0.0.0/16"), deleteChange("192.0.2.0/24"), deleteChange("10.0.1.0/24")];
  const traits = { batch: 10, parallel: 1, atomic: true };
  const working = recording(traits);
  await writeWaves([plan], empty, working.context, never);
  assert.deepEqual(working.calls, [["10.0.0.0/16", "192.0.2.0/24"], ["10.0.1.0/24"]]);
  const refusing = recording(traits, failing("invalid", "10.0.0.0/16"));
  const report = await writeWaves([plan], empty, refusing.context, never);
  assert.deepEqual(refusing.calls, [["10.0.0.0/16", "192.0.2.0/24"]]);
  assert.deepEqual(signed(report.skipped), ["- 10.0.1.0/24"]);
});

Deno.test("writeWaves() throws what is no CloudError, after the calls under way have ended", async () => {
  let ended = 0;
  const { context } = recording({ parallel: 2 }, async (changes) => {
    if (changes[0]?.prefix.text === "10.0.0.0/16") throw new TypeError("a bug");
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    ended++;
    return done(changes, empty);
  });
  await assert.rejects(writeWaves([many(2)], empty, context, never), TypeError);
  assert.equal(ended, 1);
});

Deno.test("writeWaves() throws the reason when the caller gives up, and makes no further call", async () => {
  const giveUp = new AbortController();
  const { calls, context } = recording({ parallel: 1 }, (changes) => {
    giveUp.abort(new Error("told to stop"));
    return done(changes, empty);
  });
  await assert.rejects(writeWaves([many(3)], empty, context, giveUp.signal), /told to stop/);
  assert.equal(calls.length, 1);
});

Deno.test("writeWaves() waits for the rate limiter before each call", async () => {
  const { context } = recording({ parallel: 1 });
  const clock = new SteppingClock();
  const budget = new ApiBudget({ traits: { rate: { perSecond: 10, burst: 2 } } }, clock);
  await writeWaves([many(5)], empty, { ...context, budget }, never);
  assert.deepEqual(clock.sleeps, [100, 100, 100]);
});
