import assert from "node:assert/strict";
import { cutOffNextHop } from "../../../../src/clouds/azure/loop_guard.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

const networks = ["10.0.0.0/16", "fd00:1::/48"].map(parsePrefix);

const cases: readonly [prefix: string, nextHops: string[], cutOff: string | null, why: string][] = [
  ["198.51.100.0/24", ["10.0.1.4"], null, "the next hop lies elsewhere"],
  ["10.0.1.0/24", ["10.0.1.20"], "10.0.1.20", "the prefix is longer than the network's system route"],
  ["10.0.0.0/16", ["10.0.1.20"], "10.0.1.20", "the prefix is as long as the network's system route"],
  ["10.0.0.0/8", ["10.0.1.20"], null, "the network's system route is longer"],
  ["0.0.0.0/0", ["10.0.1.20"], null, "a default route is shorter than any"],
  ["10.0.1.20/32", ["10.0.1.4"], null, "only its own next hop counts"],
  ["10.0.1.20/32", ["10.0.1.4", "10.0.1.20"], "10.0.1.20", "any of several next hops counts"],
  ["192.0.2.0/24", ["192.0.2.1"], "192.0.2.1", "a next hop outside of the network has no system route"],
  ["fd00:1::/64", ["fd00:1::20"], "fd00:1::20", "IPv6 likewise"],
];

for (const [prefix, nextHops, cutOff, why] of cases) {
  Deno.test(`cutOffNextHop() is ${cutOff} for ${prefix} by ${nextHops.join(" and ")} when ${why}`, () => {
    assert.equal(cutOffNextHop(parsePrefix(prefix), nextHops, networks), cutOff);
  });
}
