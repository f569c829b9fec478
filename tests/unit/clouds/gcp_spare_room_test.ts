import assert from "node:assert/strict";
import type { Change, CloudQuota } from "../../../src/clouds/cloud.ts";
import { replacesAtOnce, routesMade, spareRoutes } from "../../../src/clouds/gcp/spare_room.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";

const prefix = parsePrefix("192.168.0.0/16");
const from = { prefix, nextHops: ["10.0.0.2"], owner: "edge", id: "one" };

function quota(used: number, limit: number | null): CloudQuota {
  return { families: [4, 6], used, limit, perNextHop: true };
}

function replace(...to: readonly string[]): Change {
  return { action: "replace", prefix, from, to };
}

const spares: readonly [string, readonly CloudQuota[], number][] = [
  ["what the narrowest of several limits leaves", [quota(10, 250), quota(97, 100)], 3],
  ["none where more stand than may", [quota(12, 10)], 0],
  ["any number where a limit is not known", [quota(12, null)], Infinity],
  ["any number where there is no quota", [], Infinity],
];

for (const [what, quotas, spare] of spares) {
  Deno.test(`spareRoutes() is ${what}`, () => assert.equal(spareRoutes(quotas), spare));
}

Deno.test("routesMade() counts each next hop, and nothing for a delete", () => {
  const add: Change = { action: "add", prefix, from: null, to: ["10.0.0.3"] };
  assert.equal(
    routesMade([replace("10.0.0.3", "10.0.0.4"), add, { action: "delete", prefix, from, to: null }]),
    3,
  );
});

Deno.test("replacesAtOnce() lets each have room for all its next hops, and one in any case", () => {
  assert.equal(replacesAtOnce([replace("10.0.0.3")], 2), 2);
  assert.equal(replacesAtOnce([replace("10.0.0.3"), replace("10.0.0.3", "10.0.0.4")], 5), 2);
  assert.equal(replacesAtOnce([replace("10.0.0.3")], 0), 1);
  assert.equal(replacesAtOnce([], Infinity), Infinity);
});
