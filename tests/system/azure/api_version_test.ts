/** APIs that are older than the program. */

import assert from "node:assert/strict";
import { ids } from "../../fakes/azure/rig.ts";
import { azureTest, many, open, ready, rejects, signal } from "./azure_cloud.ts";

for (const refusal of ["NoRegisteredProviderFound", "InvalidResourceType"] as const) {
  azureTest(
    `an older API that says ${refusal} is spoken to in its own version, with one next hop a route`,
    async (rig) => {
      rig.arm.apiVersions = ["2018-11-01", "2024-05-01", "2030-01-01-preview"];
      rig.arm.apiVersionRefusal = refusal;
      const { cloud, state, table } = await ready(rig);
      await cloud.write(table, many(2), state, signal);
      assert.equal(rig.arm.writes()[0]?.query.get("api-version"), "2024-05-01");
      assert.equal(cloud.traits.nextHopsPerRoute, 1);
    },
  );
}

azureTest("two calls at once that are refused lower the API version once", async (rig) => {
  const { cloud, table } = await ready(rig);
  rig.arm.apiVersions = ["2024-05-01", "2025-07-01"];
  rig.arm.latencyMs = 50;
  await Promise.all([cloud.read(table, signal), cloud.read(table, signal)]);
  const versions = rig.arm.calls.filter(({ status }) => status === 200).map(({ query }) =>
    query.get("api-version")
  );
  assert.deepEqual(versions, ["2025-07-01", "2025-07-01"]);
  assert.equal(cloud.traits.nextHopsPerRoute, 64);
});

azureTest("prepare() does not take a refused API version for a table that is not there", async (rig) => {
  rig.arm.faults.push({
    matches: ({ path }) => path === ids.ownTable,
    times: 9,
    status: 404,
    code: "InvalidResourceType",
    message: "The resource type could not be found in the namespace 'Microsoft.Network' for api version 'x'.",
  });
  await rejects(open(rig).prepare(signal), "invalid", /read route table .*InvalidResourceType/);
  assert.deepEqual(rig.arm.writes(), []);
});

// Tokens
