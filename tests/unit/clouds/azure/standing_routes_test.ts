import assert from "node:assert/strict";
import type { ArmRoute } from "../../../../src/clouds/azure/schemas.ts";
import { StandingRoutes } from "../../../../src/clouds/azure/standing_routes.ts";
import type { Change, CloudRoute } from "../../../../src/clouds/cloud.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";
import { numbered } from "../../../system/router_vm.ts";

function armRoute(name: string, addressPrefix: string): ArmRoute {
  return {
    name,
    properties: { addressPrefix, nextHopType: "VirtualAppliance", nextHopIpAddress: "10.0.0.9" },
  };
}

function replacing(prefix: string, id?: string): Change {
  const from: CloudRoute = {
    prefix: parsePrefix(prefix),
    nextHops: ["10.0.0.9"],
    owner: null,
    ...(id === undefined ? {} : { id }),
  };
  return { action: "replace", prefix: from.prefix, from, to: ["10.0.0.4"] };
}

Deno.test("StandingRoutes finds a route by its prefix, and what a change takes away by the name it was read with", () => {
  const [one, other] = [armRoute("One", "10.1.0.0/16"), armRoute("other", "10.2.0.0/16")];
  const standing = new StandingRoutes([one, other, armRoute("service", "AzureCloud")]);
  assert.equal(standing.at("10.2.0.0/16"), other);
  assert.equal(standing.at("10.3.0.0/16"), undefined);
  assert.deepEqual(standing.leavingBy(replacing("10.1.0.0/16", "ONE")), [one]);
  assert.deepEqual(standing.leavingBy(replacing("10.1.0.0/16", "gone")), [], "another one stands there now");
  assert.deepEqual(standing.leavingBy(replacing("10.2.0.0/16")), [other]);
  const prefix = parsePrefix("10.1.0.0/16");
  assert.deepEqual(standing.leavingBy({ action: "add", prefix, from: null, to: ["10.0.0.4"] }), []);
});

Deno.test("StandingRoutes looks at each route a few times, however many changes there are", () => {
  const prefixes = numbered(500);
  let looks = 0;
  const routes = prefixes.map((prefix, index) =>
    Object.defineProperty(armRoute("", prefix), "name", {
      get: () => {
        looks++;
        return `route-${index}`;
      },
    })
  );
  const standing = new StandingRoutes(routes);
  const leaving = prefixes.flatMap((prefix, index) =>
    standing.leavingBy(replacing(prefix, `Route-${index}`))
  );
  assert.equal(leaving.length, prefixes.length);
  assert.ok(looks <= 4 * prefixes.length, `${looks} looks`);
});
