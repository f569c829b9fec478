/** The plan's document has the contract's keys and no other, and its text reads at a glance. */

import assert from "node:assert/strict";
import { planDocument, planHasChanges, planText } from "../../../src/cli/plan_report.ts";
import { judgePrefix } from "../../../src/routes/policy.ts";
import { cloudRoute, quota } from "../../fakes/cloud_routes.ts";
import { planOf, type Scene } from "../../fakes/comparisons.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallVm } from "../../fakes/policies.ts";

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
  verdicts: judgePrefix([kernelRoute("10.0.7.0/24", { via: "172.16.0.1" })], defaultPolicy, smallVm),
};

Deno.test("planDocument() is the contract's document", () => {
  assert.deepEqual(planDocument(planOf(busy)), {
    cloud: "local",
    table: "t",
    changes: [
      { action: "replace", prefix: "192.0.2.0/24", from: "10.0.0.8", to: "10.0.0.9" },
      { action: "add", prefix: "198.51.100.0/24", from: null, to: "10.0.0.9" },
      { action: "delete", prefix: "203.0.113.0/24", from: "10.0.0.9", to: null },
    ],
    kept: 1,
    foreign: 1,
    dropped: [
      { prefix: "10.0.7.0/24", reason: "own-network" },
      { prefix: "0.0.0.0/1", reason: "foreign-route" },
    ],
    quota: { used: 4, limit: 50 },
    verdict: "apply",
    why: "3 changes; foreign routes stand at 0.0.0.0/1",
  });
});

Deno.test("planDocument() counts one change as one", () => {
  assert.equal(planDocument(planOf({ wanted: { "192.0.2.0/24": ["10.0.0.9"] } })).why, "1 change");
});

Deno.test("planDocument() of a table in step has no changes", () => {
  const document = planDocument(
    planOf({ wanted: { "192.0.2.0/24": ["10.0.0.9"] }, own: [cloudRoute("192.0.2.0/24", "10.0.0.9")] }),
  );
  assert.deepEqual([document.changes, document.verdict, document.why], [[], "apply", "the table is in step"]);
  assert.deepEqual(document.quota, { used: 0, limit: null });
  assert.equal(planHasChanges(document), false);
});

Deno.test("planDocument() refuses when a quota has no room, and names what does not fit", () => {
  const wanted = Object.fromEntries(
    Array.from({ length: 5 }, (_, index) => [`198.51.${index}.0/24`, ["10.0.0.9"]]),
  );
  const document = planDocument(planOf({ wanted, quotas: [quota(9, 10)] }));
  assert.equal(document.verdict, "refuse");
  assert.equal(
    document.why,
    "no room in the quota for 198.51.1.0/24, 198.51.2.0/24, 198.51.3.0/24 and 1 more",
  );
  assert.equal(document.dropped.filter(({ reason }) => reason === "quota").length, 4);
  assert.equal(document.changes.length, 1);
  assert.equal(planHasChanges(document), true);
});

Deno.test("planDocument() holds a mass withdrawal, whose changes it shows all the same", () => {
  const own = Array.from({ length: 12 }, (_, index) => cloudRoute(`10.${index}.0.0/16`, "10.0.0.9"));
  const document = planDocument(planOf({ own }));
  assert.equal(document.verdict, "hold");
  assert.match(document.why, /^12 of 12 owned routes would go within 120 s/);
  assert.equal(document.changes.length, 12);
  assert.match(planText(planOf({ own })), /^- 10\.0\.0\.0\/16 +<10\.0\.0\.9> +\(held\)$/m);
});

Deno.test("planDocument() tells used and limit of one quota: the one with the least room", () => {
  const quotas = [quota(10, 50), quota(45, 50, [6])];
  assert.deepEqual(planDocument(planOf({ quotas })).quota, { used: 45, limit: 50 });
  assert.deepEqual(planDocument(planOf({ quotas: [quota(10, null), quota(45, 50, [6])] })).quota, {
    used: 45,
    limit: 50,
  });
});

Deno.test("planDocument() tells a next hop that is not known at the moment", () => {
  const document = planDocument(planOf({ wanted: { "192.0.2.0/24": ["10.0.0.99"] } }));
  assert.deepEqual(document.dropped, [{ prefix: "192.0.2.0/24", reason: "unknown-next-hop" }]);
});

Deno.test("planText() shows +, ~ and - with the next hops as people read them", () => {
  assert.equal(
    planText(planOf(busy)),
    [
      "local table t",
      "~ 192.0.2.0/24     <10.0.0.8> → <10.0.0.9>",
      "+ 198.51.100.0/24  → <10.0.0.9>",
      "- 203.0.113.0/24   <10.0.0.9>",
      "! 0.0.0.0/1        a foreign route to <igw-1> stands there (-adopt takes it over)",
      "1 to add, 1 to replace, 1 to delete, 1 kept, 1 foreign; quota: 4 of 50 used",
      "apply: 3 changes; foreign routes stand at 0.0.0.0/1",
      "",
    ].join("\n"),
  );
});
