/** The page's rows, made of kernel, judge and tables. */

import assert from "node:assert/strict";
import { mostRows, RouteRowKeeper, type RowSources } from "../../../src/cli/service/route_rows.ts";
import type { RouteRow, RouteRows } from "../../../src/observe/route_row.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { cloudRoute, quota, tableIndex } from "../../fakes/cloud_routes.ts";
import { comparisonOf, type Scene } from "../../fakes/comparisons.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallKernel, smallVm } from "../../fakes/policies.ts";

const wanted = "198.51.100.0/24";

/** The rows of a keeper that has seen nothing before. */
function firstRows(sources: RowSources): RouteRows {
  const rows = new RouteRowKeeper().rows(sources, false);
  assert.ok(rows !== null);
  return rows;
}

/** The rows of a scene in table `t`, with these kernel routes. */
function rowsOf(
  scene: Scene,
  kernel: readonly ReturnType<typeof kernelRoute>[] = [],
  changed: Partial<RowSources> = {},
  errors: Readonly<Record<string, string>> = {},
): readonly RouteRow[] {
  const sight = {
    table: "t",
    known: true,
    errors: new Map(Object.entries(errors).map(([key, text]) => [key, new Error(text)])),
    comparison: comparisonOf(scene),
    index: tableIndex(scene.own ?? [], scene.foreign ?? []),
  };
  return [
    ...firstRows({
      kernel: smallKernel(kernel),
      policy: defaultPolicy,
      identity: smallVm,
      tables: [sight],
      describe: (hop) => `<${hop}>`,
      ...changed,
    }).rows,
  ];
}

const route = (prefix = wanted): ReturnType<typeof kernelRoute> =>
  kernelRoute(prefix, { via: "10.0.0.9", metric: 20 });

Deno.test("RouteRowKeeper leads a prefix from the kernel's route by the verdict to the cloud's", () => {
  const scene = { wanted: { [wanted]: ["10.0.0.9"] }, own: [cloudRoute(wanted, "10.0.0.9")] };
  assert.deepEqual(rowsOf(scene, [route()]), [{
    prefix: wanted,
    kernel: [{ via: "via 10.0.0.9 dev eth0", protocol: "bgp", metric: 20, reason: null }],
    verdict: "wanted",
    reason: null,
    state: "in-step",
    cloud: [{ table: "t", state: "in-step", to: "<10.0.0.9>", owner: "ours", why: null }],
  }]);
});

Deno.test("RouteRowKeeper shows the route that decides first, and why the others are dropped", () => {
  const [row] = rowsOf({}, [
    kernelRoute(wanted, { dev: "wg0" }),
    kernelRoute(wanted, { via: "10.0.0.9", metric: 50 }),
  ]);
  assert.deepEqual([row?.verdict, row?.reason, row?.state], ["dropped", "no-gateway", "dropped"]);
  assert.deepEqual(row?.kernel.map(({ reason }) => reason), ["no-gateway", "shadowed"]);
  assert.deepEqual(row?.cloud, []);
});

const full = [quota(50, 50)];
const many = Array.from({ length: 20 }, (_, index) => cloudRoute(`172.16.${index}.0/24`, "10.0.0.9"));
const states: readonly (readonly [string, Scene, RouteRow["state"], RegExp | null])[] = [
  ["missing", { wanted: { [wanted]: ["10.0.0.9"] } }, "pending", /it is wanted and not there/],
  ["over the quota", { wanted: { [wanted]: ["10.0.0.9"] }, quotas: full }, "over-quota", /over the quota/],
  [
    "blocked by a foreign route",
    { wanted: { [wanted]: ["10.0.0.9"] }, foreign: [cloudRoute(wanted, "igw-1", null)] },
    "blocked",
    /-adopt/,
  ],
  ["by an unknown gateway", { wanted: { [wanted]: ["10.0.0.99"] } }, "unresolved", /not known at the moment/],
  [
    "that failed before",
    { wanted: { [wanted]: ["10.0.0.9"] }, changed: { isRetryable: () => false } },
    "pending",
    /failed and is tried again/,
  ],
  [
    "that flapped too often",
    { wanted: { [wanted]: ["10.0.0.9"] }, changed: { isDamped: () => true } },
    "pending",
    /^it is wanted and not there; it flapped too often and waits/,
  ],
  [
    "that flapped too often and points elsewhere in the cloud",
    {
      wanted: { [wanted]: ["10.0.0.9"] },
      own: [cloudRoute(wanted, "10.0.0.10")],
      changed: { isDamped: () => true },
    },
    "pending",
    /^it points elsewhere; it flapped too often and waits/,
  ],
];
for (const [name, scene, state, why] of states) {
  Deno.test(`RouteRowKeeper of a wanted prefix ${name} is ${state}`, () => {
    const [row] = rowsOf(scene, [route()]);
    assert.deepEqual([row?.verdict, row?.state], ["wanted", state]);
    assert.match(row?.cloud[0]?.why ?? "", why ?? /^$/);
  });
}

Deno.test("RouteRowKeeper lists what the cloud alone has: foreign, held, about to go", () => {
  const foreign = [cloudRoute("0.0.0.0/0", "igw-1", null)];
  const held = rowsOf({ own: many, foreign });
  assert.deepEqual(held.map(({ state }) => state).sort(), ["foreign", ...many.map(() => "held")]);
  assert.ok(held.every(({ verdict, kernel }) => verdict === "absent" && kernel.length === 0));
  assert.match(held.find(({ state }) => state === "held")?.cloud[0]?.why ?? "", /^the withdrawal is held: /);
  const [leaving] = rowsOf({ own: [cloudRoute(wanted, "10.0.0.9")] });
  assert.deepEqual([leaving?.state, leaving?.cloud[0]?.why], [
    "pending",
    "it is ours and not wanted any more",
  ]);
  const [waiting] = rowsOf({
    own: [cloudRoute(wanted, "10.0.0.9")],
    changed: { withdrawalsDue: () => false },
  });
  assert.deepEqual([waiting?.state, waiting?.cloud[0]?.why], [
    "pending",
    "the withdrawal waits until the kernel is quiet",
  ]);
});

Deno.test("RouteRowKeeper puts an error before all else, and cuts it", () => {
  const scene = { wanted: { [wanted]: ["10.0.0.9"] } };
  const [row] = rowsOf(scene, [route()], {}, { [wanted]: `no ${"x".repeat(500)}` });
  assert.deepEqual([row?.state, row?.cloud[0]?.why?.length], ["failing", 241]);
});

Deno.test("RouteRowKeeper of a VM that nobody knows yet, or before a table was read, claims nothing", () => {
  const kernel = smallKernel([route()]);
  const nobody = firstRows({ kernel, policy: defaultPolicy, identity: null, tables: [], describe: String });
  assert.deepEqual([nobody.rows, nobody.leftOut], [[], 1]);
  const [row] = rowsOf({}, [route()], { tables: [] });
  assert.deepEqual([row?.verdict, row?.state, row?.cloud], ["wanted", "pending", []]);
});

Deno.test("RouteRowKeeper of a huge kernel table lists what tables have and want, and counts the rest", () => {
  const kernel = Array.from(
    { length: mostRows + 1 },
    (_, index) =>
      kernelRoute(`100.${64 + (index >> 13)}.${(index >> 5) & 255}.${(index & 31) * 8}/29`, { dev: "wg0" }),
  );
  const scene = { wanted: { [wanted]: ["10.0.0.9"] }, foreign: [cloudRoute("0.0.0.0/0", "igw-1", null)] };
  const sources = { kernel: smallKernel([...kernel, route()]) };
  const rows = rowsOf(scene, [], sources);
  assert.deepEqual(rows.map(({ prefix, state }) => [prefix, state]), [
    [wanted, "pending"],
    ["0.0.0.0/0", "foreign"],
  ]);
  const { leftOut } = firstRows({
    ...sources,
    policy: defaultPolicy,
    identity: smallVm,
    tables: [],
    describe: String,
  });
  assert.equal(leftOut, mostRows + 2);
});

Deno.test("RouteRowKeeper lists every prefix again once a huge kernel table has shrunk", () => {
  const names = Array.from(
    { length: mostRows + 1 },
    (_, index) => `100.${64 + (index >> 13)}.${(index >> 5) & 255}.${(index & 31) * 8}/29`,
  );
  const kernel = smallKernel(names.map((name) => kernelRoute(name, { dev: "wg0" })));
  const sources = { kernel, policy: defaultPolicy, identity: smallVm, tables: [], describe: String };
  const keeper = new RouteRowKeeper();
  assert.equal(keeper.rows(sources, false)?.rows.length, 0);
  kernel.set(names[0] ?? "");
  keeper.kernelChanged({ prefixes: [parsePrefix(names[0] ?? "")], interfacesChanged: false });
  assert.equal(keeper.rows(sources, false)?.rows.length, mostRows);
});

Deno.test("RouteRowKeeper keeps a row that did not change, and looks at what the kernel named alone", () => {
  const keeper = new RouteRowKeeper();
  const kernel = smallKernel([route(), route("203.0.113.0/24")]);
  const sources = { kernel, policy: defaultPolicy, identity: smallVm, tables: [], describe: String };
  const first = keeper.rows(sources, false)?.rows ?? [];
  assert.equal(keeper.rows(sources, false), null, "nothing changed");
  const again = keeper.rows(sources, true)?.rows ?? [];
  assert.deepEqual([again.length, again.every((row, index) => row === first[index])], [2, true]);
  kernel.set(wanted, kernelRoute(wanted, { via: "10.0.0.8" }));
  kernel.set("203.0.113.0/24");
  assert.equal(keeper.rows(sources, false), null, "the kernel has not said so");
  keeper.kernelChanged({ prefixes: [parsePrefix(wanted)], interfacesChanged: false });
  const changed = keeper.rows(sources, false)?.rows ?? [];
  assert.match(changed[0]?.kernel[0]?.via ?? "", /10\.0\.0\.8/);
  assert.equal(changed[1], first[1]);
  keeper.kernelChanged({ prefixes: "all", interfacesChanged: false });
  const all = keeper.rows(sources, false)?.rows ?? [];
  assert.deepEqual([all.length, all[0] === changed[0]], [1, true]);
  const strict = { ...sources, policy: { ...defaultPolicy, protocols: new Set([12]) } };
  assert.equal(keeper.rows(strict, false)?.rows[0]?.reason, "protocol", "another policy judges all anew");
});

Deno.test("RouteRowKeeper begins anew after it forgot, and sees errors that come and go", () => {
  const keeper = new RouteRowKeeper();
  const errors = new Map<string, Error>();
  const scene = { wanted: { [wanted]: ["10.0.0.9"] } };
  const sight = { table: "t", known: true, errors, comparison: comparisonOf(scene), index: tableIndex([]) };
  const kernel = smallKernel([route()]);
  const sources = { kernel, policy: defaultPolicy, identity: smallVm, tables: [sight], describe: String };
  assert.equal(keeper.rows(sources, false)?.rows[0]?.state, "pending");
  errors.set(wanted, new Error("no"));
  assert.equal(keeper.rows(sources, false)?.rows[0]?.state, "failing");
  keeper.forget();
  errors.clear();
  kernel.set("203.0.113.0/24", route("203.0.113.0/24"));
  assert.deepEqual(keeper.rows(sources, true)?.rows.map(({ state }) => state), ["pending", "pending"]);
});
