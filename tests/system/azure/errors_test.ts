/** What Azure's refusals mean where they are not as the other clouds' are. */

import assert from "node:assert/strict";
import { azureTest, open, rejects, signal } from "./azure_cloud.ts";

azureTest("identify() is unavailable while the API is down, and heals", async (rig) => {
  const cloud = open(rig);
  await rig.arm.stop();
  await rejects(cloud.identify(signal), "unavailable");
  rig.arm.start();
  assert.equal((await cloud.identify(signal)).instance, "router");
});

// The table

azureTest("prepare() is denied with the action that joins a table to a subnet", async (rig) => {
  rig.arm.denied.add("Microsoft.Network/routeTables/join/action");
  const error = await rejects(open(rig).prepare(signal), "denied");
  assert.equal(error.action, "Microsoft.Network/routeTables/join/action");
});

// Several next hops
