/** A replica of Azure's that lags behind says 404 of what is there: nothing is made anew or taken away for it. */

import assert from "node:assert/strict";
import { ids } from "../../fakes/azure/rig.ts";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { add, azureTest, notFound, open, ready, rejects, signal } from "./azure_cloud.ts";

azureTest("no false 404 of the table that the subnet uses makes the subnet lose it", async (rig) => {
  rig.placeFormerTable();
  const cloud = open(rig);
  // What the network's answer says of the table is looked at before the subnet is asked, so that one false 404 is no failure.
  for (const [call, times] of [["prepare", 2], ["locate", 2], ["remove", 1]] as const) {
    rig.arm.faults.push(notFound(ids.formerTable, times));
    await rejects(cloud[call](signal), "gone", /operators-table, which subnet vnet1\/clients uses/);
  }
  assert.deepEqual(rig.arm.writes(), []);
  await cloud.prepare(signal);
  assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "0.0.0.0/0": "10.0.9.9" });
  const tags = rig.arm.state.show(ids.ownTable).tags as Json;
  assert.equal(tags["cloudroutesync-former-clients"], "network-group/operators-table");
});

for (const times of [1, 2, 3]) {
  azureTest(`${times} false 404s of our own table change nothing while the subnet uses it`, async (rig) => {
    rig.placeFormerTable();
    const { cloud, table, state } = await ready(rig);
    await cloud.write(table, [add("198.51.100.0/24")], state, signal);
    const before = rig.arm.state.show(ids.ownTable);
    await cloud.identify(signal);
    rig.arm.calls.length = 0;
    rig.arm.faults.push(notFound(ids.ownTable, times));
    // The table is read a second time once the subnet has said that it uses it.
    for (let seen = 2; seen <= times; seen += 2) await rejects(cloud.prepare(signal), "gone");
    assert.deepEqual(await cloud.prepare(signal), [table]);
    assert.deepEqual(rig.arm.writes(), []);
    assert.deepEqual(rig.arm.state.show(ids.ownTable), before);
  });

  azureTest(
    `${times} false 404s of our own table change nothing while another subnet uses it`,
    async (rig) => {
      rig.placeFormerTable();
      const { cloud } = await ready(rig);
      const before = propertiesOf(rig.arm.state.show(ids.subnet));
      rig.arm.state.place(ids.subnet.replace("clients", "servers"), { properties: before });
      rig.placeFormerTable();
      const table = rig.arm.state.show(ids.ownTable);
      rig.arm.faults.push(notFound(ids.ownTable, times));
      await rejects(cloud.prepare(signal), "conflict", /create route table cloudroutesync-route-table: /);
      assert.deepEqual(rig.arm.writes(), []);
      assert.deepEqual(rig.arm.state.show(ids.ownTable), table);
      rig.arm.faults.length = 0;
      assert.equal((await cloud.prepare(signal))[0]?.id, ids.ownTable);
    },
  );
}

azureTest("false 404s of another network's table do not let it be overwritten", async (rig) => {
  const tags = { "cloudroutesync-owner": "cloudroutesync", "cloudroutesync-network": "network-group/vnet2" };
  rig.arm.state.place(ids.ownTable, { location: "westeurope", tags, properties: { routes: [] } });
  rig.arm.faults.push(notFound(ids.ownTable, 2));
  await rejects(open(rig).prepare(signal), "conflict", /yet it is listed or in use/);
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest("remove() puts the former table back though a lagging replica does not find it", async (rig) => {
  rig.placeFormerTable();
  const { cloud } = await ready(rig);
  rig.arm.faults.push(notFound(ids.formerTable, 9));
  await cloud.remove(signal);
  assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, { id: ids.formerTable });
});
