/** The table: found, made, handed over, given back. */

import assert from "node:assert/strict";
import type { CloudTable } from "../../../src/clouds/cloud.ts";
import type { CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { tableAlone } from "../../../src/clouds/prepared_tables.ts";
import { MovedClock } from "../clock.ts";
import { add, done, failure, needed, never, only, preparedInTime, ready } from "../helpers.ts";
import type { Bench } from "../rig.ts";

export const tableCases = {
  async "locate() changes nothing, before there is a table and after"(bench: Bench): Promise<void> {
    const { rig, open } = bench;
    const before = await rig.snapshot();
    const found = await (await open()).locate(never);
    assert.equal(rig.traffic.writes, 0);
    assert.deepEqual(await rig.snapshot(), before);
    const { table } = await ready(bench);
    assert.deepEqual(found, table.ours ? [] : [table]);
    const prepared = await rig.snapshot();
    const writes = rig.traffic.writes;
    assert.deepEqual(await (await open()).locate(never), [table]);
    assert.equal(rig.traffic.writes, writes);
    assert.deepEqual(await rig.snapshot(), prepared);
  },

  async "prepare() does nothing that is done already"(bench: Bench): Promise<void> {
    const { rig, open } = bench;
    const { subject, table } = await ready(bench);
    const before = await rig.snapshot();
    const writes = rig.traffic.writes;
    assert.deepEqual(await subject.prepare(never), [table]);
    assert.deepEqual(await (await open()).prepare(never), [table]);
    assert.equal(rig.traffic.writes, writes);
    assert.deepEqual(await rig.snapshot(), before);
  },

  async "prepare() makes one table though the answer to any of its requests is lost"(
    bench: Bench,
  ): Promise<void> {
    const { rig, open } = bench;
    const requests = await countRequests(bench);
    assert.ok(requests > 0, "prepare() makes no request");
    const expected = await rig.snapshot();
    using clock = new MovedClock();
    for (let index = 0; index < requests; index++) {
      await rig.reset();
      const subject = await open();
      await subject.identify(never);
      rig.traffic.loseNth(index);
      await preparedInTime(subject, clock, `after answer ${index} was lost`);
      await rig.heal();
      const table = only(await subject.locate(never));
      assert.deepEqual(await (await open()).locate(never), [table]);
      assert.deepEqual(shapeOf(await rig.snapshot()), shapeOf(expected), `after answer ${index} was lost`);
    }
  },

  async "remove() puts back what prepare() has changed, and does nothing twice"(
    bench: Bench,
  ): Promise<void> {
    const { rig, open } = bench;
    const before = await rig.snapshot();
    const { subject } = await ready(bench);
    await subject.remove(never);
    assert.deepEqual(await rig.snapshot(), before);
    const writes = rig.traffic.writes;
    await subject.remove(never);
    await (await open()).remove(never);
    assert.equal(rig.traffic.writes, writes);
    assert.deepEqual(await rig.snapshot(), before);
  },

  async "a table that was handed over is used as it is, and stays"(bench: Bench): Promise<void> {
    const { rig, open } = bench;
    const { options } = await rig.handOver();
    const before = await rig.snapshot();
    const subject = await open(options);
    const table = only(await subject.prepare(never));
    assert.equal(table.ours, false);
    assert.deepEqual(await subject.locate(never), [table]);
    await subject.remove(never);
    assert.equal(rig.traffic.writes, 0);
    assert.deepEqual(await rig.snapshot(), before);
    await done({ subject, table }, add("203.0.113.0/24", rig.self[4]));
    assert.deepEqual(
      await rig.routes(table.id).then((all) => all.filter((each) => each.startsWith("203."))),
      [
        `203.0.113.0/24 > ${rig.self[4]}`,
      ],
    );
  },

  async "tables that a tag names are looked up at each preparation"({ rig, open }: Bench): Promise<void> {
    const { options, tag } = await rig.handOver();
    assert.ok(tag);
    const [named] = options.routeTables ?? [];
    assert.ok(named);
    const missing = { name: "CloudError", kind: "gone", message: /^Cannot find a .* with the tag crs=yes: / };
    await assert.rejects((await open({ routeTables: ["tag:crs=yes"] })).prepare(never), missing);
    const both = await open({ routeTables: [named, "tag:crs=yes"] });
    const [before, ...others] = await both.prepare(never);
    assert.ok(before);
    assert.deepEqual([before.foundBy, others], [undefined, []]);
    await tag(true);
    const subject = await open({ routeTables: ["tag:crs=yes"] });
    const table = only(await subject.prepare(never));
    assert.deepEqual(table, { ...before, foundBy: "tag:crs=yes" });
    assert.deepEqual(await subject.locate(never), [table]);
    assert.deepEqual(await both.prepare(never), [before], "named and tagged it is one table");
    await done({ subject, table }, add("203.0.113.0/24", rig.self[4]));
    await tag(false);
    await assert.rejects(subject.prepare(never), missing);
    await tag(true);
    assert.deepEqual(await subject.prepare(never), [table]);
    assert.equal((await rig.routes(table.id)).filter((route) => route.startsWith("203.")).length, 1);
  },

  async "a table that is not there keeps no other from being kept"(bench: Bench): Promise<void> {
    await keepsNoOther(bench, needed(bench.rig.missingTable), "gone");
  },

  async "a table of a network that this VM is not in keeps no other from being kept"(
    bench: Bench,
  ): Promise<void> {
    await keepsNoOther(bench, await needed(bench.rig.strangeTable?.bind(bench.rig))(), "invalid");
  },

  async "a table of a network that this VM is not in is refused"({ rig, open }: Bench): Promise<void> {
    const strange = await needed(rig.strangeTable?.bind(rig))();
    const error = await failure((await open({ routeTables: [strange] })).prepare(never));
    assert.equal(error.kind, "invalid", error.message);
    assert.match(error.message, /^Cannot /);
    assert.equal(rig.traffic.writes, 0);
  },

  async "foresee() names the steps of prepare() and changes nothing; none is left after it"(
    bench: Bench,
  ): Promise<void> {
    const { rig, open } = bench;
    const before = await rig.snapshot();
    const subject = await open();
    const { tables, steps, toBe } = await subject.foresee(never);
    assert.deepEqual(tables, await subject.locate(never));
    assert.equal(rig.traffic.writes, 0);
    assert.deepEqual(await rig.snapshot(), before);
    const table = only(await subject.prepare(never));
    assert.deepEqual(
      steps.filter(({ action }) => action !== "copy").map(({ action }) => action),
      table.ours ? ["create", "associate"] : [],
    );
    const { routes } = await subject.read(table, never);
    const texts = (all: typeof routes): string[] =>
      all.map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`);
    assert.deepEqual(toBe === null ? null : texts(toBe.routes), table.ours ? texts(routes) : null);
    const after = await subject.foresee(never);
    assert.deepEqual({ ...after, tables: after.tables.map(tableAlone) }, {
      tables: [table],
      steps: [],
      toBe: null,
    });
  },

  async "a table that was handed over and is not there is gone"({ rig, open }: Bench): Promise<void> {
    const { options, remove } = await rig.handOver();
    await remove();
    const subject = await open(options);
    await assert.rejects(subject.prepare(never), { name: "CloudError", kind: "gone", message: /^Cannot / });
  },
};

/**
 * Hands over a table that is there beside one that cannot be kept.
 *
 * @param bad what `-route-table` calls the latter.
 * @param kind of the error that reading it is.
 */
async function keepsNoOther({ rig, open }: Bench, bad: string, kind: CloudErrorKind): Promise<void> {
  const { options: { routeTables: [named = ""] = [] } } = await rig.handOver();
  const isNamed = ({ id, name }: CloudTable): boolean => id === named || name === named;
  for (
    const [prefix, routeTables] of [["203.0.113.0/25", [bad, named]], ["203.0.113.128/25", [
      named,
      bad,
    ]]] as const
  ) {
    const subject = await open({ routeTables });
    const tables = await subject.prepare(never);
    assert.equal(tables.length, 2);
    assert.deepEqual(await subject.locate(never), tables);
    const there = tables.find(isNamed) ?? assert.fail(`${named} is not among the tables`);
    const other = tables.find((table) => !isNamed(table)) ?? assert.fail(`${bad} is not among the tables`);
    await done({ subject, table: there }, add(prefix, rig.self[4]));
    const error = await failure(subject.read(other, never));
    assert.equal(error.kind, kind, error.message);
    const what = bad.slice(bad.lastIndexOf("/") + 1);
    assert.ok(error.message.includes(what), error.message);
    const findings = await subject.check(false, never);
    assert.ok(
      findings.some(({ status, detail }) => status === "bad" && detail === error.message),
      `doctor does not tell it: ${JSON.stringify(findings)}`,
    );
  }
}

/** The requests that prepare() makes where nothing is there, and what it leaves. */
async function countRequests({ rig, open }: Bench): Promise<number> {
  const subject = await open();
  await subject.identify(never);
  const before = rig.traffic.count;
  await subject.prepare(never);
  return rig.traffic.count - before;
}

/** A snapshot without the ids and the order that differ from one making to the next. */
function shapeOf(snapshot: unknown): string {
  const sorted = JSON.stringify(
    snapshot,
    (_key, value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => left < right ? -1 : 1))
        : value,
  );
  return sorted.replace(/\b(rtb|eni|igw|subnet|vpc|rtbassoc)-[0-9a-f]+/g, "$1");
}
