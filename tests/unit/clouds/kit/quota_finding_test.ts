import assert from "node:assert/strict";
import type { CloudQuota } from "../../../../src/clouds/cloud.ts";
import { quotaFindings } from "../../../../src/clouds/kit/quota_finding.ts";

const words = { table: "t1", raise: "ask for more", unknownLimit: "nobody tells", unknownRemedy: "allow it" };

function quota(used: number, limit: number | null, ...families: CloudQuota["families"]): CloudQuota {
  return { families: families.length === 0 ? [4, 6] : families, used, limit };
}

for (
  const [why, quotas, expected] of [
    ["there is a place left", [quota(3, 10)], { status: "ok", detail: "3 of 10 routes" }],
    ["nine tenths are taken", [quota(9, 10)], {
      status: "ok",
      detail: "9 of 10 routes",
      remedy: "ask for more",
    }],
    ["it is full", [quota(10, 10)], { status: "bad", detail: "10 of 10 routes", remedy: "ask for more" }],
    ["it takes none at all", [quota(0, 0)], {
      status: "bad",
      detail: "0 of 0 routes",
      remedy: "ask for more",
    }],
    ["no limit is told", [quota(1, null)], {
      status: "unknown",
      detail: "1 route; nobody tells",
      remedy: "allow it",
    }],
    ["one of two limits is told", [quota(1, null), quota(2, 20)], {
      status: "unknown",
      detail: "1 route; nobody tells",
      remedy: "allow it",
    }],
    ["one of two limits is told, and full", [quota(1, null), quota(20, 20)], {
      status: "bad",
      detail: "20 of 20 routes",
      remedy: "ask for more",
    }],
    ["one of two is reached first", [quota(5, 100), quota(50, 60)], {
      status: "ok",
      detail: "50 of 60 routes",
    }],
  ] as const
) {
  Deno.test(`quotaFindings() says "${expected.status}" where ${why}`, () => {
    assert.deepEqual(quotaFindings(quotas, words), [{ name: "route quota of t1", ...expected }]);
  });
}

Deno.test("quotaFindings() tells families apart that are counted apart, and has no remedy where there is none", () => {
  const { table, raise, unknownLimit } = words;
  assert.deepEqual(quotaFindings([quota(3, 10, 4), quota(1, null, 6)], { table, raise, unknownLimit }), [
    { name: "route quota of t1, IPv4", status: "ok", detail: "3 of 10 routes" },
    { name: "route quota of t1, IPv6", status: "unknown", detail: "1 route; nobody tells" },
  ]);
});
