/** Which legs of a multipath route count. */

import assert from "node:assert/strict";
import type { Policy } from "../../../src/routes/policy.ts";
import { kernelRoute, type LegParts, type RouteParts } from "../../fakes/kernel_routes.ts";
import { smallJudge } from "../../fakes/policies.ts";

/** The next hops of a route in order (`self` or a neighbour), or why it is dropped. */
function hops(
  legs: readonly LegParts[],
  policy: Partial<Policy> = {},
  parts: RouteParts = {},
): readonly string[] {
  const route = kernelRoute("198.51.100.0/24", { ...parts, legs });
  const [only] = smallJudge(policy).verdicts([route]);
  if (only?.verdict !== "wanted") return [only?.reason ?? "none"];
  return only.wanted.nextHops.map(({ neighbour }) => neighbour?.text ?? "self");
}

Deno.test("RouteJudge wants every live leg, the lowest gateway first", () => {
  assert.deepEqual(hops([{ via: "10.0.0.11" }, { via: "10.0.0.9" }]), ["10.0.0.9", "10.0.0.11"]);
});

Deno.test("RouteJudge leaves out legs that are dead or without carrier", () => {
  const legs = [{ via: "10.0.0.9", dead: true }, { via: "10.0.0.10", linkDown: true }, { via: "10.0.0.11" }];
  assert.deepEqual(hops(legs), ["10.0.0.11"]);
  assert.deepEqual(hops(legs.slice(0, 2)), ["link-down"]);
});

Deno.test("RouteJudge leaves out legs without gateway", () => {
  assert.deepEqual(hops([{ dev: "eth1" }, { via: "10.0.0.9" }]), ["10.0.0.9"]);
  assert.deepEqual(hops([{ dev: "eth1" }, { dev: "eth2" }]), ["no-gateway"]);
});

Deno.test("RouteJudge leaves out legs by the subnet's router, and drops what has no other", () => {
  assert.deepEqual(hops([{ via: "10.0.0.1" }, { via: "10.0.0.9" }]), ["10.0.0.9"]);
  assert.deepEqual(hops([{ via: "10.0.0.1" }, { via: "10.0.0.9", dead: true }]), ["subnet-router"]);
});

Deno.test("RouteJudge takes legs with a gateway beside one out of an -interface device", () => {
  const policy = { interfaces: new Set(["wg0"]) };
  assert.deepEqual(hops([{ dev: "wg0" }, { via: "10.0.0.9" }], policy), ["10.0.0.9", "self"]);
  assert.deepEqual(hops([{ dev: "wg0", linkDown: true }, { via: "10.0.0.9" }], policy), ["10.0.0.9"]);
});

Deno.test("RouteJudge takes only the legs out of -interface devices when the protocol alone would not count", () => {
  const policy = { interfaces: new Set(["wg0"]) };
  const kernel = { protocol: 2 };
  assert.deepEqual(hops([{ dev: "wg0" }, { via: "10.0.0.9" }], policy, kernel), ["self"]);
  assert.deepEqual(hops([{ via: "10.0.0.9" }], policy, kernel), ["protocol"]);
});

Deno.test("RouteJudge lets -protocol have the last word over -interface", () => {
  const policy = { interfaces: new Set(["wg0"]), protocols: new Set([186]) };
  assert.deepEqual(hops([{ dev: "wg0" }], policy, { protocol: 2 }), ["protocol"]);
  assert.deepEqual(
    hops([{ dev: "wg0" }], policy),
    ["self"],
    "a BGP route out of the device needs no gateway",
  );
});

Deno.test("RouteJudge tells what becomes of each leg of a wanted route", () => {
  const legs = [
    { via: "10.0.0.9" },
    { via: "10.0.0.9", dev: "br100" },
    { via: "10.0.0.10", encapsulation: "mpls" },
    { via: "10.0.0.1" },
    { via: "10.0.0.11", dead: true },
    { dev: "eth1" },
  ];
  const [only] = smallJudge().verdicts([kernelRoute("198.51.100.0/24", { legs })]);
  assert.deepEqual(only?.verdict === "wanted" ? only.legs.map(({ to, why }) => `${to} ${why}`) : [], [
    "gateway null",
    "self other-device",
    "self encapsulation",
    "null subnet-router",
    "null link-down",
    "null no-gateway",
  ]);
});
