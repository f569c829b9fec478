import assert from "node:assert/strict";
import {
  type DumpedCount,
  findShortfall,
  type Shortfall,
  sixEntries,
  trieCounts,
} from "../../../../src/kernel/dump/route_census.ts";
import type { Family } from "../../../../src/routes/prefix.ts";

/** As Linux 6.18 writes it. */
function trie(...tables: readonly (readonly [name: string, prefixes: number])[]): string {
  const blocks = tables.map(([name, prefixes]) =>
    `${name}:\n\tAver depth:     2.25\n\tMax depth:      4\n\tLeaves:         ${prefixes}\n` +
    `\tPrefixes:       ${prefixes}\n\tInternal nodes: 7\n\t  1: 2  2: 3  3: 1  5: 1\n\tPointers: 56\n` +
    `Null ptrs: 22\nTotal size: 4  kB\n`
  );
  return `Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.\n${blocks.join("")}`;
}

const sixText = (entries: number): string =>
  `000c 0008 000e ${entries.toString(16).padStart(4, "0")} 0000 0000 0000\n`;

interface Scene {
  readonly family: Family;
  readonly dumps: readonly (readonly [table: number | null, count: number])[];
  readonly text: string | null;
  readonly changes?: number;
  /** What dumps of these tables bring; null: all. */
  readonly others?: ReadonlyMap<number | null, number>;
}

async function shortfall({ family, dumps, text, changes = 0, others }: Scene): Promise<Shortfall | null> {
  const all = dumps.map(([table, count]): DumpedCount => ({ family, table, count, whole: true }));
  return await findShortfall(family, all, changes, {
    readText: () => Promise.resolve(text),
    countDump: (_, table) => {
      const count = others?.get(table);
      assert.ok(count !== undefined, `table ${table} is dumped for nothing`);
      return Promise.resolve(count);
    },
  });
}

Deno.test("trieCounts reads the routes of each table, and whether main and local share theirs", () => {
  const shared = trieCounts(trie(["Main", 28], ["Local", 28], ["Id 1000", 3]));
  assert.deepEqual([...shared.tables], [[254, 28], [255, 28], [1000, 3]]);
  assert.equal(shared.shared, true);
  assert.equal(trieCounts(trie(["Local", 5], ["Main", 28])).shared, false);
  assert.deepEqual(trieCounts("").tables.size, 0);
});

Deno.test("sixEntries reads the fourth number, and 0 of what is no such text", () => {
  assert.equal(sixEntries(sixText(0x1b)), 27);
  assert.equal(sixEntries("nonsense"), 0);
});

Deno.test("findShortfall finds an IPv4 dump that brings fewer routes than the table has", async () => {
  const own = trie(["Local", 5], ["Main", 23]);
  assert.equal(await shortfall({ family: 4, dumps: [[254, 23]], text: own }), null);
  assert.deepEqual(await shortfall({ family: 4, dumps: [[254, 22]], text: own }), {
    family: 4,
    table: 254,
    dumped: 22,
    expected: 23,
  });
  assert.equal(await shortfall({ family: 4, dumps: [[254, 22]], text: own, changes: 1 }), null);
  assert.equal(
    (await shortfall({ family: 4, dumps: [[254, 23], [52, 1]], text: trie(["Id 52", 2]) }))?.table,
    52,
  );
});

Deno.test("findShortfall takes the local table's routes off where main has them too", async () => {
  const text = trie(["Main", 28], ["Local", 28]);
  const others = new Map([[255, 5]]);
  assert.equal(await shortfall({ family: 4, dumps: [[254, 23]], text, others }), null);
  assert.equal((await shortfall({ family: 4, dumps: [[254, 22]], text, others }))?.expected, 23);
  assert.equal(await shortfall({ family: 4, dumps: [[254, 23], [255, 5]], text }), null);
  assert.equal(await shortfall({ family: 4, dumps: [[null, 28]], text }), null);
  assert.equal((await shortfall({ family: 4, dumps: [[null, 27]], text }))?.expected, 28);
});

Deno.test("findShortfall looks for a thousand IPv6 legs that are missing, in other tables too", async () => {
  const text = sixText(1_207);
  assert.equal(await shortfall({ family: 6, dumps: [[254, 208]], text }), null);
  const others = new Map<number | null, number>([[255, 4], [null, 207]]);
  assert.deepEqual(await shortfall({ family: 6, dumps: [[254, 203]], text, others }), {
    family: 6,
    table: null,
    dumped: 207,
    expected: 1_207,
  });
  assert.equal(
    await shortfall({ family: 6, dumps: [[254, 203]], text, others: new Map([...others, [null, 1_207]]) }),
    null,
  );
  assert.equal((await shortfall({ family: 6, dumps: [[null, 207]], text }))?.dumped, 207);
});

Deno.test("findShortfall knows nothing without the kernel's count", async () => {
  assert.equal(await shortfall({ family: 4, dumps: [[254, 0]], text: null }), null);
  assert.equal(await shortfall({ family: 6, dumps: [[254, 0]], text: null }), null);
});
