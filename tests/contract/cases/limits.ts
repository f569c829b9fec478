/** How many routes a table takes: published, learned, forgotten. */

import assert from "node:assert/strict";
import { longMs, MovedClock } from "../clock.ts";
import { add, done, kinds, messages, never, outcomesOf, type Ready, ready, withdraw } from "../helpers.ts";
import type { Bench } from "../rig.ts";

export const limitCases = {
  async "read() tells the limit that the cloud tells"(bench: Bench): Promise<void> {
    await bench.rig.setLimit(23, true);
    assert.deepEqual(limitsOf(await ready(bench)), [23]);
  },

  async "write() does what a full table takes and says quota, with the limit, for the rest"(
    bench: Bench,
  ): Promise<void> {
    const limit = await crowd(bench) + 2;
    await bench.rig.setLimit(limit, true);
    const on = await ready(bench);
    const changes = [1, 2, 3, 4].map((index) => add(`198.18.${index}.0/24`, bench.rig.self[4]));
    const outcomes = await outcomesOf(on, changes, on.state);
    // A cloud that takes a table whole refuses it whole; what fits then goes with the next write.
    const isWhole = kinds(outcomes).every((kind) => kind === "quota");
    if (!isWhole) assert.deepEqual(kinds(outcomes), [null, null, "quota", "quota"], messages(outcomes));
    for (const outcome of outcomes) if (outcome !== null) assert.equal(outcome.limit, limit, outcome.message);
    if (isWhole) await done(on, ...changes.slice(0, 2));
    const ours = (await bench.rig.routes(on.table.id)).filter((route) => route.startsWith("198.18."));
    assert.equal(ours.length, 2);
  },

  async "write() deletes from a full table, and uses the place"(bench: Bench): Promise<void> {
    const first = await ready(bench);
    await done(first, add("198.18.1.0/24", bench.rig.self[4]));
    await bench.rig.setLimit(await used(first), true);
    const on = await ready(bench);
    await done(on, withdraw(on.state, "198.18.1.0/24"));
    await done(on, add("198.18.2.0/24", bench.rig.self[4]));
  },

  async "a limit that only a refusal tells is learned, and forgotten in time"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const limit = await crowd(bench) + 1;
    await bench.rig.setLimit(limit, false);
    const on = await ready(bench);
    await fill(bench, on);
    assert.ok(
      limitsOf({ state: await on.subject.read(on.table, never) }).includes(limit),
      "it is not learned",
    );
    await bench.rig.setLimit(limit + 20, false);
    clock.advance(longMs);
    const after = await on.subject.read(on.table, never);
    assert.ok(
      !limitsOf({ state: after }).includes(limit),
      `the limit ${limit} is still known after two hours`,
    );
    await done(on, add("198.18.3.0/24", bench.rig.self[4]));
  },

  async "a limit that is raised is known in time"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const limit = await crowd(bench) + 1;
    await bench.rig.setLimit(limit, true);
    const on = await ready(bench);
    clock.advance(longMs);
    await on.subject.read(on.table, never);
    await fill(bench, on);
    await bench.rig.setLimit(limit + 20, true);
    clock.advance(longMs);
    assert.deepEqual(limitsOf({ state: await on.subject.read(on.table, never) }), [limit + 20]);
  },
};

/** Puts so many foreign routes into the table that its limit is a number of two digits. @returns how many places are taken. */
async function crowd(bench: Bench): Promise<number> {
  const on = await ready(bench);
  const prefixes = Array.from({ length: 9 }, (_, index) => `203.0.113.${index * 8}/29`);
  await bench.rig.addForeign(on.table.id, ...prefixes);
  return await used(on);
}

/** Writes one route more than fits. */
async function fill(bench: Bench, on: Ready): Promise<void> {
  for (const index of [1, 2]) {
    const state = await on.subject.read(on.table, never);
    const change = add(`198.18.${index}.0/24`, bench.rig.self[4]);
    const outcomes = await outcomesOf(on, [change], state);
    assert.deepEqual(kinds(outcomes), [index === 1 ? null : "quota"], messages(outcomes));
  }
}

async function used({ subject, table }: Ready): Promise<number> {
  const { quotas } = await subject.read(table, never);
  return quotas.find(({ families }) => families.includes(4))?.used ?? 0;
}

/** The limits for IPv4 routes that are known. */
function limitsOf({ state }: Pick<Ready, "state">): number[] {
  return state.quotas.filter(({ families }) => families.includes(4)).flatMap(({ limit }) => limit ?? []);
}
