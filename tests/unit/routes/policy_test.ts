/** Each reason to drop a route, by a route of its own; and what is wanted because a flag says so. */

import assert from "node:assert/strict";
import { type DropReason, dropReasonMeanings } from "../../../src/routes/drop_reason.ts";
import type { Policy, PolicyIdentity } from "../../../src/routes/policy.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { filterOf } from "../../fakes/filters.ts";
import { kernelRoute, type RouteParts } from "../../fakes/kernel_routes.ts";
import { smallJudge } from "../../fakes/policies.ts";

const gateway = { via: "172.16.0.1", dev: "wg0" };

/** What becomes of the only route of a prefix: `wanted` or the reason. */
function verdict(
  prefix: string,
  parts: RouteParts,
  policy: Partial<Policy> = {},
  identity: Partial<PolicyIdentity> = {},
): string {
  const [only] = smallJudge(policy, identity).verdicts([kernelRoute(prefix, parts)]);
  return only?.verdict === "dropped" ? only.reason : only?.verdict ?? "none";
}

interface DropCase {
  readonly reason: DropReason;
  readonly prefix: string;
  readonly parts: RouteParts;
  readonly policy?: Partial<Policy>;
  readonly identity?: Partial<PolicyIdentity>;
  /** What lets the very same route pass. */
  readonly unless?: Partial<Policy>;
}

const dropCases: readonly DropCase[] = [
  {
    reason: "other-table",
    prefix: "198.51.100.0/24",
    parts: { ...gateway, table: 100 },
    unless: { tables: [100] },
  },
  { reason: "ipv6-off", prefix: "2001:db8::/32", parts: { via: "fe80::1" }, unless: { ipv6: true } },
  { reason: "tos", prefix: "198.51.100.0/24", parts: { ...gateway, tos: 0x10 } },
  { reason: "type", prefix: "198.51.100.0/24", parts: { type: 6 }, unless: { blackhole: true } },
  { reason: "type", prefix: "198.51.100.0/24", parts: { type: 7 }, policy: { blackhole: true } },
  { reason: "type", prefix: "198.51.100.0/24", parts: { ...gateway, type: 2 } },
  {
    reason: "no-gateway",
    prefix: "198.51.100.0/24",
    parts: { dev: "wg0" },
    unless: { interfaces: new Set(["wg0"]) },
  },
  { reason: "link-down", prefix: "198.51.100.0/24", parts: { ...gateway, dead: true } },
  { reason: "link-down", prefix: "198.51.100.0/24", parts: { ...gateway, linkDown: true } },
  { reason: "link-down", prefix: "198.51.100.0/24", parts: { dev: "eth0", dead: true } },
  {
    reason: "protocol",
    prefix: "198.51.100.0/24",
    parts: { ...gateway, protocol: 16 },
    unless: { protocols: new Set([16]) },
  },
  { reason: "protocol", prefix: "198.51.100.0/24", parts: gateway, policy: { protocols: new Set([12]) } },
  { reason: "default-route", prefix: "0.0.0.0/0", parts: gateway, unless: { allowDefault: true } },
  { reason: "reserved", prefix: "169.254.169.254/32", parts: gateway },
  {
    reason: "reserved",
    prefix: "168.63.129.16/32",
    parts: gateway,
    identity: { reserved: [parsePrefix("168.63.129.16/32")] },
  },
  { reason: "subnet-router", prefix: "198.51.100.0/24", parts: { via: "10.0.0.1" } },
  {
    reason: "subnet-router",
    prefix: "2001:db8:5::/48",
    parts: { via: "fe80::4001:aff:fe00:1" },
    policy: { ipv6: true },
    identity: { subnetRouters: [parseAddress("fe80::4001:aff:fe00:1")] },
  },
  {
    reason: "subnet-router",
    prefix: "2001:db8:5::/48",
    parts: { via: "fe80:ec2::1" },
    policy: { ipv6: true },
    identity: { linkLocalIsRouter: true },
  },
  { reason: "own-network", prefix: "10.0.7.0/24", parts: gateway, unless: { allowLocal: true } },
  {
    reason: "excluded",
    prefix: "198.51.100.0/24",
    parts: gateway,
    policy: { filter: filterOf("exclude 198.51.100.0/24") },
    unless: { filter: filterOf("exclude 198.51.100.0/24 ge 25") },
  },
  {
    reason: "not-included",
    prefix: "198.51.100.0/24",
    parts: gateway,
    policy: { filter: filterOf("include 192.0.2.0/24") },
    unless: { filter: filterOf("include 198.51.100.0/24") },
  },
  {
    reason: "no-self-address",
    prefix: "2001:db8::/32",
    parts: { via: "fe80::1" },
    policy: { ipv6: true },
    identity: { self: { 4: "10.0.0.4", 6: null } },
  },
];

for (const { reason, prefix, parts, policy, identity, unless } of dropCases) {
  const route = `${prefix} ${JSON.stringify(parts)}`;
  Deno.test(`RouteJudge drops as ${reason} the route ${route}`, () => {
    assert.equal(verdict(prefix, parts, policy, identity), reason);
    if (unless !== undefined) {
      assert.equal(verdict(prefix, parts, { ...policy, ...unless }, identity), "wanted");
    }
  });
}

Deno.test("RouteJudge has a test here for every reason but shadowed and source-specific, and each has a meaning", () => {
  const tested = new Set<string>([...dropCases.map(({ reason }) => reason), "shadowed", "source-specific"]);
  assert.deepEqual([...tested].sort(), Object.keys(dropReasonMeanings).sort());
});

Deno.test("RouteJudge wants an ordinary BGP route with all that is known of it", () => {
  const route = kernelRoute("198.51.100.0/24", { via: "10.0.0.9", metric: 20 });
  assert.deepEqual(smallJudge().verdicts([route]), [{
    verdict: "wanted",
    route,
    wanted: {
      prefix: route.prefix,
      metric: 20,
      protocol: 186,
      nextHops: [{ neighbour: route.legs[0]?.gateway, gateway: route.legs[0]?.gateway }],
    },
    legs: [{ to: "gateway", why: null }],
  }]);
});

Deno.test("RouteJudge takes by default every protocol but redirect, kernel, ra and dhcp", () => {
  const dropped = Array.from({ length: 256 }, (_, protocol) => protocol)
    .filter((protocol) => verdict("198.51.100.0/24", { ...gateway, protocol }) === "protocol");
  assert.deepEqual(dropped, [1, 2, 9, 16]);
});

Deno.test("RouteJudge lets -protocol replace the default set", () => {
  const policy = { protocols: new Set([2]) };
  assert.equal(verdict("198.51.100.0/24", { ...gateway, protocol: 2 }, policy), "wanted");
  assert.equal(verdict("198.51.100.0/24", { ...gateway, protocol: 186 }, policy), "protocol");
});

Deno.test("RouteJudge knows the default route in every guise, and only those", () => {
  const six = { ipv6: true };
  for (const guise of ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "126.0.0.0/7", "12.0.0.0/6"]) {
    assert.equal(verdict(guise, gateway), "default-route", guise);
    assert.equal(verdict(guise, gateway, { allowDefault: true }), "wanted", guise);
  }
  for (const guise of ["::/0", "::/1", "8000::/1", "2000::/3", "::/3", "3000::/4", "2000::/4", "2400::/6"]) {
    assert.equal(verdict(guise, { via: "fe80::1", dev: "wg0" }, six), "default-route", guise);
    assert.equal(
      verdict(guise, { via: "fe80::1", dev: "wg0" }, { ...six, allowDefault: true }),
      "wanted",
      guise,
    );
  }
  assert.equal(verdict("12.0.0.0/8", gateway), "wanted");
  assert.equal(verdict("fc00::/7", { via: "fe80::1", dev: "wg0" }, six), "wanted");
});

Deno.test("RouteJudge drops what lies inside a reserved range, not what covers one", () => {
  const inside = [
    "0.0.0.0/8",
    "0.1.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/3",
    "240.0.0.0/4",
    "255.255.255.255/32",
  ];
  for (const prefix of inside) assert.equal(verdict(prefix, gateway), "reserved", prefix);
  for (const prefix of ["::/128", "::1/128", "::ffff:10.0.0.0/104", "fe80::/10", "febf::/16", "ff02::/16"]) {
    assert.equal(verdict(prefix, { via: "fe80::1" }, { ipv6: true }), "reserved", prefix);
  }
  for (const prefix of ["126.0.0.0/7", "169.252.0.0/14", "192.0.0.0/2"]) {
    assert.equal(verdict(prefix, gateway, { allowDefault: true }), "wanted", prefix);
  }
  assert.equal(verdict("240.0.0.0/4", gateway, { allowDefault: true }), "reserved", "no flag takes it");
});

Deno.test("RouteJudge drops what lies inside the VM's network, not what covers it", () => {
  assert.equal(verdict("10.0.0.0/16", gateway), "own-network");
  assert.equal(verdict("10.0.255.255/32", gateway), "own-network");
  assert.equal(verdict("10.0.0.0/15", gateway), "wanted");
});

Deno.test("RouteJudge counts routes out of an -interface device, whatever their protocol, to this VM", () => {
  const policy = { interfaces: new Set(["wg0"]) };
  const route = kernelRoute("192.0.2.0/24", { dev: "wg0", protocol: 2 });
  const [only] = smallJudge(policy).verdicts([route]);
  assert.equal(only?.verdict, "wanted");
  assert.deepEqual(only?.verdict === "wanted" ? only.wanted.nextHops : [], [{
    neighbour: null,
    gateway: null,
  }]);
  assert.equal(verdict("192.0.2.0/24", { dev: "wg1", protocol: 2 }, policy), "no-gateway");
  assert.equal(verdict("192.0.2.0/24", { dev: "wg0", linkDown: true }, policy), "link-down");
});

Deno.test("RouteJudge points blackhole routes at this VM", () => {
  const [only] = smallJudge({ blackhole: true }).verdicts([
    kernelRoute("192.0.2.0/26", { type: 6, protocol: 12 }),
  ]);
  assert.deepEqual(only?.verdict === "wanted" ? only.wanted.nextHops : [], [{
    neighbour: null,
    gateway: null,
  }]);
});

Deno.test("RouteJudge lets -blackhole lift the default set of protocols, and -protocol have the last word", () => {
  const kernel = { type: 6, protocol: 2 };
  assert.equal(verdict("192.0.2.0/26", kernel, { blackhole: true }), "wanted");
  assert.equal(verdict("192.0.2.0/26", kernel, { blackhole: true, protocols: new Set([12]) }), "protocol");
  assert.equal(verdict("192.0.2.0/26", kernel, { blackhole: true, protocols: new Set([2]) }), "wanted");
});

Deno.test("the reason protocol names the protocols that are left out without -protocol", () => {
  const names = { redirect: 1, kernel: 2, ra: 9, dhcp: 16 };
  for (const [name, protocol] of Object.entries(names)) {
    assert.equal(verdict("198.51.100.0/24", { ...gateway, protocol }), "protocol");
    assert.match(dropReasonMeanings.protocol, new RegExp(`\\b${name}\\b`));
  }
});
