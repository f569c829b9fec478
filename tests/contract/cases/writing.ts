/** Writing: each change by itself, nothing of others, nothing twice, no gap. */

import assert from "node:assert/strict";
import type { Change, TableState } from "../../../src/clouds/cloud.ts";
import type { Family } from "../../../src/routes/prefix.ts";
import {
  add,
  done,
  kinds,
  messages,
  never,
  outcomesOf,
  ready,
  replace,
  routeOf,
  standing,
  withdraw,
} from "../helpers.ts";
import type { Bench } from "../rig.ts";

const prefix = "198.51.100.0/24";
const prefixes: Readonly<Record<Family, string>> = { 4: prefix, 6: "2001:db8:1::/48" };

export const writingCases = {
  async "write() adds, replaces and deletes an IPv4 route"(bench: Bench): Promise<void> {
    await lifeOf(bench, 4);
  },

  async "write() adds, replaces and deletes an IPv6 route"(bench: Bench): Promise<void> {
    await lifeOf(bench, 6);
  },

  async "write() has one outcome a change, and does them all"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    const changes = Array.from(
      { length: bench.rig.manyRoutes },
      (_, index) => add(`198.18.${index}.0/24`, bench.rig.self[4]),
    );
    const outcomes = await outcomesOf(on, changes, on.state);
    assert.deepEqual(kinds(outcomes), changes.map(() => null), messages(outcomes));
    const { routes } = await on.subject.read(on.table, never);
    assert.equal(routes.length, on.state.routes.length + changes.length);
  },

  async "write() mixes adds, replaces and deletes"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    const { self } = bench.rig;
    const peer = peerOf(bench, 4);
    await done(on, add("198.18.1.0/24", self[4]), add("198.18.2.0/24", self[4]));
    const state = await on.subject.read(on.table, never);
    await done(
      on,
      replace(state, "198.18.1.0/24", peer),
      withdraw(state, "198.18.2.0/24"),
      add("198.18.3.0/24", self[4]),
    );
    const ours = (await bench.rig.routes(on.table.id)).filter((route) => route.startsWith("198.18."));
    assert.deepEqual(ours, [`198.18.1.0/24 > ${peer}`, `198.18.3.0/24 > ${self[4]}`]);
  },

  async "write() tells the table afterwards as read() does, if it tells it"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    const result = await subject.write(table, [add(prefix, bench.rig.self[4])], state, never);
    assert.deepEqual(result.outcomes, [null]);
    const after = await subject.read(table, never);
    assert.deepEqual(result.state ?? after, after);
  },

  async "write() marks routes where the cloud has marks, and knows no other owner's for its own"(
    bench: Bench,
  ): Promise<void> {
    const on = await ready(bench);
    await done(on, add(prefix, bench.rig.self[4]));
    const { owner } = bench.rig.options();
    const isMark = on.subject.traits.ownership === "mark";
    const mine = routeOf(await on.subject.read(on.table, never), prefix);
    assert.equal(mine.owner, isMark ? owner : null);
    const other = await bench.open({ owner: "somebody", routeTables: [on.table.id] });
    await other.identify(never);
    const theirs = routeOf(await other.read(on.table, never), prefix);
    assert.notEqual(theirs.owner, "somebody");
    const foreign = "203.0.113.0/24";
    await bench.rig.addForeign(on.table.id, foreign);
    assert.equal(routeOf(await on.subject.read(on.table, never), foreign).owner, null);
  },

  async "write() replaces without a moment in which the prefix has no route"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    await done(on, add(prefix, bench.rig.self[4]));
    const state = await on.subject.read(on.table, never);
    const seen: number[] = [];
    bench.rig.traffic.beforeEachAnswer(async () => {
      seen.push((await standing(bench, on.table.id, prefix)).length);
    });
    const outcomes = await outcomesOf(on, [replace(state, prefix, peerOf(bench, 4))], state);
    await bench.rig.heal();
    assert.deepEqual(kinds(outcomes), [null], messages(outcomes));
    assert.ok(seen.length > 0, "no request was seen");
    assert.ok(Math.min(...seen) > 0, `routes of the prefix after each request: ${seen}`);
    assert.deepEqual(await standing(bench, on.table.id, prefix), [`${prefix} > ${peerOf(bench, 4)}`]);
  },

  async "write() of the same change twice makes one route"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    const change = add(prefix, bench.rig.self[4]);
    assert.deepEqual(kinds(await outcomesOf(on, [change], on.state)), [null]);
    const [again] = kinds(await outcomesOf(on, [change], on.state));
    assert.ok(again === null || again === "conflict", `${again}`);
    assert.deepEqual(await standing(bench, on.table.id, prefix), [`${prefix} > ${bench.rig.self[4]}`]);
  },

  async "write() of two runs at once loses no route of either"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    const other = await bench.open();
    await other.identify(never);
    const runs = [subject, other].map(async (run, index) => {
      const change = add(`198.18.${index}.0/24`, bench.rig.self[4]);
      return { change, outcome: (await outcomesOf({ subject: run, table }, [change], state))[0] ?? null };
    });
    const ends = await Promise.all(runs);
    assert.ok(ends.some(({ outcome }) => outcome === null), messages(ends.map(({ outcome }) => outcome)));
    for (const { change, outcome } of ends) {
      const there = await standing(bench, table.id, change.prefix.text);
      if (outcome === null) assert.deepEqual(there, [`${change.prefix.text} > ${bench.rig.self[4]}`]);
      else assert.ok(["conflict", "throttled", "unavailable"].includes(outcome.kind), outcome.message);
    }
  },

  async "write() takes as many calls at once as its traits say"(bench: Bench): Promise<void> {
    const { subject, table, state } = await ready(bench);
    const changes = Array.from(
      { length: subject.traits.parallel },
      (_, index) => add(`198.18.${index}.0/24`, bench.rig.self[4]),
    );
    const results = await Promise.all(changes.map((change) => subject.write(table, [change], state, never)));
    assert.deepEqual(results.map(({ outcomes }) => outcomes), changes.map(() => [null]));
    const ours = (await bench.rig.routes(table.id)).filter((route) => route.startsWith("198.18."));
    assert.equal(ours.length, changes.length);
  },

  async "write() deletes a route that is gone already without harm"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    await done(on, add(prefix, bench.rig.self[4]), add("198.51.101.0/24", bench.rig.self[4]));
    const state = await on.subject.read(on.table, never);
    const change = withdraw(state, prefix);
    await done(on, change);
    const now = await on.subject.read(on.table, never);
    const outcomes = await outcomesOf(on, [change], now);
    assert.deepEqual(kinds(outcomes), [bench.row.deletedAlready === "done" ? null : "conflict"]);
    assert.deepEqual(await standing(bench, on.table.id, "198.51.101.0/24"), [
      `198.51.101.0/24 > ${bench.rig.self[4]}`,
    ]);
  },

  async "write() adds nothing over a foreign route, and leaves it as it is"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    const foreign = await bench.rig.addForeign(on.table.id, prefix);
    const state = await on.subject.read(on.table, never);
    const outcomes = await outcomesOf(on, [add(prefix, bench.rig.self[4])], state);
    const beside = on.subject.traits.uniquePrefix ? [] : [`${prefix} > ${bench.rig.self[4]}`];
    assert.deepEqual(
      kinds(outcomes),
      [on.subject.traits.uniquePrefix ? "conflict" : null],
      messages(outcomes),
    );
    assert.deepEqual(await standing(bench, on.table.id, prefix), [foreign, ...beside].sort());
  },

  async "write() overruns no route that came since the table was read"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    const foreign = await bench.rig.addForeign(on.table.id, prefix);
    const [kind] = kinds(await outcomesOf(on, [add(prefix, bench.rig.self[4])], on.state));
    assert.ok(kind === "conflict" || (kind === null && !on.subject.traits.uniquePrefix), `${kind}`);
    assert.ok((await standing(bench, on.table.id, prefix)).includes(foreign));
  },

  async "write() replaces a foreign route that is adopted, by one that is ours"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    await bench.rig.addForeign(on.table.id, prefix);
    const state = await on.subject.read(on.table, never);
    await done(on, replace(state, prefix, bench.rig.self[4]));
    assert.deepEqual(await standing(bench, on.table.id, prefix), [`${prefix} > ${bench.rig.self[4]}`]);
    const { owner } = routeOf(await on.subject.read(on.table, never), prefix);
    assert.equal(owner, on.subject.traits.ownership === "mark" ? bench.rig.options().owner : null);
  },

  async "write() takes a table as another run has read it"(bench: Bench): Promise<void> {
    const { table, state } = await ready(bench);
    const subject = await bench.open();
    await subject.identify(never);
    const changes = [add("198.18.1.0/24", bench.rig.self[4]), add("198.18.2.0/24", bench.rig.self[4])];
    const outcomes = await outcomesOf({ subject, table }, changes, state);
    assert.deepEqual(kinds(outcomes), [null, null], messages(outcomes));
    assert.equal((await subject.read(table, never)).routes.length, state.routes.length + 2);
  },

  async "write() gives a route several next hops, and takes them away one by one"(
    bench: Bench,
  ): Promise<void> {
    const on = await ready(bench);
    assert.ok(on.subject.traits.nextHopsPerRoute > 1, "its traits say that a route has one");
    const both = [bench.rig.self[4], peerOf(bench, 4)].sort();
    const hops = async (): Promise<readonly string[]> =>
      (await on.subject.read(on.table, never)).routes.filter((route) => route.prefix.text === prefix)
        .flatMap(({ nextHops }) => nextHops).sort();
    await done(on, add(prefix, ...both));
    assert.deepEqual(await hops(), both);
    await done(on, replace(foldedOf(await on.subject.read(on.table, never)), prefix, peerOf(bench, 4)));
    assert.deepEqual(await hops(), [peerOf(bench, 4)]);
  },

  async "-no-ecmp gives each route one next hop"({ open }: Bench): Promise<void> {
    const [several, one] = [await open(), await open({ noEcmp: true })];
    for (const subject of [several, one]) await subject.identify(never);
    assert.ok(several.traits.nextHopsPerRoute > 1, "without the flag it is one as well");
    assert.equal(one.traits.nextHopsPerRoute, 1);
  },

  async "write() deletes its own route beside a foreign one of the prefix"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    await done(on, add(prefix, bench.rig.self[4]));
    const own = await on.subject.read(on.table, never);
    const foreign = await bench.rig.addForeign(on.table.id, prefix);
    await done(on, withdraw(own, prefix));
    assert.deepEqual(await standing(bench, on.table.id, prefix), [foreign]);
  },

  async "write() tells the failure of one change beside the success of others"(bench: Bench): Promise<void> {
    const on = await ready(bench);
    const { self, refused } = bench.rig;
    const changes: Change[] = [add("198.18.1.0/24", self[4]), refused.change, add("198.18.2.0/24", self[4])];
    const outcomes = await outcomesOf(on, changes, on.state);
    assert.deepEqual(kinds(outcomes), [null, refused.kind, null], messages(outcomes));
    assert.match(outcomes[1]?.message ?? "", /^Cannot /);
    const ours = (await bench.rig.routes(on.table.id)).filter((route) => route.startsWith("198.18."));
    assert.deepEqual(ours, [`198.18.1.0/24 > ${self[4]}`, `198.18.2.0/24 > ${self[4]}`]);
  },

  async "write() says that a table is gone that goes after the reading"(bench: Bench): Promise<void> {
    const { options, remove } = await bench.rig.handOver();
    const on = await ready(bench, await bench.open(options));
    await remove();
    assert.deepEqual(kinds(await outcomesOf(on, [add(prefix, bench.rig.self[4])], on.state)), ["gone"]);
  },

  async "write() whose answer is lost is unavailable, and done once when it is made again"(
    bench: Bench,
  ): Promise<void> {
    const on = await ready(bench);
    const change = add(prefix, bench.rig.self[4]);
    await bench.rig.damage("cut off", "write");
    const [lost] = await outcomesOf(on, [change], on.state);
    assert.equal(lost?.kind, "unavailable", lost?.message);
    await bench.rig.heal();
    await bench.rig.traffic.settled();
    const now = await on.subject.read(on.table, never);
    assert.equal(now.routes.filter((route) => route.prefix.text === prefix).length, 1, "it took effect");
    const [again] = kinds(await outcomesOf(on, [change], now));
    assert.ok(again === null || again === "conflict", `${again}`);
    assert.deepEqual(await standing(bench, on.table.id, prefix), [`${prefix} > ${bench.rig.self[4]}`]);
  },
};

async function lifeOf(bench: Bench, family: Family): Promise<void> {
  const on = await ready(bench);
  const { rig } = bench;
  const target = prefixes[family];
  const shown = (): Promise<readonly string[]> => standing(bench, on.table.id, target);
  await done(on, add(target, rig.self[family]));
  assert.deepEqual(await shown(), [`${target} > ${rig.self[family]}`]);
  const added = await on.subject.read(on.table, never);
  assert.deepEqual(routeOf(added, target).nextHops, [rig.self[family]]);
  await done(on, replace(added, target, peerOf(bench, family)));
  assert.deepEqual(await shown(), [`${target} > ${peerOf(bench, family)}`]);
  await done(on, withdraw(await on.subject.read(on.table, never), target));
  assert.deepEqual(await shown(), []);
  assert.equal((await on.subject.read(on.table, never)).routes.length, on.state.routes.length);
}

/** A state whose routes to one prefix are one route with all their next hops, as the reconciler hands it to `write()`. */
function foldedOf(state: TableState): TableState {
  const routes = [...Map.groupBy(state.routes, (route) => route.prefix.text).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const nextHops = same.flatMap((route) => route.nextHops).sort();
    return [same.length === 1 ? first : { ...first, nextHops, ids: same.flatMap(({ id }) => id ?? []) }];
  });
  return { ...state, routes };
}

/** The id of a next hop that is not this VM. */
function peerOf({ rig }: Bench, family: Family): string {
  return rig.neighbours.standing[family].id;
}
