import assert from "node:assert/strict";
import type { Change, CloudRoute, Sign } from "../../../../src/clouds/cloud.ts";
import { describeRoute, ownerOf, wantersOf } from "../../../../src/clouds/gcp/route_mark.ts";
import type { RouteSettings } from "../../../../src/clouds/gcp/routes.ts";
import {
  partsOf,
  sharedPriorities,
  type SharedRoute,
  sharedSteps,
} from "../../../../src/clouds/gcp/shared_routes.ts";
import { parseAddress, parsePrefix } from "../../../../src/routes/prefix.ts";

const rule = "projects/prod/regions/r/forwardingRules/routers";
const prefix = parsePrefix("192.168.0.0/16");
const [a, b, c] = [signOf("a", "10.0.0.2"), signOf("b", "10.0.0.3"), signOf("c", "10.0.0.4")];
const settings: RouteSettings = {
  owner: "edge",
  instance: "a",
  sign: a,
  network: "projects/prod/global/networks/net",
  project: "prod",
  self: {
    id: rule,
    fields: { 4: { nextHopIlb: rule }, 6: null },
    isShared: true,
    addresses: [],
    elsewhere: [],
  },
  priority: 1000,
  tags: [],
};

function signOf(name: string, address: string): Sign {
  const id = `projects/prod/zones/z/instances/${name}`;
  return { id, address: parseAddress(address), nextHops: [id, address] };
}

/** Routes that stand: by name who wants them, at which priority and by which rule. */
type Standing = Readonly<
  Record<string, readonly [wanters: readonly Sign[], priority?: number, hop?: string]>
>;

function stepsOf(standing: Standing, changeOf: (parts: readonly CloudRoute[]) => Change): readonly string[] {
  const shared = new Map(
    Object.entries(standing).map(([name, [wanters, priority = 1000, hop = rule]]): [string, SharedRoute] => [
      name,
      { hop, priority, tags: [], wanters },
    ]),
  );
  const parts = [...shared].flatMap(([id, route]) =>
    partsOf({ prefix, nextHops: [route.hop], owner: "edge", id }, route, a)
  );
  const change = changeOf(parts);
  const leaving = change.from?.ids ?? [change.from?.id ?? []].flat();
  const { inserts, deletes } = sharedSteps(change, leaving, parts, shared, settings);
  const names = (wanters: readonly Sign[]): string => wanters.map(({ id }) => id.slice(-1)).sort().join("+");
  return [
    ...inserts.map(({ wanters, priority, hop }) =>
      `+${names(wanters)}@${priority}${hop === rule ? "" : ` ${hop}`}`
    ),
    ...deletes.map((name) => `-${name}`),
  ];
}

const join = (): Change => ({ action: "add", prefix, from: null, to: [rule] });

/** This router, or another one, wants it no more. */
function leave(sign: Sign): (parts: readonly CloudRoute[]) => Change {
  return (parts) => {
    const own = parts.filter(({ writer }) => writer?.id === sign.id);
    const from = own[0];
    assert.ok(from !== undefined);
    return {
      action: "delete",
      prefix,
      from: { ...from, ids: own.flatMap(({ id }) => id ?? []) },
      to: null,
    };
  };
}

function again(parts: readonly CloudRoute[]): Change {
  const from = parts.find(({ writer, unsigned }) => writer?.id === a.id || unsigned === true);
  assert.ok(from !== undefined);
  return { action: "replace", prefix, from, to: [rule] };
}

const cases: readonly [
  what: string,
  standing: Standing,
  change: (parts: readonly CloudRoute[]) => Change,
  steps: readonly string[],
][] = [
  ["the first router makes the route", {}, join, ["+a@1000"]],
  ["the second one makes it anew, for both", { r: [[b]] }, join, ["+a+b@1001", "-r"]],
  ["and then at the priority that is set", { r: [[b, c], 1001] }, join, ["+a+b+c@1000", "-r"]],
  ["one that wants it already does nothing", { r: [[a, b]] }, join, []],
  ["one that leaves makes it anew for those who stay", { r: [[a, b]] }, leave(a), ["+b@1001", "-r"]],
  ["the last one takes it away", { r: [[a]] }, leave(a), ["-r"]],
  ["a dead router leaves by another's hand", { r: [[a, b]] }, leave(b), ["+a@1001", "-r"]],
  ["two that stand become one", { r: [[a]], s: [[a, b], 1001] }, again, ["-r"]],
  ["nobody is lost where two stand", { r: [[a, b]], s: [[c], 1001] }, leave(a), ["+b+c@1002", "-r", "-s"]],
  ["version 1.0's gets the router's name", { r: [[]] }, again, ["+a@1001", "-r"]],
  [
    "one by another rule is left to those who have it there",
    { r: [[a, b], 1000, "ilb:10.0.0.9"] },
    again,
    ["+b@1001 ilb:10.0.0.9", "+a@1000", "-r"],
  ],
  ["one at another priority likewise", { r: [[a, b], 900] }, again, ["+b@901", "+a@1000", "-r"]],
];

for (const [what, standing, change, steps] of cases) {
  Deno.test(`sharedSteps(): ${what}`, () => assert.deepEqual(stepsOf(standing, change), steps));
}

Deno.test("partsOf() gives each router that wants a route a part of its own", () => {
  const route: CloudRoute = { prefix, nextHops: [rule], owner: "edge", id: "r" };
  const known: SharedRoute = { hop: rule, priority: 1000, tags: [], wanters: [a, b] };
  assert.deepEqual(partsOf(route, known, a), [
    { ...route, writer: a },
    { ...route, nextHops: [b.id], writer: b },
  ]);
});

Deno.test("sharedPriorities() stay within Google's", () => {
  assert.deepEqual(sharedPriorities(1000).slice(0, 2), [1000, 1001]);
  assert.deepEqual(sharedPriorities(65_535).slice(0, 2), [65_535, 65_534]);
});

Deno.test("wantersOf() gives back whom describeRoute() named, and the mark still names the owner", () => {
  const nowhere: Sign = { ...c, address: null, nextHops: [c.id] };
  const description = describeRoute(
    { owner: "edge", prefix, sign: null, wanters: [a, b, nowhere] },
    "router-a",
  );
  assert.deepEqual(wantersOf(description), [a, b, nowhere]);
  assert.equal(ownerOf("crs-edge-0123456789", description, prefix.text), "edge");
  assert.deepEqual(wantersOf("[cloudroutesync owner=edge prefix=192.168.0.0/16]"), []);
});

Deno.test("the mark of thirty routers fits a description of Google's", () => {
  const wanters = Array.from(
    { length: 30 },
    (_, index) => signOf(`router-of-some-length-${index}`, `10.0.0.${index}`),
  );
  assert.ok(
    describeRoute({ owner: "edge", prefix, sign: null, wanters }, "router-of-some-length-1").length < 2_048,
  );
});
