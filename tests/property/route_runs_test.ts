/** A state's columns bring each route once, whatever tables and events have made of them. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { KernelState } from "../../src/kernel/table/kernel_state.ts";
import { type Family, parsePrefix, type Prefix, prefixContains } from "../../src/routes/prefix.ts";
import { prefixAt, runsInside } from "../../src/routes/route_rows.ts";

const prefixes = [
  "10.0.0.0/24",
  "10.0.0.0/8",
  "10.0.1.0/24",
  "192.0.2.0/24",
  "200.0.0.0/8",
  "2001:db8::/48",
  "2001:db8::/32",
  "::/0",
].map(parsePrefix);

/** A route of a table: the metric tells routes of a prefix apart. */
interface Row {
  readonly prefix: Prefix;
  readonly table: number;
  readonly metric: number;
}

const someRow: fc.Arbitrary<Row> = fc.record({
  prefix: fc.constantFrom(...prefixes),
  table: fc.constantFrom(254, 7, 255),
  metric: fc.nat(2),
});

const scene = fc.record({
  dumped: fc.array(someRow, { maxLength: 30 }),
  /** What events give prefixes of a table: nothing, or one route. */
  changed: fc.array(fc.tuple(someRow, fc.boolean()), { maxLength: 6 }),
});

const tables = [254, 7, 255];

function bodyOf(state: KernelState, { table, metric }: Row): number {
  return state.bodies.add({ words: Int32Array.of(1 << 16, table, metric, 0, 0, 0), length: 6 });
}

function stateOf(
  { dumped, changed }: { dumped: readonly Row[]; changed: readonly (readonly [Row, boolean])[] },
): KernelState {
  const state = new KernelState(tables, [4, 6]);
  const segmentOf = ({ prefix, table }: Row) => state.segmentFor(prefix.family, table);
  for (const row of dumped) segmentOf(row).append(row.prefix.words, row.prefix.length, bodyOf(state, row));
  for (const segment of state.segments) segment.seal();
  for (const [row, stays] of changed) {
    const { words, length } = row.prefix;
    const segment = segmentOf(row);
    segment.change(words, length, segment.routesOf(words, length), stays ? [bodyOf(state, row)] : []);
  }
  return state;
}

function groupText(prefix: Prefix, bodies: Iterable<number>): string {
  return `${prefix.text} ${[...bodies]}`;
}

Deno.test("StateRows.runs() brings each prefix once with all its routes", () => {
  fc.assert(
    fc.property(scene, fc.subarray(prefixes), (parts, without) => {
      const state = stateOf(parts);
      const found = Array.from(state.rows().runs(without)).flatMap((run) => {
        const rows = Array.from({ length: run.end - run.start }, (_, index) => run.start + index);
        const groups = Map.groupBy(rows, (row) => prefixAt(run, row).text);
        return Array.from(
          groups,
          ([text, of]) => groupText(parsePrefix(text), of.map((row) => run.bodies[row] ?? -1)),
        );
      });
      const expected = prefixes.filter((prefix) => !without.includes(prefix)).flatMap((prefix) => {
        const bodies = state.rows().bodiesOf(prefix);
        return bodies.length === 0 ? [] : [groupText(prefix, bodies)];
      });
      assert.deepEqual(found.sort(), expected.sort());
    }),
    { numRuns: 2000 },
  );
});

Deno.test("KernelState.prefixes() has of each prefix the routes of the preferred table first", () => {
  fc.assert(
    fc.property(scene, (parts) => {
      const state = stateOf(parts);
      for (const routes of state.prefixes()) {
        const [first] = routes;
        assert.ok(first);
        assert.deepEqual(routes, state.routesOf(first.prefix));
        const order = routes.map(({ table }) => tables.indexOf(table));
        assert.deepEqual(order, order.toSorted());
      }
      assert.equal([...state.routes()].length, state.size);
    }),
    { numRuns: 500 },
  );
});

/** A table of one prefix after the other, in which the one at `at` has `count` routes. */
function longTable(family: Family, at: number, count: number): KernelState {
  const state = new KernelState([254], [family]);
  const segment = state.segmentFor(family, 254);
  for (let index = 0; index < 40_000; index++) {
    const words = family === 4
      ? [0x0b000000 + index * 256, 0, 0, 0] as const
      : [0x20010db8, index, 0, 0] as const;
    for (let body = 0; body < (index === at ? count : 1); body++) {
      segment.append(words, family === 4 ? 24 : 64, body);
    }
  }
  segment.seal();
  return state;
}

Deno.test("StateRows.runs() keeps the routes of a prefix together that lie on two pages", () => {
  for (const family of [4, 6] as const) {
    // A page has 16,384 rows.
    for (const at of [16_380, 16_382, 16_383, 16_384]) {
      const state = longTable(family, at, 5);
      let rows = 0, together = 0;
      for (const run of state.rows().runs()) {
        rows += run.end - run.start;
        const count = Array.from(run.bodies.subarray(run.start, run.end)).filter((body) => body > 0).length;
        assert.ok(count === 0 || count === 4, `${count} of the prefix's further routes in one run`);
        together += count;
      }
      assert.deepEqual([rows, together], [40_004, 4]);
    }
  }
});

Deno.test("runsInside() brings the rows that lie inside a range, and no other", () => {
  fc.assert(
    fc.property(scene, fc.subarray(prefixes), (parts, ranges) => {
      const state = stateOf(parts);
      const found = Array.from(runsInside(state.rows().runs(), ranges)).flatMap((run) =>
        Array.from({ length: run.end - run.start }, (_, index) => prefixAt(run, run.start + index).text)
      );
      const expected = Array.from(state.routes(), ({ prefix }) => prefix).filter((prefix) =>
        ranges.some((range) => prefixContains(range, prefix))
      );
      assert.deepEqual(found, expected.map(({ text }) => text));
    }),
    { numRuns: 1000 },
  );
});
