/** The truth table of `plan.ts`, row by row, and the choice of next hops. */

import assert from "node:assert/strict";
import type { CloudRoute } from "../../../src/clouds/cloud.ts";
import { chooseNextHops, sameNextHops } from "../../../src/sync/planned_change.ts";
import { type Difference, difference } from "../../../src/sync/plan.ts";
import type { Target } from "../../../src/sync/planned_change.ts";
import { cloudRoute, tableIndex, target } from "../../fakes/cloud_routes.ts";

const prefix = "198.51.100.0/24";

interface Row {
  readonly name: string;
  /** Undefined: not wanted; null: not known at the moment. */
  readonly wanted: Target | null | undefined;
  readonly own?: CloudRoute;
  readonly foreign?: CloudRoute;
  readonly adopt?: boolean;
  readonly ownership?: "mark" | "ledger";
  readonly expected: string;
}

const wanted = target(prefix, "eni-1");
const ours = cloudRoute(prefix, "eni-1");
const oursElsewhere = cloudRoute(prefix, "eni-9");
const foreign = cloudRoute(prefix, "igw-1", null);
const foreignAsWanted = cloudRoute(prefix, "eni-1", null);
const anothers = cloudRoute(prefix, "eni-9", "another");
const propagated: CloudRoute = { ...cloudRoute(prefix, "vgw-1", null), fixed: true };

const rows: readonly Row[] = [
  { name: "not wanted, nothing there", wanted: undefined, expected: "nothing" },
  { name: "not wanted, a foreign route there", wanted: undefined, foreign, expected: "nothing" },
  { name: "not wanted, ours there", wanted: undefined, own: ours, expected: "delete (not-wanted)" },
  {
    name: "not wanted, ours beside a foreign one",
    wanted: undefined,
    own: ours,
    foreign,
    expected: "delete (not-wanted)",
  },
  { name: "wanted, nothing there", wanted, expected: "add to eni-1 (missing)" },
  { name: "wanted, a foreign route there", wanted, foreign, expected: "conflict" },
  { name: "wanted, a foreign route just as wanted", wanted, foreign: foreignAsWanted, expected: "conflict" },
  {
    name: "wanted, -adopt, a foreign route there",
    wanted,
    foreign,
    adopt: true,
    expected: "replace to eni-1 (adopted)",
  },
  {
    name: "wanted, -adopt, a foreign route just as wanted, by ledger",
    wanted,
    foreign: foreignAsWanted,
    adopt: true,
    expected: "claim",
  },
  {
    name: "wanted, -adopt, a foreign route just as wanted, by mark",
    wanted,
    foreign: foreignAsWanted,
    adopt: true,
    ownership: "mark",
    expected: "replace to eni-1 (adopted)",
  },
  {
    name: "wanted, -adopt, another instance's route there",
    wanted,
    foreign: anothers,
    adopt: true,
    expected: "conflict",
  },
  { name: "wanted, a route that the cloud put there", wanted, foreign: propagated, expected: "conflict" },
  {
    name: "wanted, -adopt, a route that the cloud put there",
    wanted,
    foreign: propagated,
    adopt: true,
    expected: "add to eni-1 (adopted)",
  },
  {
    name: "wanted, -adopt, the network's own route there",
    wanted,
    foreign: { ...cloudRoute(prefix, "local", null), fixed: true, protected: true },
    adopt: true,
    expected: "conflict",
  },
  { name: "wanted, ours as wanted", wanted, own: ours, expected: "kept" },
  { name: "wanted, ours as wanted beside a foreign one", wanted, own: ours, foreign, expected: "kept" },
  {
    name: "wanted, ours as wanted, and the cloud says that it failed",
    wanted,
    own: { ...ours, failed: true },
    expected: "replace to eni-1 (failed)",
  },
  {
    name: "wanted, ours elsewhere",
    wanted,
    own: oursElsewhere,
    expected: "replace to eni-1 (next-hop-changed)",
  },
  {
    name: "wanted, ours elsewhere beside a foreign one",
    wanted,
    own: oursElsewhere,
    foreign,
    adopt: true,
    expected: "replace to eni-1 (next-hop-changed)",
  },
  { name: "not known yet, nothing there", wanted: null, expected: "nothing" },
  { name: "not known yet, ours there", wanted: null, own: ours, expected: "nothing" },
  { name: "not known yet, a foreign route there", wanted: null, foreign, adopt: true, expected: "nothing" },
];

/** The one outcome of a row, as words. */
function outcome(row: Row): string {
  const parts = difference([prefix], {
    wanted: () => row.wanted,
    index: tableIndex(row.own === undefined ? [] : [row.own], row.foreign === undefined ? [] : [row.foreign]),
    traits: { nextHopsPerRoute: 1, ownership: row.ownership ?? "ledger", uniquePrefix: true },
    adopt: row.adopt ?? false,
    group: null,
  });
  const changes = [...parts.adds, ...parts.replaces, ...parts.deletes].map(({ action, to, why }) =>
    `${action}${to === null ? "" : ` to ${to.join()}`} (${why})`
  );
  return [
    ...changes,
    ...parts.conflicts.map(() => "conflict"),
    ...parts.claims.map(() => "claim"),
    ...Array.from({ length: parts.kept }, () => "kept"),
  ].join(", ") || "nothing";
}

for (const row of rows) {
  Deno.test(`difference() when ${row.name}: ${row.expected}`, () => assert.equal(outcome(row), row.expected));
}

Deno.test("difference() names the route that a change replaces or deletes just as it was read", () => {
  const input = {
    index: tableIndex([oursElsewhere]),
    traits: { nextHopsPerRoute: 1, ownership: "mark" as const, uniquePrefix: true },
    adopt: false,
    group: null,
  };
  assert.equal(difference([prefix], { ...input, wanted: () => wanted }).replaces[0]?.from, oursElsewhere);
  assert.equal(difference([prefix], { ...input, wanted: () => undefined }).deletes[0]?.from, oursElsewhere);
});

Deno.test("difference() looks at the given prefixes only", () => {
  const parts = difference([], {
    wanted: () => wanted,
    index: tableIndex([ours]),
    traits: { nextHopsPerRoute: 1, ownership: "mark", uniquePrefix: true },
    adopt: false,
    group: null,
  });
  assert.deepEqual(parts, {
    adds: [],
    replaces: [],
    deletes: [],
    conflicts: [],
    claims: [],
    kept: 0,
    left: [],
    memories: new Map(),
  });
});

Deno.test("chooseNextHops() takes all that the cloud takes, sorted", () => {
  assert.deepEqual(chooseNextHops(target(prefix, "c,a,b"), [], 8), ["a", "b", "c"]);
  assert.deepEqual(chooseNextHops(target(prefix, "c,a,b"), [], 2), ["a", "c"], "the preferred two");
});

Deno.test("chooseNextHops() takes the preferred one where the cloud takes one", () => {
  assert.deepEqual(chooseNextHops(target(prefix, "c,a,b"), [], 1), ["c"]);
  assert.deepEqual(chooseNextHops(target(prefix, "c,a,b"), ["gone"], 1), ["c"]);
});

Deno.test("chooseNextHops() keeps the one it has while that is wanted", () => {
  assert.deepEqual(chooseNextHops(target(prefix, "c,a,b"), ["b"], 1), ["b"]);
  assert.deepEqual(chooseNextHops(target(prefix, "c,a,b"), ["b"], 2), ["b", "c"]);
});

Deno.test("sameNextHops() minds the names and not the order", () => {
  assert.equal(sameNextHops(["a", "b"], ["b", "a"]), true);
  assert.equal(sameNextHops(["a"], ["a", "b"]), false);
  assert.equal(sameNextHops(["a", "b"], ["a"]), false);
  assert.equal(sameNextHops([], []), true);
});

Deno.test("difference() adds beside another instance's route where a prefix can stand twice, and nowhere else", () => {
  const another = cloudRoute(prefix, "eni-9", "another");
  const ask = (standing: CloudRoute, uniquePrefix: boolean): Difference =>
    difference([prefix], {
      wanted: () => wanted,
      index: tableIndex([], [standing]),
      traits: { nextHopsPerRoute: 1, ownership: "mark", uniquePrefix },
      adopt: false,
      group: null,
    });
  assert.equal(ask(another, false).adds.length, 1);
  assert.equal(ask(another, true).conflicts.length, 1);
  assert.equal(ask({ ...another, owner: null }, false).conflicts.length, 1);
});

/** What becomes of a route of ours when the kernel moves to these next hops and a foreign route beside it has `eni-2`. */
function besideForeign(wantedHops: string, adopt: boolean): string {
  const parts = difference([prefix], {
    wanted: () => target(prefix, wantedHops),
    index: tableIndex([cloudRoute(prefix, "eni-1")], [cloudRoute(prefix, "eni-2", null)]),
    traits: { nextHopsPerRoute: 8, ownership: "ledger", uniquePrefix: false },
    adopt,
    group: null,
  });
  return [...parts.replaces, ...parts.deletes].map(({ action, to }) => `${action} ${to?.join() ?? ""}`)
    .join();
}

Deno.test("difference() never moves ours onto what a foreign route has, where only the ledger tells them apart", () => {
  assert.equal(besideForeign("eni-2", false), "delete ");
  assert.equal(besideForeign("eni-2,eni-3", false), "replace eni-3");
  assert.equal(besideForeign("eni-2", true), "replace eni-2");
});

Deno.test("difference() gives a prefix no more next hops than the cloud takes for it", () => {
  const several = { ...target(prefix, "eni-1"), nextHops: ["eni-1", "eni-2"] };
  const traits = { nextHopsPerRoute: 8, ownership: "mark", uniquePrefix: true } as const;
  const made = (nextHopsOf: () => number): readonly (readonly string[] | null)[] =>
    difference([prefix], {
      wanted: () => several,
      index: tableIndex([]),
      traits: { ...traits, nextHopsOf },
      adopt: false,
      group: null,
    })
      .adds.map(({ to }) => to);
  assert.deepEqual(made(() => 8), [["eni-1", "eni-2"]]);
  assert.deepEqual(made(() => 1), [["eni-1"]]);
});
