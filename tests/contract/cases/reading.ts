/** Reading a table whole. */

import assert from "node:assert/strict";
import type { TableState } from "../../../src/clouds/cloud.ts";
import {
  add,
  done,
  failure,
  never,
  only,
  outcomesOf,
  ready,
  routeOf,
  standing,
  withdraw,
} from "../helpers.ts";
import type { Bench } from "../rig.ts";

const foreignPrefix = "203.0.113.0/24";
const ownPrefix = "198.51.100.0/24";

export const readingCases = {
  async "read() shows a foreign route as nobody's, for IPv4 and IPv6"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    for (const prefix of [foreignPrefix, "2001:db8:f::/48"]) {
      const line = await bench.rig.addForeign(table.id, prefix);
      const route = routeOf(await subject.read(table, never), prefix);
      assert.equal(route.owner, null);
      assert.equal(`${prefix} > ${route.nextHops.join(",")}`, line);
    }
    assert.equal((await subject.read(table, never)).routes.length, state.routes.length + 2);
  },

  async "read() counts the places that routes take, foreign ones too"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    await bench.rig.addForeign(table.id, foreignPrefix);
    assert.equal(used(await subject.read(table, never)), used(state) + 1);
  },

  async "read() returns all routes of a long table"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    const count = Math.min(bench.rig.manyRoutes, 25);
    bench.rig.neighbours.pageByOne();
    const prefixes = Array.from({ length: count }, (_, index) => `198.51.100.${index * 8}/29`);
    await bench.rig.addForeign(table.id, ...prefixes);
    assert.equal((await subject.read(table, never)).routes.length, state.routes.length + count);
  },

  async "read() passes over an entry that it does not know, and shows the others"(
    bench: Bench,
  ): Promise<void> {
    const { subject, table, state } = await ready(bench);
    await bench.rig.addForeign(table.id, foreignPrefix);
    await bench.rig.addOddRoute(table.id);
    const after = await subject.read(table, never);
    assert.equal(routeOf(after, foreignPrefix).owner, null);
    for (const { prefix } of state.routes) routeOf(after, prefix.text);
    const outcomes = await subject.write(table, [add("198.18.0.0/24", bench.rig.self[4])], after, never);
    assert.deepEqual(outcomes.outcomes, [null]);
  },

  async "read() says that a table is gone"(bench: Bench): Promise<void> {
    const { options, remove } = await bench.rig.handOver();
    const { subject, table } = await ready(bench, await bench.open(options));
    await remove();
    const error = await failure(subject.read(table, never));
    assert.equal(error.kind, "gone", error.message);
  },

  async "read() says the same to callers who come together"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    const states = await Promise.all([1, 2, 3].map(() => subject.read(table, never)));
    assert.deepEqual(states, [state, state, state]);
  },

  async "what prepare() and foresee() have read is what read() says, and may be written to"(
    bench: Bench,
  ): Promise<void> {
    const { subject, table } = await ready(bench);
    await bench.rig.addForeign(table.id, foreignPrefix);
    for (const options of [{}, { routeTables: [table.id] }]) {
      const opened = await bench.open(options);
      const { reading } = only(await opened.prepareAndRead(never));
      assert.ok(reading, "preparing has changed nothing, and does not tell what it has read");
      const state = await reading.state(never);
      assert.deepEqual(state, await opened.read(state.table, never));
      const handedOver = (options.routeTables ?? []).length > 0;
      routeOf(state, foreignPrefix);
      const foreseen = only((await opened.foresee(never)).tables).reading;
      assert.ok(foreseen, "foreseeing does not tell what it has read");
      assert.deepEqual(await foreseen.state(never), state);
      const change = add(handedOver ? "198.51.100.0/25" : "198.51.100.128/25", bench.rig.self[4]);
      const { outcomes } = await opened.write(state.table, [change], state, never);
      assert.deepEqual(outcomes, [null]);
    }
    routeOf(await subject.read(table, never), "198.51.100.0/25");
  },

  async "prepare() that makes a table tells no reading of it"(bench: Bench): Promise<void> {
    const { reading } = only(await (await bench.open()).prepareAndRead(never));
    assert.equal(reading, undefined);
  },

  async "what was read by prepare() overwrites nothing that came after"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    await done({ subject, table }, add(ownPrefix, bench.rig.self[4]));
    const opened = await bench.open();
    const { reading } = only(await opened.prepareAndRead(never));
    assert.ok(reading, "preparing has changed nothing, and does not tell what it has read");
    const line = await bench.rig.addForeign(table.id, foreignPrefix);
    const state = await reading.state(never);
    await outcomesOf({ subject: opened, table }, [withdraw(state, ownPrefix)], state);
    assert.deepEqual(await standing(bench, table.id, foreignPrefix), [line]);
  },

  async "read() changes nothing"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    const before = await bench.rig.snapshot();
    const writes = bench.rig.traffic.writes;
    await subject.read(table, never);
    assert.equal(bench.rig.traffic.writes, writes);
    assert.deepEqual(await bench.rig.snapshot(), before);
  },
};

/** Places taken by IPv4 routes. */
function used(state: TableState): number {
  const quota = state.quotas.find(({ families }) => families.includes(4));
  assert.ok(quota !== undefined, "no quota counts IPv4 routes");
  return quota.used;
}
