/** The next-hop rule: the rows of the table in `next_hop.ts`. */

import assert from "node:assert/strict";
import { findDevices } from "../../../src/routes/devices.ts";
import { NextHopRule, type SelfReason, selfReasonMeanings } from "../../../src/routes/next_hop.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { leg, type LegParts } from "../../fakes/kernel_routes.ts";
import { smallKernel, smallVm } from "../../fakes/policies.ts";

const rule = new NextHopRule(smallVm, findDevices(smallKernel(), new Set(), smallVm.attachments));

const rows: readonly (readonly [string, LegParts, SelfReason | null])[] = [
  ["a gateway in the VM's subnet, by its interface", { via: "10.0.0.9" }, null],
  ["a gateway in another subnet of the network", { via: "10.0.7.9" }, null],
  ["an IPv6 gateway in the network", { via: "2001:db8:a::9" }, null],
  ["no gateway: a device", { dev: "wg0" }, "no-gateway"],
  ["no gateway: the VM's own interface", { dev: "eth0" }, "no-gateway"],
  [
    "encapsulated, though all else is as for a neighbour",
    { via: "10.0.0.9", encapsulation: "ip" },
    "encapsulation",
  ],
  ["encapsulated in MPLS", { via: "10.0.0.9", encapsulation: "mpls" }, "encapsulation"],
  [
    "the neighbour's address by a bridge, as FRR writes EVPN",
    { via: "10.0.0.9", dev: "br100" },
    "other-device",
  ],
  ["a gateway by a tunnel", { via: "172.16.0.1", dev: "wg0" }, "other-device"],
  ["a gateway by another Ethernet", { via: "192.168.1.9", dev: "eth1" }, "other-device"],
  ["an own address", { via: "10.0.0.4" }, "own-address"],
  ["a gateway outside of the network", { via: "10.1.0.9" }, "outside-network"],
  ["a link-local gateway on a plain Ethernet", { via: "fe80::9" }, "outside-network"],
];

for (const [what, parts, expected] of rows) {
  Deno.test(`NextHopRule.whySelf(): ${what}`, () => {
    assert.equal(rule.whySelf(leg(parts)), expected);
    const [hop] = rule.nextHopsOf([leg(parts)]);
    assert.equal(hop?.neighbour?.text ?? null, expected === null ? parts.via : null);
    assert.equal(hop?.gateway?.text, parts.via);
  });
}

Deno.test("NextHopRule.whySelf() has a row here for every reason, and each has a meaning", () => {
  const seen = rows.flatMap(([, , reason]) => reason ?? []);
  assert.deepEqual([...new Set(seen)].sort(), Object.keys(selfReasonMeanings).sort());
});

/** The next hops of legs as `neighbour|gateway`. */
function hops(...parts: readonly (LegParts | null)[]): readonly string[] {
  return rule.nextHopsOf(parts.map((part) => part === null ? null : leg(part)))
    .map(({ neighbour, gateway }) => `${neighbour?.text ?? "self"}|${gateway?.text ?? "none"}`);
}

Deno.test("NextHopRule.nextHopsOf() takes a blackhole for this VM", () => {
  assert.deepEqual(hops(null), ["self|none"]);
});

Deno.test("NextHopRule.nextHopsOf() puts the lowest gateway address first, by number and not by text", () => {
  assert.deepEqual(hops({ via: "10.0.0.10" }, { via: "10.0.0.9" }, { via: "10.0.0.200" }), [
    "10.0.0.9|10.0.0.9",
    "10.0.0.10|10.0.0.10",
    "10.0.0.200|10.0.0.200",
  ]);
});

Deno.test("NextHopRule.nextHopsOf() puts legs without gateway last", () => {
  assert.deepEqual(hops({ dev: "wg0" }, { via: "10.0.0.9" }), ["10.0.0.9|10.0.0.9", "self|none"]);
});

Deno.test("NextHopRule.nextHopsOf() names this VM once, however many legs end in it", () => {
  const tunnels = [{ via: "172.16.0.2", dev: "wg0" }, { dev: "wg0" }, { via: "172.16.0.1", dev: "wg0" }];
  assert.deepEqual(hops(...tunnels, { via: "10.0.0.9" }), ["10.0.0.9|10.0.0.9", "self|172.16.0.1"]);
});

Deno.test("NextHopRule.nextHopsOf() parts two legs to one gateway by their devices", () => {
  assert.deepEqual(hops({ via: "10.0.0.9" }, { via: "10.0.0.9", dev: "br100" }), [
    "10.0.0.9|10.0.0.9",
    "self|10.0.0.9",
  ]);
});

const routerRows: readonly (readonly [string, LegParts, boolean, boolean])[] = [
  // The gateway, whether it is the subnet's router, whether it is where each link-local gateway is one.
  ["the subnet's router", { via: "10.0.0.1" }, true, true],
  ["another gateway", { via: "10.0.0.9" }, false, false],
  ["no gateway", { dev: "eth0" }, false, false],
  ["the same address by a tunnel", { via: "10.0.0.1", dev: "wg0" }, false, false],
  ["a link-local gateway", { via: "fe80::1234:5678:9abc" }, false, true],
  ["the last link-local address", { via: "febf:ffff::1" }, false, true],
  ["a link-local gateway by a tunnel", { via: "fe80::1", dev: "wg0" }, false, false],
];

for (const [what, parts, always, whereLinkLocalIsRouter] of routerRows) {
  Deno.test(`NextHopRule.goesBySubnetRouter(): ${what}`, () => {
    const devices = findDevices(smallKernel(), new Set(), smallVm.attachments);
    const strict = new NextHopRule({ ...smallVm, linkLocalIsRouter: true }, devices);
    assert.equal(rule.goesBySubnetRouter(leg(parts)), always);
    assert.equal(strict.goesBySubnetRouter(leg(parts)), whereLinkLocalIsRouter);
  });
}

Deno.test("where no device is known to be on the cloud network, any gateway may be the subnet's router and none another VM", () => {
  const lost = new NextHopRule(smallVm, { attached: new Map() });
  assert.equal(lost.goesBySubnetRouter(leg({ via: "10.0.0.1", dev: "wg0" })), true);
  assert.equal(lost.whySelf(leg({ via: "10.0.0.9" })), "other-device");
});

Deno.test("NextHopRule knows each interface by what it reaches", () => {
  const attachments = [
    ...smallVm.attachments,
    { addresses: [parseAddress("192.168.1.4")], networks: [parsePrefix("192.168.1.0/24")] },
  ];
  const both = new NextHopRule(smallVm, findDevices(smallKernel(), new Set(), attachments));
  assert.equal(both.whySelf(leg({ via: "192.168.1.9", dev: "eth1" })), null);
  assert.equal(both.whySelf(leg({ via: "192.168.1.9", dev: "eth0" })), "outside-network");
  assert.equal(both.whySelf(leg({ via: "10.0.0.9", dev: "eth1" })), "outside-network");
});
