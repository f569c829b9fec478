/** The judge of columns says of every route what the readable rules say. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { KernelRoute } from "../../src/kernel/kernel_table.ts";
import { ColumnJudge } from "../../src/routes/column_judge.ts";
import { type DropReason, reasonOf } from "../../src/routes/drop_reason.ts";
import type { PolicyIdentity } from "../../src/routes/policy.ts";
import { parseAddress, parsePrefix } from "../../src/routes/prefix.ts";
import { RouteJudge } from "../../src/routes/route_judge.ts";
import { prefixAt } from "../../src/routes/route_rows.ts";
import { VerdictCounts } from "../../src/routes/verdict_counts.ts";
import { filterOf } from "../fakes/filters.ts";
import { type FakeKernelTable, kernelRoute } from "../fakes/kernel_routes.ts";
import { smallKernel, smallVm } from "../fakes/policies.ts";
import { someParts, somePolicy } from "../fakes/some_routes.ts";

const prefixes = [
  "0.0.0.0/0",
  "128.0.0.0/1",
  "12.0.0.0/7",
  "10.0.0.0/8",
  "10.0.7.0/24",
  "10.1.0.0/16",
  "10.255.255.255/32",
  "100.64.0.0/10",
  "169.254.7.0/24",
  "168.63.129.16/32",
  "198.18.0.0/15",
  "198.18.7.0/24",
  "198.51.100.0/24",
  "198.51.100.128/25",
  "240.0.0.0/4",
  "::/0",
  "2000::/3",
  "2001:db8::/32",
  "2001:db8:a:7::/64",
  "2001:db8:b::1/128",
  "fe80::/64",
  "::ffff:10.0.0.0/104",
];

const someRule = fc.record({
  action: fc.constantFrom("include", "exclude"),
  range: fc.constantFrom(
    "10.0.0.0/8+",
    "10.0.0.0/8 ge 16 le 24",
    "198.18.0.0/15+",
    "198.51.100.0/24",
    "0.0.0.0/0 le 24",
    "128.0.0.0/1+",
    "2001:db8::/32+",
    "::/0 le 48",
  ),
}).map(({ action, range }) => `${action} ${range}`);

const scene = fc.record({
  // Few bodies for many prefixes: what is remembered of one must be right for the others.
  routes: fc.array(someParts, { minLength: 1, maxLength: 4 }).chain((pool) =>
    fc.array(
      fc.tuple(fc.constantFrom(...prefixes), fc.constantFrom(...pool)).map(([prefix, parts]) =>
        kernelRoute(prefix, parts)
      ),
      { maxLength: 24 },
    )
  ),
  policy: fc.tuple(somePolicy, fc.array(someRule, { maxLength: 4 })).map(([policy, rules]) => ({
    ...policy,
    filter: filterOf(...rules),
  })),
  identity: fc.record({
    self: fc.constantFrom(smallVm.self, { 4: null, 6: null }, { 4: "10.0.0.4", 6: null }),
    reserved: fc.constantFrom([], [parsePrefix("168.63.129.16/32")]),
    subnetRouters: fc.constantFrom(smallVm.subnetRouters, [parseAddress("10.0.0.9")]),
  }).map((parts): PolicyIdentity => ({ ...smallVm, ...parts })),
});

function describe(route: KernelRoute, reason: DropReason | null): string {
  return `${route.prefix.text} table ${route.table} metric ${route.metric}: ${reason ?? "wanted"}`;
}

function readableVerdicts(table: FakeKernelTable, judge: RouteJudge): string[] {
  return Array.from(table.prefixes()).flatMap((group) =>
    judge.verdicts(group).map((verdict) =>
      describe(verdict.route, verdict.verdict === "wanted" ? null : verdict.reason)
    )
  );
}

Deno.test("ColumnJudge says of every route what RouteJudge says", () => {
  let judged = 0;
  fc.assert(
    fc.property(scene, ({ routes, policy, identity }) => {
      const table = smallKernel(routes);
      const rows = table.rows();
      const columns = new ColumnJudge(policy, identity, table, rows);
      const found: string[] = [];
      for (const run of rows.runs()) {
        const outcomes = columns.outcomes(run);
        for (let row = run.start; row < run.end; row++) {
          const route = rows.routeOf(prefixAt(run, row), run.bodies[row] ?? -1);
          found.push(describe(route, reasonOf(outcomes[row - run.start] ?? -1)));
          judged++;
        }
      }
      assert.deepEqual(found, readableVerdicts(table, new RouteJudge(policy, identity, table)));
    }),
    { numRuns: 3000 },
  );
  assert.ok(judged > 10_000);
});

Deno.test("ColumnJudge.wantedOf() is what RouteJudge.wanted() gives", () => {
  fc.assert(
    fc.property(scene, ({ routes, policy, identity }) => {
      const table = smallKernel(routes);
      const rows = table.rows();
      const columns = new ColumnJudge(policy, identity, table, rows);
      const found = Array.from(rows.runs()).flatMap((run) =>
        Array.from(columns.outcomes(run).subarray(0, run.end - run.start)).flatMap((outcome, index) =>
          reasonOf(outcome) === null ? [columns.wantedOf(run, run.start + index)] : []
        )
      );
      const judge = new RouteJudge(policy, identity, table);
      assert.deepEqual(found, Array.from(table.prefixes()).flatMap((group) => judge.wanted(group) ?? []));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("VerdictCounts counts each route once", () => {
  fc.assert(
    fc.property(scene, ({ routes, policy, identity }) => {
      const table = smallKernel(routes);
      const rows = table.rows();
      const counts = new VerdictCounts(new ColumnJudge(policy, identity, table, rows), rows);
      for (const run of rows.runs()) counts.add(run);
      const expected = new Map<string, number>();
      const judge = new RouteJudge(policy, identity, table);
      for (const group of table.prefixes()) {
        for (const verdict of judge.verdicts(group)) {
          const name = verdict.verdict === "wanted" ? "wanted" : verdict.reason;
          expected.set(name, (expected.get(name) ?? 0) + 1);
        }
      }
      assert.equal(counts.total, table.size);
      assert.deepEqual([...counts.verdicts()].sort(), [...expected].sort());
      const protocols = Map.groupBy(table.routes(), ({ protocol }) => protocol);
      assert.deepEqual(
        [...counts.protocols()].sort(),
        [...protocols].map(([protocol, all]) => [protocol, all.length]).sort(),
      );
    }),
    { numRuns: 1000 },
  );
});
