/** Which legs of a multipath route count. */

import assert from "node:assert/strict";
import { judgePrefix, type Policy } from "../../../src/routes/policy.ts";
import { kernelRoute, type LegParts, type RouteParts } from "../../fakes/kernel_routes.ts";
import { defaultPolicy, smallVm } from "../../fakes/policies.ts";

/** The next hops of a route in order (`self` or a neighbour), or why it is dropped. */
function hops(
  legs: readonly LegParts[],
  policy: Partial<Policy> = {},
  parts: RouteParts = {},
): readonly string[] {
  const route = kernelRoute("198.51.100.0/24", { ...parts, legs });
  const [only] = judgePrefix([route], { ...defaultPolicy, ...policy }, smallVm);
  if (only?.verdict !== "exported") return [only?.reason ?? "none"];
  return only.wanted.nextHops.map(({ neighbour }) => neighbour?.text ?? "self");
}

Deno.test("judgePrefix() wants every live leg, the lowest gateway first", () => {
  assert.deepEqual(hops([{ via: "10.0.0.11" }, { via: "10.0.0.9" }]), ["10.0.0.9", "10.0.0.11"]);
});

Deno.test("judgePrefix() leaves out legs that are dead or without carrier", () => {
  const legs = [{ via: "10.0.0.9", dead: true }, { via: "10.0.0.10", linkDown: true }, { via: "10.0.0.11" }];
  assert.deepEqual(hops(legs), ["10.0.0.11"]);
  assert.deepEqual(hops(legs.slice(0, 2)), ["link-down"]);
});

Deno.test("judgePrefix() leaves out legs without gateway", () => {
  assert.deepEqual(hops([{ dev: "eth1" }, { via: "10.0.0.9" }]), ["10.0.0.9"]);
  assert.deepEqual(hops([{ dev: "eth1" }, { dev: "eth2" }]), ["no-gateway"]);
});

Deno.test("judgePrefix() leaves out legs by the subnet's router, and drops what has no other", () => {
  assert.deepEqual(hops([{ via: "10.0.0.1" }, { via: "10.0.0.9" }]), ["10.0.0.9"]);
  assert.deepEqual(hops([{ via: "10.0.0.1" }, { via: "10.0.0.9", dead: true }]), ["subnet-router"]);
});

Deno.test("judgePrefix() takes legs with a gateway beside one out of an -interface device", () => {
  const policy = { interfaces: new Set(["wg0"]) };
  assert.deepEqual(hops([{ dev: "wg0" }, { via: "10.0.0.9" }], policy), ["10.0.0.9", "self"]);
  assert.deepEqual(hops([{ dev: "wg0", linkDown: true }, { via: "10.0.0.9" }], policy), ["10.0.0.9"]);
});

Deno.test("judgePrefix() takes only the legs out of -interface devices when the protocol alone would not count", () => {
  const policy = { interfaces: new Set(["wg0"]) };
  const kernel = { protocol: 2 };
  assert.deepEqual(hops([{ dev: "wg0" }, { via: "10.0.0.9" }], policy, kernel), ["self"]);
  assert.deepEqual(hops([{ via: "10.0.0.9" }], policy, kernel), ["protocol"]);
});
