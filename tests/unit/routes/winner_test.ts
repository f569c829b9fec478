/** Which route of a prefix wins: the rows of the table in `winner.ts`. */

import assert from "node:assert/strict";
import type { KernelRoute } from "../../../src/kernel/kernel_table.ts";
import type { Policy } from "../../../src/routes/policy.ts";
import { selectWinner } from "../../../src/routes/winner.ts";
import { kernelRoute, type RouteParts } from "../../fakes/kernel_routes.ts";
import { smallJudge } from "../../fakes/policies.ts";

const prefix = "198.51.100.0/24";
const throwRoute = { type: 9 };

/** The verdicts of routes of one prefix, in their order. */
function verdicts(parts: readonly RouteParts[], policy: Partial<Policy> = {}): readonly string[] {
  const routes = parts.map((part) => kernelRoute(prefix, { via: "172.16.0.1", dev: "wg0", ...part }));
  return smallJudge(policy).verdicts(routes).map((one) =>
    one.verdict === "dropped" ? one.reason : one.verdict
  );
}

const twoTables = { tables: [52, 254] };

const rows: readonly (readonly [string, readonly RouteParts[], readonly string[], Partial<Policy>?])[] = [
  ["the lowest metric wins", [{ metric: 20 }, { metric: 10 }, { metric: 15 }], [
    "shadowed",
    "wanted",
    "shadowed",
  ]],
  ["the first listed wins among equal metrics", [{ protocol: 12 }, { protocol: 186 }], [
    "wanted",
    "shadowed",
  ]],
  ["the highest preference wins among equal metrics", [
    { preference: -1 },
    { preference: 0 },
    { preference: 1 },
    { preference: 1 },
    { preference: 1, metric: 21 },
  ], ["shadowed", "shadowed", "wanted", "shadowed", "shadowed"]],
  ["a protocol that is not exported wins all the same", [{ metric: 20 }, { metric: 0, protocol: 2 }], [
    "shadowed",
    "protocol",
  ]],
  ["a route without carrier wins: the kernel uses it", [{ metric: 20 }, { metric: 0, linkDown: true }], [
    "shadowed",
    "link-down",
  ]],
  ["a dead route takes no part", [{ metric: 0, dead: true }, { metric: 20 }], ["link-down", "wanted"]],
  ["a dead route without carrier takes no part either", [
    { metric: 0, dead: true, linkDown: true },
    { metric: 20 },
  ], ["link-down", "wanted"]],
  ["a dead route without gateway takes no part", [{ legs: [{ dead: true }], metric: 0 }, { metric: 20 }], [
    "link-down",
    "wanted",
  ]],
  ["a route of which one leg lives wins", [
    { metric: 0, legs: [{ via: "10.0.0.9", dead: true }, { via: "10.0.0.10" }] },
    { metric: 20 },
  ], ["wanted", "shadowed"]],
  ["a route of which all legs are dead takes no part", [
    { metric: 0, legs: [{ via: "10.0.0.9", dead: true }, { via: "10.0.0.10", dead: true }] },
    { metric: 20 },
  ], ["link-down", "wanted"]],
  ["unreachable wins, and is no unicast route", [{ metric: 20 }, { metric: 0, type: 7 }], [
    "shadowed",
    "type",
  ]],
  ["a route for one type of service takes no part", [{ metric: 0, tos: 8 }, { metric: 20 }], [
    "tos",
    "wanted",
  ]],
  ["tables win in the order of -table, whatever the metric", [{ metric: 5 }, { table: 52, metric: 500 }], [
    "shadowed",
    "wanted",
  ], twoTables],
  ["the second table decides where the first has nothing", [{ metric: 5 }], ["wanted"], twoTables],
  [
    "the second table decides where the first has dead routes only",
    [
      { table: 52, dead: true },
      { metric: 5 },
    ],
    ["link-down", "wanted"],
    twoTables,
  ],
  ["a table that is not read takes no part", [{ metric: 5 }, { table: 52, metric: 500 }], [
    "other-table",
    "wanted",
  ], { tables: [52] }],
  ["throw in main ends the look-up", [{ metric: 0, ...throwRoute }, { metric: 20 }], ["type", "shadowed"]],
  [
    "throw in the first table lets the second decide",
    [
      { table: 52, metric: 0, ...throwRoute },
      { metric: 20 },
    ],
    ["type", "wanted"],
    twoTables,
  ],
  [
    "throw shadows what its own table has behind it",
    [
      { table: 52, metric: 0, ...throwRoute },
      { table: 52, metric: 10 },
      { metric: 20 },
    ],
    ["type", "shadowed", "wanted"],
    twoTables,
  ],
  [
    "throw behind a better route does nothing",
    [
      { table: 52, metric: 10, ...throwRoute },
      { table: 52, metric: 0 },
      { metric: 20 },
    ],
    ["shadowed", "wanted", "shadowed"],
    twoTables,
  ],
  [
    "throw in the second table is not asked where the first decides",
    [
      { metric: 0, ...throwRoute },
      { table: 52, metric: 10 },
    ],
    ["shadowed", "wanted"],
    twoTables,
  ],
  ["throw in both tables", [{ table: 52, ...throwRoute }, { ...throwRoute }], ["type", "type"], twoTables],
];

for (const [what, parts, expected, policy] of rows) {
  Deno.test(`RouteJudge: ${what}`, () => assert.deepEqual(verdicts(parts, policy), expected));
}

Deno.test("selectWinner() takes IPv6's blackhole by a next-hop object before all others of its metric", () => {
  const of = (prefix: string): readonly [KernelRoute, KernelRoute] => [
    kernelRoute(prefix, { preference: 1 }),
    { ...kernelRoute(prefix, { type: 6 }), nextHopId: 5 },
  ];
  const six = of("2001:db8:1::/48"), four = of(prefix);
  assert.equal(selectWinner(six, [254]), six[1]);
  assert.equal(selectWinner(four, [254]), four[0]);
});

Deno.test("selectWinner() takes IPv6's route of the highest preference, whatever its metric, where all of the lowest metric are dead", () => {
  const route = (metric: number, preference: number, dead = false): KernelRoute =>
    kernelRoute("2001:db8:a::/48", { via: "2001:db8::2", metric, preference, dead });
  const dead = route(10, 0, true);
  const low = route(20, -1);
  const medium = route(30, 0);
  const late = route(40, 0);
  const high = route(50, 1);
  assert.equal(selectWinner([dead, low, medium, late], [254]), medium);
  assert.equal(selectWinner([dead, low, medium, late, high], [254]), high);
  assert.equal(selectWinner([dead, route(10, 0), low, high], [254])?.metric, 10, "one of them lives");
  assert.equal(
    selectWinner([low, route(25, 0, true), medium], [254]),
    low,
    "the dead one is not of the lowest",
  );
  const four = [10, 20, 30].map((metric) =>
    kernelRoute(prefix, { via: "10.0.0.9", metric, preference: metric, dead: metric === 10 })
  );
  assert.equal(selectWinner(four, [254]), four[1], "IPv4 knows no preference");
});

Deno.test("selectWinner() finds none where no route takes part", () => {
  assert.equal(selectWinner([], [254]), null);
  assert.equal(selectWinner([kernelRoute(prefix, { table: 7 })], [254]), null);
  assert.equal(selectWinner([kernelRoute(prefix, { via: "10.0.0.9", dead: true })], [254]), null);
  assert.equal(smallJudge().wanted([kernelRoute(prefix, { table: 7 })]), null);
});

Deno.test("selectWinner() names the throw that ends the look-up where no table has anything else", () => {
  const [first, second] = [kernelRoute(prefix, { table: 52, type: 9 }), kernelRoute(prefix, { type: 9 })];
  assert.equal(selectWinner([second, first], [52, 254]), first);
  assert.equal(smallJudge(twoTables).winner([second, first]), first);
});
