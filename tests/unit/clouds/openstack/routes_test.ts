import assert from "node:assert/strict";
import fc from "fast-check";
import type { Change, CloudRoute } from "../../../../src/clouds/cloud.ts";
import {
  pairsOfChanges,
  pairsSince,
  routesOfPairs,
  without,
} from "../../../../src/clouds/openstack/routes.ts";
import { isOwn } from "../../../../src/sync/ownership.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

const prefix = parsePrefix("198.51.100.0/24");

function owned(...nextHops: string[]): CloudRoute {
  return { prefix, nextHops, owner: null };
}

function pair(nexthop: string, destination = "198.51.100.0/24"): { destination: string; nexthop: string } {
  return { destination, nexthop };
}

Deno.test("routesOfPairs() gives one route a pair", () => {
  assert.deepEqual(routesOfPairs([pair("10.0.0.2"), pair("10.0.0.3")]), [
    owned("10.0.0.2"),
    owned("10.0.0.3"),
  ]);
});

Deno.test("routesOfPairs() passes over what is no prefix", () => {
  assert.deepEqual(routesOfPairs([pair("10.0.0.2", "10/8"), pair("10.0.0.2")]), [owned("10.0.0.2")]);
});

Deno.test("routesOfPairs() makes what is not canonical foreign, whatever is claimed", () => {
  const texts = ["198.51.100.7/24", "2001:DB8::/32", "2001:db8:0:0::/32", "198.51.100.1"];
  const claims = new Map(
    ["198.51.100.0/24", "2001:db8::/32", "198.51.100.1/32"].map((
      text,
    ) => [text, { nextHops: ["10.0.0.2"], confirmed: true }]),
  );
  const rule = {
    owner: "me",
    traits: { ownership: "ledger", uniquePrefix: false },
    claims,
    peers: [],
    dead: new Set<string>(),
  } as const;
  for (const text of texts) {
    const [route] = routesOfPairs([pair("10.0.0.2", text)]);
    assert.ok(route !== undefined);
    assert.equal(isOwn(route, rule), false, text);
    assert.deepEqual(pairsOfChanges([{ action: "delete", prefix: route.prefix, from: route, to: null }]), {
      add: [],
      remove: [pair("10.0.0.2", text)],
    });
  }
  const [canonical] = routesOfPairs([pair("10.0.0.2")]);
  assert.ok(canonical !== undefined && isOwn(canonical, rule));
});

Deno.test("pairsOfChanges() adds and removes only what differs", () => {
  const changes: Change[] = [
    { action: "replace", prefix, from: owned("10.0.0.2", "10.0.0.3"), to: ["10.0.0.3", "10.0.0.4"] },
    { action: "add", prefix: parsePrefix("192.0.2.0/24"), from: null, to: ["10.0.0.2"] },
  ];
  assert.deepEqual(pairsOfChanges(changes), {
    add: [pair("10.0.0.4"), pair("10.0.0.2", "192.0.2.0/24")],
    remove: [pair("10.0.0.2")],
  });
});

Deno.test("pairsOfChanges() brings any next hops to any others", () => {
  const hops = fc.uniqueArray(fc.constantFrom("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"));
  fc.assert(fc.property(hops, hops, hops, (ours, wanted, others) => {
    const foreign = others.filter((hop) => !ours.includes(hop) && !wanted.includes(hop));
    const table = [...ours, ...foreign].map((hop) => pair(hop));
    const { add, remove } = pairsOfChanges([
      { action: "replace", prefix, from: owned(...ours), to: wanted },
    ]);
    const after = without([...table, ...add], remove).map(({ nexthop }) => nexthop);
    assert.deepEqual(after.sort(), [...wanted, ...foreign].sort());
    assert.deepEqual(without(add, table), add);
  }));
});

Deno.test("pairsSince() gives what has come to the prefixes that get pairs, however it is written", () => {
  const other = parsePrefix("192.0.2.0/24");
  const known = [pair("10.0.0.2"), pair("10.0.0.2", "198.51.100.7/24")];
  const changes: Change[] = [
    { action: "replace", prefix, from: owned("10.0.0.2"), to: ["10.0.0.3"] },
    {
      action: "delete",
      prefix: other,
      from: { prefix: other, nextHops: ["10.0.0.2"], owner: null },
      to: null,
    },
  ];
  const since = (...pairs: { destination: string; nexthop: string }[]): unknown =>
    pairsSince({ routes: routesOfPairs(known) }, [...known, ...pairs], changes);
  assert.deepEqual(since(), []);
  assert.deepEqual(since(pair("10.0.0.9", "192.0.2.0/24"), pair("10.0.0.9", "10/8")), []);
  for (const news of [pair("10.0.0.3"), pair("10.0.0.9"), pair("10.0.0.3", "198.51.100.8/24")]) {
    assert.deepEqual(since(news), [news]);
  }
});
