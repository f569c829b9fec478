/** Tables that -route-table hands over, by id or by name. */

import assert from "node:assert/strict";
import { ids, subscription } from "../../fakes/azure/rig.ts";
import { azureTest, open, rejects, signal } from "./azure_cloud.ts";

azureTest(
  "locate() and prepare() leave tables alone that were handed over, by id or by name",
  async (rig) => {
    rig.placeFormerTable();
    const cloud = open(rig, { routeTables: [ids.formerTable] });
    const expected = [{ id: ids.formerTable, name: "operators-table", ours: false }];
    assert.deepEqual(await cloud.locate(signal), expected);
    assert.deepEqual(await cloud.prepare(signal), expected);
    await cloud.remove(signal);
    assert.deepEqual(rig.arm.writes(), []);
    await rejects(open(rig, { routeTables: ["nowhere"] }).locate(signal), "gone", /router-group.*nowhere/);
  },
);

azureTest("one of several tables that is not there keeps no other from being prepared", async (rig) => {
  rig.placeFormerTable();
  const elsewhere = ids.formerTable.replace(subscription, "22222222-2222-4222-8222-222222222222");
  rig.arm.faults.push({
    matches: ({ path }) => path === elsewhere,
    times: 9,
    status: 403,
    code: "AuthorizationFailed",
    message: "The client does not have authorization to perform action 'Microsoft.Network/routeTables/read'.",
  });
  const cloud = open(rig, { routeTables: ["nowhere", ids.formerTable, elsewhere] });
  const tables = await cloud.prepare(signal);
  assert.deepEqual(tables.map(({ name }) => name), ["nowhere", ids.formerTable, elsewhere]);
  const [nowhere, there, denied] = tables;
  assert.ok(nowhere && there && denied);
  assert.equal((await cloud.read(there, signal)).routes.length, 1);
  await rejects(cloud.read(nowhere, signal), "gone", /^Cannot read route table nowhere: /);
  assert.equal(
    (await rejects(cloud.read(denied, signal), "denied")).action,
    "Microsoft.Network/routeTables/read",
  );
  rig.arm.faults.push({ matches: ({ path }) => path.endsWith("/nowhere"), times: 1, status: 503 });
  await rejects(cloud.prepare(signal), "unavailable");
});
