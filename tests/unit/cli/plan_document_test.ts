/** The plan's document has the contract's keys and no other, and its text reads at a glance. */

import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { planHasChanges, tablePlan } from "../../../src/cli/plan_document.ts";
import { planText } from "../../../src/cli/plan_text.ts";
import { cloudRoute, quota } from "../../fakes/cloud_routes.ts";
import { planOf, type Scene } from "../../fakes/comparisons.ts";

const busy: Scene = {
  wanted: {
    "198.51.100.0/24": ["10.0.0.9"],
    "192.0.2.0/24": ["10.0.0.9"],
    "172.16.0.0/12": ["10.0.0.9"],
    "0.0.0.0/1": ["10.0.0.9"],
  },
  own: [
    cloudRoute("192.0.2.0/24", "10.0.0.8"),
    cloudRoute("203.0.113.0/24", "10.0.0.9"),
    cloudRoute("172.16.0.0/12", "10.0.0.9"),
  ],
  foreign: [cloudRoute("0.0.0.0/1", "igw-1", null)],
  quotas: [quota(4, 50)],
  dropped: { counts: new Map([["own-network", 3], ["no-gateway", 1]]), list: null },
};

Deno.test("tablePlan() is the contract's document", () => {
  assert.deepEqual(tablePlan(planOf(busy)), {
    table: "t",
    preparation: [],
    changes: [
      { action: "replace", prefix: "192.0.2.0/24", from: "10.0.0.8", to: "10.0.0.9" },
      { action: "add", prefix: "198.51.100.0/24", from: null, to: "10.0.0.9" },
      { action: "delete", prefix: "203.0.113.0/24", from: "10.0.0.9", to: null },
    ],
    kept: 1,
    foreign: 1,
    droppedCounts: { "own-network": 3, "no-gateway": 1, "foreign-route": 1 },
    blocked: [{ prefix: "0.0.0.0/1", reason: "foreign-route" }],
    quota: { used: 4, limit: 50 },
    verdict: "apply",
    why: "3 changes; foreign routes block 0.0.0.0/1",
  });
});

/** What is dropped, as `-dropped` asks for it. */
const listed: Scene = {
  ...busy,
  dropped: {
    counts: new Map([["own-network", 1]]),
    list: [{ prefix: "10.0.7.0/24", reason: "own-network" }],
  },
};

Deno.test("tablePlan() lists what is dropped only where that was asked for", () => {
  assert.equal("dropped" in tablePlan(planOf(busy)), false);
  const { dropped, droppedCounts } = tablePlan(planOf(listed));
  assert.deepEqual(dropped, [
    { prefix: "10.0.7.0/24", reason: "own-network" },
    { prefix: "0.0.0.0/1", reason: "foreign-route" },
  ]);
  assert.deepEqual(droppedCounts, { "own-network": 1, "foreign-route": 1 });
});

Deno.test("planText() counts what is dropped, and lists it where that was asked for", () => {
  const lines = (scene: Scene): string[] => planText(planOf(scene)).split("\n");
  assert.ok(
    lines(busy).includes("kernel routes not wanted: 3 own-network, 1 no-gateway (-dropped lists them)"),
  );
  assert.ok(lines(listed).includes("kernel routes not wanted: 1 own-network"));
  assert.ok(lines(listed).some((line) => /^x 10\.0\.7\.0\/24 +own-network$/.test(line)));
});

Deno.test("a plan tells what is prepared before routes are written, and is not in step while there is such", () => {
  const steps = [
    { action: "create", what: "route table in vpc-1", from: null, to: null },
    { action: "copy", what: "route 0.0.0.0/0", from: null, to: "igw-1" },
    { action: "copy", what: "route 10.9.0.0/16", from: "pcx-1", to: null },
    { action: "associate", what: "subnet-1", from: "rtb-main", to: "(new)" },
  ] as const;
  const parts = { ...planOf({}), preparation: steps };
  assert.equal(planHasChanges(tablePlan(parts)), true);
  assert.deepEqual(tablePlan(parts).preparation, steps);
  const lines = planText(parts).split("\n").map((line) => line.replaceAll(/ +/g, " ").trim());
  assert.deepEqual(lines.slice(1, 5), [
    "* create route table in vpc-1",
    "* copy route 0.0.0.0/0 → igw-1",
    "* remove copy of route 10.9.0.0/16 pcx-1",
    "* associate subnet-1 rtb-main → (new)",
  ]);
  assert.equal(lines.at(-2), "would apply: 4 steps of preparation");
  const busyToo = tablePlan({
    ...planOf({ wanted: { "192.0.2.0/24": ["10.0.0.9"] } }),
    preparation: steps,
  });
  assert.equal(busyToo.why, "4 steps of preparation, 1 change");
});

Deno.test("tablePlan() counts one change as one", () => {
  assert.equal(tablePlan(planOf({ wanted: { "192.0.2.0/24": ["10.0.0.9"] } })).why, "1 change");
});

Deno.test("tablePlan() of a table in step has no changes", () => {
  const document = tablePlan(
    planOf({ wanted: { "192.0.2.0/24": ["10.0.0.9"] }, own: [cloudRoute("192.0.2.0/24", "10.0.0.9")] }),
  );
  assert.deepEqual([document.changes, document.verdict, document.why], [[], "apply", "the table is in step"]);
  assert.deepEqual(document.quota, { used: 0, limit: null });
  assert.equal(planHasChanges(document), false);
});

Deno.test("tablePlan() refuses what is over the quota, and names it", () => {
  const wanted = Object.fromEntries(
    Array.from({ length: 5 }, (_, index) => [`198.51.${index}.0/24`, ["10.0.0.9"]]),
  );
  const document = tablePlan(planOf({ wanted, quotas: [quota(9, 10)] }));
  assert.equal(document.verdict, "refuse");
  assert.equal(
    document.why,
    "over the quota: 198.51.1.0/24, 198.51.2.0/24, 198.51.3.0/24 and 1 more",
  );
  assert.equal(document.blocked.filter(({ reason }) => reason === "quota").length, 4);
  assert.equal(document.changes.length, 1);
  assert.equal(planHasChanges(document), true);
});

Deno.test("tablePlan() holds a mass withdrawal, whose changes it shows all the same", () => {
  const own = Array.from({ length: 12 }, (_, index) => cloudRoute(`10.${index}.0.0/16`, "10.0.0.9"));
  const document = tablePlan(planOf({ own }));
  assert.equal(document.verdict, "hold");
  assert.match(document.why, /^12 of 12 owned routes would go within 120 s/);
  assert.equal(document.changes.length, 12);
  assert.match(planText(planOf({ own })), /^- 10\.0\.0\.0\/16 +<10\.0\.0\.9> +\(held\)$/m);
});

Deno.test("tablePlan() tells used and limit of one quota: the one with the fewest free places", () => {
  const quotas = [quota(10, 50), quota(45, 50, [6])];
  assert.deepEqual(tablePlan(planOf({ quotas })).quota, { used: 45, limit: 50 });
  assert.deepEqual(tablePlan(planOf({ quotas: [quota(10, null), quota(45, 50, [6])] })).quota, {
    used: 45,
    limit: 50,
  });
});

Deno.test("tablePlan() tells a next hop that is not known at the moment", () => {
  const document = tablePlan(planOf({ wanted: { "192.0.2.0/24": ["10.0.0.99"] } }));
  assert.deepEqual(document.blocked, [{ prefix: "192.0.2.0/24", reason: "unknown-next-hop" }]);
});

Deno.test("a plan whose wanted routes are not in the table is not in step, though nothing can be written", () => {
  const wanted = { "192.0.2.0/24": ["10.0.0.9"] };
  const blocked = planOf({ wanted, foreign: [cloudRoute("192.0.2.0/24", "igw-1", null)] });
  assert.equal(planHasChanges(tablePlan(blocked)), true);
  assert.match(planText(blocked), /^not in step: nothing to write; foreign routes block 192\.0\.2\.0\/24$/m);
  const unknown = planOf({ wanted: { "192.0.2.0/24": ["10.0.0.99"] } });
  assert.equal(planHasChanges(tablePlan(unknown)), true);
  assert.match(planText(unknown), /^! 192\.0\.2\.0\/24 +its next hop is not known at the moment$/m);
  assert.match(
    planText(unknown),
    /^not in step: nothing to write; the next hops of 192\.0\.2\.0\/24 are not known$/m,
  );
});

Deno.test("planText() shows +, ~ and - with the next hops as people read them", () => {
  assert.equal(
    planText(planOf(busy)),
    [
      "local table t",
      "~ 192.0.2.0/24     <10.0.0.8> → <10.0.0.9>",
      "+ 198.51.100.0/24  → <10.0.0.9>",
      "- 203.0.113.0/24   <10.0.0.9>",
      "! 0.0.0.0/1        blocked by a foreign route to <igw-1> (-adopt takes it over)",
      "kernel routes not wanted: 3 own-network, 1 no-gateway (-dropped lists them)",
      "1 to add, 1 to replace, 1 to delete, 1 kept, 1 foreign; quota: 4 of 50 used",
      "would apply: 3 changes; foreign routes block 0.0.0.0/1",
      "",
    ].join("\n"),
  );
});

Deno.test("planText() colours each line by its sign for a terminal, and changes nothing else", () => {
  const colours = planText(planOf(busy), true).split("\n").flatMap((line) => {
    const [, colour, sign] = line.match(/^.\[(\d+)m(.) .*.\[0m$/) ?? [];
    return sign === undefined ? [] : [`${sign} ${colour}`];
  });
  assert.deepEqual(colours, ["~ 33", "+ 32", "- 31", "! 35"]);
  assert.equal(stripVTControlCharacters(planText(planOf(busy), true)), planText(planOf(busy)));
});
