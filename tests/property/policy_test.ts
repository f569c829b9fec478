/** What must hold of the policy whatever the routes and flags. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { KernelRoute } from "../../src/kernel/kernel_table.ts";
import { judgePrefix, keepPrefix, mayBeWanted, type Policy, wantedRoute } from "../../src/routes/policy.ts";
import { compareAddresses, type Prefix, prefixContains } from "../../src/routes/prefix.ts";
import { defaultRanges, reservedRanges } from "../../src/routes/special_ranges.ts";
import { filterOf } from "../fakes/filters.ts";
import { kernelRoute, type LegParts, type RouteParts } from "../fakes/kernel_routes.ts";
import { smallVm } from "../fakes/policies.ts";

const someLeg: fc.Arbitrary<LegParts> = fc.record({
  dev: fc.constantFrom("eth0", "wg0"),
  dead: fc.boolean(),
  linkDown: fc.boolean(),
  via: fc.constantFrom("10.0.0.1", "10.0.0.4", "10.0.0.9", "10.0.0.10", "172.16.0.1", ""),
}).map(({ via, ...rest }) => via === "" ? rest : { ...rest, via });

const someParts: fc.Arbitrary<RouteParts> = fc.record({
  table: fc.constantFrom(254, 254, 100, 7),
  protocol: fc.constantFrom(2, 4, 12, 16, 186),
  type: fc.constantFrom(1, 1, 1, 6, 7),
  tos: fc.constantFrom(0, 0, 0, 8),
  metric: fc.nat(3),
  legs: fc.array(someLeg, { minLength: 1, maxLength: 3 }),
}).map(({ legs, ...rest }) => rest.type === 1 ? { ...rest, legs } : rest);

const someRoutes: fc.Arbitrary<readonly KernelRoute[]> = fc.tuple(
  fc.constantFrom(
    "0.0.0.0/0",
    "0.0.0.0/1",
    "10.0.7.0/24",
    "169.254.0.0/16",
    "198.51.100.0/24",
    "2001:db8::/32",
  ),
  fc.array(someParts, { maxLength: 4 }),
).map(([prefix, parts]) => parts.map((part) => kernelRoute(prefix, part)));

const filters = [[], ["include 198.51.100.0/24"], ["exclude 198.51.100.0/24"], ["include 0.0.0.0/0+"]];
const somePolicy: fc.Arbitrary<Policy> = fc.record({
  tables: fc.constantFrom([254], [100, 254], [254, 100]),
  protocols: fc.constantFrom(null, new Set([12]), new Set([2, 186])),
  filter: fc.constantFrom(...filters.map((texts) => filterOf(...texts))),
  interfaces: fc.constantFrom(new Set<string>(), new Set(["wg0"])),
  blackhole: fc.boolean(),
  ipv6: fc.boolean(),
  allowDefault: fc.boolean(),
  allowLocal: fc.boolean(),
});

const runs = { numRuns: 3000 };

Deno.test("judgePrefix() gives each route one verdict, in order, and exports one at most", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const verdicts = judgePrefix(routes, policy, smallVm);
      assert.deepEqual(verdicts.map(({ route }) => route), routes);
      assert.ok(verdicts.filter(({ verdict }) => verdict === "exported").length <= 1);
    }),
    runs,
  );
});

Deno.test("wantedRoute() is what judgePrefix() exports", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const exported = judgePrefix(routes, policy, smallVm).flatMap((one) =>
        one.verdict === "exported" ? [one.wanted] : []
      );
      assert.deepEqual(wantedRoute(routes, policy, smallVm), exported[0] ?? null);
    }),
    runs,
  );
});

Deno.test("judgePrefix() exports no route that another of the prefix beats in table order or metric", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const index = judgePrefix(routes, policy, smallVm).findIndex(({ verdict }) => verdict === "exported");
      const winner = routes[index];
      if (winner === undefined) return;
      for (const [place, other] of routes.entries()) {
        if (place === index || other.tos !== 0 || !policy.tables.includes(other.table)) continue;
        const key = (
          route: KernelRoute,
          at: number,
        ): number[] => [policy.tables.indexOf(route.table), route.metric, at];
        const [mine, theirs] = [key(winner, index), key(other, place)];
        const first = mine.findIndex((value, at) => value !== theirs[at]);
        assert.ok((mine[first] ?? 0) < (theirs[first] ?? 0), `route ${place} beats ${index}`);
      }
    }),
    runs,
  );
});

Deno.test("wantedRoute() never wants a default, reserved or own-network prefix without a flag for it", () => {
  const inside = (ranges: readonly Prefix[], prefix: Prefix): boolean =>
    ranges.some((range) => prefixContains(range, prefix));
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const wanted = wantedRoute(routes, policy, smallVm);
      if (wanted === null) return;
      const { prefix } = wanted;
      assert.equal(inside(reservedRanges, prefix), false);
      assert.ok(policy.allowDefault || defaultRanges.every((range) => range.text !== prefix.text));
      assert.ok(policy.allowLocal || !inside(smallVm.networks, prefix));
      assert.ok(policy.ipv6 || prefix.family === 4);
    }),
    runs,
  );
});

Deno.test("wantedRoute() names next hops once each, in order, none of them the subnet's router", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const hops = wantedRoute(routes, policy, smallVm)?.nextHops;
      if (hops === undefined) return;
      assert.ok(hops.length > 0);
      assert.equal(new Set(hops.map(({ neighbour }) => neighbour?.text ?? "self")).size, hops.length);
      const gateways = hops.flatMap(({ gateway }) => gateway ?? []);
      assert.deepEqual(gateways, [...gateways].sort(compareAddresses));
      assert.ok(gateways.every(({ text }) => text !== "10.0.0.1"));
    }),
    runs,
  );
});

Deno.test("keepPrefix() and mayBeWanted() pass over nothing that is exported", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const wanted = wantedRoute(routes, policy, smallVm);
      if (wanted === null) return;
      const { family, words, length } = wanted.prefix;
      assert.ok(keepPrefix(policy, family, words, length));
      assert.ok(routes.some(({ protocol, type }) => mayBeWanted(policy, protocol, type)));
    }),
    runs,
  );
});

Deno.test("keepPrefix() always keeps default routes: they tell which address is this VM's", () => {
  fc.assert(fc.property(somePolicy, (policy) => {
    assert.ok(keepPrefix(policy, 4, [0, 0, 0, 0], 0));
    assert.ok(keepPrefix(policy, 6, [0, 0, 0, 0], 0));
  }));
});
