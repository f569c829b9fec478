import assert from "node:assert/strict";
import { nextHopsOf } from "../../../src/routes/next_hop.ts";
import { leg, type LegParts } from "../../fakes/kernel_routes.ts";
import { smallVm } from "../../fakes/policies.ts";

/** The next hops of legs as `neighbour|gateway`. */
function hops(...parts: readonly (LegParts | null)[]): readonly string[] {
  return nextHopsOf(parts.map((part) => part === null ? null : leg(part)), smallVm)
    .map(({ neighbour, gateway }) => `${neighbour?.text ?? "self"}|${gateway?.text ?? "none"}`);
}

Deno.test("nextHopsOf() points at another VM when the gateway is inside the VM's subnet", () => {
  assert.deepEqual(hops({ via: "10.0.0.9" }), ["10.0.0.9|10.0.0.9"]);
});

Deno.test("nextHopsOf() points at this VM when the gateway is anywhere else", () => {
  assert.deepEqual(hops({ via: "172.16.0.1", dev: "wg0" }), ["self|172.16.0.1"]);
  assert.deepEqual(hops({ via: "10.0.1.9" }), ["self|10.0.1.9"], "the network, but not the subnet");
  assert.deepEqual(hops({ via: "10.0.0.4" }), ["self|10.0.0.4"], "its own address");
});

Deno.test("nextHopsOf() points at this VM when there is no gateway", () => {
  assert.deepEqual(hops({ dev: "wg0" }), ["self|none"]);
  assert.deepEqual(hops(null), ["self|none"]);
});

Deno.test("nextHopsOf() takes an IPv6 gateway inside the IPv6 subnet for a neighbour", () => {
  assert.deepEqual(hops({ via: "2001:db8:a::9" }), ["2001:db8:a::9|2001:db8:a::9"]);
  assert.deepEqual(hops({ via: "fe80::1" }), ["self|fe80::1"]);
});

Deno.test("nextHopsOf() puts the lowest gateway address first, by number and not by text", () => {
  assert.deepEqual(hops({ via: "10.0.0.10" }, { via: "10.0.0.9" }, { via: "10.0.0.200" }), [
    "10.0.0.9|10.0.0.9",
    "10.0.0.10|10.0.0.10",
    "10.0.0.200|10.0.0.200",
  ]);
});

Deno.test("nextHopsOf() puts legs without gateway last", () => {
  assert.deepEqual(hops({ dev: "wg0" }, { via: "10.0.0.9" }), ["10.0.0.9|10.0.0.9", "self|none"]);
});

Deno.test("nextHopsOf() names this VM once, however many legs end in it", () => {
  assert.deepEqual(hops({ via: "172.16.0.2" }, { dev: "wg0" }, { via: "172.16.0.1" }, { via: "10.0.0.9" }), [
    "10.0.0.9|10.0.0.9",
    "self|172.16.0.1",
  ]);
});
