import assert from "node:assert/strict";
import { describeRoute, routeDocument, routesText } from "../../../src/cli/route_report.ts";
import { alignColumns } from "../../../src/cli/text_table.ts";
import { judgePrefix } from "../../../src/routes/policy.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallVm } from "../../fakes/policies.ts";

const verdicts = judgePrefix(
  [
    kernelRoute("198.51.100.0/24", { legs: [{ via: "10.0.0.9", weight: 2 }, { dev: "wg0" }], metric: 10 }),
    kernelRoute("198.51.100.0/24", { type: 6, protocol: 12, table: 100, metric: 32 }),
  ],
  defaultPolicy,
  smallVm,
);

Deno.test("routeDocument() has the contract's keys and no other", () => {
  assert.deepEqual(verdicts.map(routeDocument), [
    {
      prefix: "198.51.100.0/24",
      protocol: "bgp",
      table: 254,
      metric: 10,
      nexthops: [
        { gateway: "10.0.0.9", interface: "eth0", weight: 2 },
        { gateway: null, interface: "wg0", weight: 1 },
      ],
      verdict: "exported",
      reason: null,
    },
    {
      prefix: "198.51.100.0/24",
      protocol: "bird",
      table: 100,
      metric: 32,
      nexthops: [],
      verdict: "dropped",
      reason: "other-table",
    },
  ]);
});

Deno.test("routesText() is a table with one line a route", () => {
  assert.equal(
    routesText(verdicts),
    [
      "PREFIX           PROTOCOL  TABLE  METRIC  NEXT HOPS                   VERDICT",
      "198.51.100.0/24  bgp       main   10      10.0.0.9%eth0, on link%wg0  exported",
      "198.51.100.0/24  bird      100    32      blackhole                   dropped: other-table",
      "",
    ].join("\n"),
  );
});

Deno.test("describeRoute() says a route as ip route does", () => {
  const cases: readonly (readonly [Parameters<typeof kernelRoute>[1], string])[] = [
    [{ via: "10.0.0.9" }, "192.0.2.0/24 via 10.0.0.9 dev eth0 proto bgp metric 20 table main"],
    [{ dev: "wg0", protocol: 2, metric: 0 }, "192.0.2.0/24 dev wg0 proto kernel metric 0 table main"],
    [{ type: 6, protocol: 12, table: 7 }, "blackhole 192.0.2.0/24 proto bird metric 20 table 7"],
    [
      { legs: [{ via: "10.0.0.9", dead: true, linkDown: true }, { via: "10.0.0.10", linkDown: true }] },
      "192.0.2.0/24 via 10.0.0.9 dev eth0 dead, via 10.0.0.10 dev eth0 linkdown proto bgp metric 20 table main",
    ],
  ];
  for (const [parts, text] of cases) assert.equal(describeRoute(kernelRoute("192.0.2.0/24", parts)), text);
});

Deno.test("alignColumns() pads all but the last column and leaves no blanks at line ends", () => {
  assert.equal(
    alignColumns([["a", "bbb", "c"], ["aaa", "b"], ["", "", "x"]]),
    "a    bbb  c\naaa  b\n          x\n",
  );
  assert.equal(alignColumns([]), "");
});
