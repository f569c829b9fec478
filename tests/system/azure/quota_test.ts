/** How many routes a table takes where Azure does not say. */

import assert from "node:assert/strict";
import { azureTest, ready } from "./azure_cloud.ts";

azureTest("read() goes by the published limit where the usages are denied", async (rig) => {
  rig.arm.denied.add("Microsoft.Network/locations/usages/read");
  assert.equal((await ready(rig)).state.quotas[0]?.limit, 1_000);
});
