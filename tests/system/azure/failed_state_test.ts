/** What Azure says has failed is written again; see azure_cloud.ts. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import { propertiesOf } from "../../fakes/azure/arm_state.ts";
import { ids } from "../../fakes/azure/rig.ts";
import { azureTest, many, ready, rejects, signal, written } from "./azure_cloud.ts";

// learn.microsoft.com, "Troubleshoot Microsoft.Network failed provisioning state": a PUT of the resource as it is makes it succeed.

azureTest(
  "a table whose last change failed has routes that count as failed until they are written again",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    await cloud.write(table, many(3), state, signal);
    rig.arm.state.fail(ids.ownTable);
    const failed = await cloud.read(table, signal);
    assert.deepEqual(failed.routes.map((route) => route.failed), [true, true, true]);
    const again = failed.routes.map((from): Change => ({
      action: "replace",
      prefix: from.prefix,
      from,
      to: from.nextHops,
    }));
    rig.arm.calls.length = 0;
    const { outcomes, state: after } = await cloud.write(table, again, failed, signal);
    assert.deepEqual(outcomes, [null, null, null]);
    assert.deepEqual(after?.routes.map((route) => route.failed), [undefined, undefined, undefined]);
    assert.deepEqual(written(rig), [`PUT ${table.name} 200`]);
  },
);

azureTest("a subnet whose last change failed is written again as it is", async (rig) => {
  const { cloud, table } = await ready(rig);
  const before = rig.arm.state.show(ids.subnet);
  rig.arm.state.fail(ids.subnet);
  assert.deepEqual(await cloud.prepare(signal), [table]);
  assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)), propertiesOf(before));
  rig.arm.calls.length = 0;
  await cloud.prepare(signal);
  assert.deepEqual(rig.arm.writes(), [], "once is enough");
});

azureTest(
  "a table whose next hops Azure does not show is not written back",
  async (rig) => {
    const hidden = {
      name: "theirs",
      properties: { addressPrefix: "192.0.2.0/24", nextHopType: "VirtualApplianceEcmp" },
    };
    rig.placeFormerTable([hidden]);
    const { cloud, table, state } = await ready(rig, { routeTables: [ids.formerTable] });
    await rejects(
      cloud.write(table, many(2), state, signal),
      "malformed",
      /does not show the next hops of route theirs/,
    );
    assert.deepEqual(rig.arm.writes(), []);
  },
);
