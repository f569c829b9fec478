/** What people read: next hops and the least policy. */

import assert from "node:assert/strict";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { never, ready, routeOf } from "../helpers.ts";
import type { Bench } from "../rig.ts";

export const descriptionCases = {
  async "describe() makes each form of next hop readable, and no two alike"(bench: Bench): Promise<void> {
    const { subject, table } = await ready(bench);
    const { standing } = bench.rig.neighbours;
    await subject.resolve([parseAddress(standing[4].address)], never);
    const foreign = "203.0.113.0/24";
    await bench.rig.addForeign(table.id, foreign);
    const { routes } = await subject.read(table, never);
    const hops = new Set([
      bench.rig.self[4],
      standing[4].id,
      ...routeOf({ ...await subject.read(table, never) }, foreign).nextHops,
      ...routes.flatMap(({ nextHops }) => nextHops),
      "a word that no cloud has",
    ]);
    const described = [...hops].map((hop) => subject.describe(hop));
    for (const text of described) assert.match(text, /^\S.*$/);
    assert.deepEqual([...new Set(described)], described);
    assert.equal(described.at(-1), "a word that no cloud has");
  },

  async "describe() needs no call"(bench: Bench): Promise<void> {
    const subject = await bench.open();
    for (const hop of [bench.rig.self[4], bench.rig.self[6]]) assert.notEqual(subject.describe(hop), "");
    assert.equal(bench.rig.traffic.count, 0);
  },

  async "policy() is text to paste, before this VM is known and after"(bench: Bench): Promise<void> {
    const subject = await bench.open();
    bench.row.parsePolicy(subject.policy());
    assert.equal(bench.rig.traffic.count, 0);
    await subject.identify(never);
    bench.row.parsePolicy(subject.policy());
    assert.match(subject.policy(), /\n$/);
  },
};
