/** Several next hops a route: where Azure refuses them. */

import assert from "node:assert/strict";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { addresses } from "../../fakes/azure/rig.ts";
import { add, azureTest, many, ready, routeOf, signal } from "./azure_cloud.ts";

azureTest(
  "write() falls back to the lowest next hop where Azure refuses several, and says so in its traits",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    rig.arm.state.rules.ecmp = false;
    const changes = [add("198.51.100.0/24", addresses.scaleSet, addresses.other), ...many(1)];
    const result = await cloud.write(table, changes, state, signal);
    assert.deepEqual(result.outcomes, [null, null]);
    assert.deepEqual(routeOf(result.state, "198.51.100.0/24").nextHops, [addresses.other]);
    assert.equal(cloud.traits.nextHopsPerRoute, 1);
  },
);

azureTest("write() does not blame several next hops for another refusal", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.faults.push({ matches: ({ method }) => method === "PUT", times: 9, status: 400, code: "Bad" });
  const { outcomes } = await cloud.write(
    table,
    [add("198.51.100.0/24", "10.0.1.5", "10.0.1.6")],
    state,
    signal,
  );
  assert.equal(outcomes[0]?.kind, "invalid");
  assert.equal(cloud.traits.nextHopsPerRoute, 64);
  assert.equal(cloud.traits.nextHopsOf?.(parsePrefix("198.51.100.0/24")), 64);
});
