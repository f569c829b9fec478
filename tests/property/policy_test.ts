/** What must hold of the policy whatever the routes and flags. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { KernelRoute } from "../../src/kernel/kernel_table.ts";
import { keepPrefix, mayBeWanted } from "../../src/routes/policy.ts";
import { compareAddresses, parsePrefix, type Prefix, prefixContains } from "../../src/routes/prefix.ts";
import { isDefault, reservedRanges } from "../../src/routes/special_ranges.ts";
import { kernelRoute } from "../fakes/kernel_routes.ts";
import { defaultPolicy, smallJudge, smallVm } from "../fakes/policies.ts";
import { someParts, somePolicy } from "../fakes/some_routes.ts";

const someRoutes: fc.Arbitrary<readonly KernelRoute[]> = fc.tuple(
  fc.constantFrom(
    "0.0.0.0/0",
    "0.0.0.0/1",
    "12.0.0.0/7",
    "10.0.7.0/24",
    "169.254.0.0/16",
    "198.51.100.0/24",
    "2001:db8::/32",
  ),
  fc.array(someParts, { maxLength: 4 }),
).map(([prefix, parts]) => parts.map((part) => kernelRoute(prefix, part)));

const runs = { numRuns: 3000 };

Deno.test("verdicts() gives each route one verdict, in order, and wants one at most", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const verdicts = smallJudge(policy).verdicts(routes);
      assert.deepEqual(verdicts.map(({ route }) => route), routes);
      assert.ok(verdicts.filter(({ verdict }) => verdict === "wanted").length <= 1);
    }),
    runs,
  );
});

Deno.test("wanted() is what verdicts() wants", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const found = smallJudge(policy).verdicts(routes).flatMap((one) =>
        one.verdict === "wanted" ? [one.wanted] : []
      );
      assert.deepEqual(smallJudge(policy).wanted(routes), found[0] ?? null);
    }),
    runs,
  );
});

/** What the kernel does with a packet for the prefix, told table by table as fib_lookup() goes. */
function kernelsChoice(routes: readonly KernelRoute[], tables: readonly number[]): KernelRoute | null {
  const [table, ...others] = tables;
  if (table === undefined) return null;
  const usable = routes.filter((route) =>
    route.table === table && route.tos === 0 &&
    !(route.type === 1 && route.legs.length > 0 && !route.legs.some((leg) => !leg.dead))
  );
  const [chosen] = usable.toSorted((left, right) => left.metric - right.metric);
  return chosen === undefined || chosen.type === 9 ? kernelsChoice(routes, others) : chosen;
}

Deno.test("verdicts() wants no route but the one that the kernel uses", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const wanted = smallJudge(policy).verdicts(routes).find(({ verdict }) => verdict === "wanted");
      if (wanted !== undefined) assert.equal(wanted.route, kernelsChoice(routes, policy.tables));
    }),
    runs,
  );
});

Deno.test("verdicts() says of the route that the kernel uses what is wrong with it, never that it is shadowed", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const chosen = kernelsChoice(routes, policy.tables);
      const verdict = smallJudge(policy).verdicts(routes).find(({ route }) => route === chosen);
      if (verdict?.verdict === "dropped") assert.notEqual(verdict.reason, "shadowed");
    }),
    runs,
  );
});

Deno.test("wanted() takes no route whose protocol -protocol does not name", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const wanted = smallJudge(policy).wanted(routes);
      if (wanted !== null && policy.protocols !== null) assert.ok(policy.protocols.has(wanted.protocol));
    }),
    runs,
  );
});

Deno.test("wanted() never wants a default, reserved or own-network prefix without a flag for it", () => {
  const inside = (ranges: readonly Prefix[], prefix: Prefix): boolean =>
    ranges.some((range) => prefixContains(range, prefix));
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const wanted = smallJudge(policy).wanted(routes);
      if (wanted === null) return;
      const { prefix } = wanted;
      assert.equal(inside(reservedRanges, prefix), false);
      assert.ok(policy.allowDefault || !isDefault(prefix));
      assert.ok(policy.allowLocal || !inside(smallVm.networks, prefix));
      assert.ok(policy.ipv6 || prefix.family === 4);
    }),
    runs,
  );
});

Deno.test("wanted() names next hops once each, in order, none of them the subnet's router", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const hops = smallJudge(policy).wanted(routes)?.nextHops;
      if (hops === undefined) return;
      assert.ok(hops.length > 0);
      assert.equal(new Set(hops.map(({ neighbour }) => neighbour?.text ?? "self")).size, hops.length);
      const gateways = hops.flatMap(({ gateway }) => gateway ?? []);
      assert.deepEqual(gateways, [...gateways].sort(compareAddresses));
      assert.ok(hops.every(({ neighbour }) => neighbour?.text !== "10.0.0.1"));
    }),
    runs,
  );
});

Deno.test("keepPrefix() and mayBeWanted() pass over nothing that is wanted", () => {
  fc.assert(
    fc.property(someRoutes, somePolicy, (routes, policy) => {
      const wanted = smallJudge(policy).wanted(routes);
      if (wanted === null) return;
      const { family, words, length } = wanted.prefix;
      assert.ok(keepPrefix(policy, family, words, length));
      assert.ok(routes.some(({ protocol, type }) => mayBeWanted(policy, protocol, type)));
    }),
    runs,
  );
});

Deno.test("keepPrefix() drops link-local and multicast IPv6 prefixes, of which each device has one, and no wider ones", () => {
  const keeps = (text: string): boolean => {
    const { words, length } = parsePrefix(text);
    return keepPrefix({ ...defaultPolicy, ipv6: true }, 6, words, length);
  };
  assert.deepEqual(
    ["fe80::/64", "febf::/16", "fe80::/10", "ff00::/8", "ff02::1/128"].filter(keeps),
    [],
  );
  const kept = ["fe80::/9", "fec0::/10", "fe00::/8", "fe00::/7", "2001:db8::/32"];
  assert.deepEqual(kept.filter(keeps), kept);
});

Deno.test("keepPrefix() always keeps default routes: they tell which address is this VM's", () => {
  fc.assert(fc.property(somePolicy, (policy) => {
    assert.ok(keepPrefix(policy, 4, [0, 0, 0, 0], 0));
    assert.ok(keepPrefix(policy, 6, [0, 0, 0, 0], 0));
  }));
});
