/** The table of its own on Azure: named, tagged, written on condition. */

import assert from "node:assert/strict";
import { ids, route, subnetProperties } from "../../fakes/azure/rig.ts";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { azureTest, open, ready, rejects, signal } from "./azure_cloud.ts";

azureTest("prepare() makes a tagged table, and the subnet keeps everything that it has", async (rig) => {
  const [table] = await open(rig).prepare(signal);
  assert.deepEqual(table, { id: ids.ownTable, name: "cloudroutesync-route-table", ours: true });
  const shown = rig.arm.state.show(ids.ownTable);
  assert.equal(shown.location, "westeurope");
  assert.deepEqual(shown.tags, {
    "cloudroutesync-owner": "cloudroutesync",
    "cloudroutesync-network": "network-group/vnet1",
    "cloudroutesync-former-clients": "none",
  });
  const { routeTable, provisioningState: _, ipConfigurations, ...rest } = propertiesOf(
    rig.arm.state.show(ids.subnet),
  );
  assert.deepEqual(rest, subnetProperties);
  assert.equal((ipConfigurations as Json[]).length, 5);
  assert.deepEqual(routeTable, { id: ids.ownTable });
  assert.ok(
    rig.arm.writes().find(({ path }) => path === ids.subnet)?.ifMatch,
    "the subnet is written with its ETag",
  );
});

azureTest(
  "prepare() completes a table that a crash left unassociated, with what changed meanwhile",
  async (rig) => {
    rig.placeFormerTable();
    rig.arm.faults.push({
      matches: ({ method, path }) => method === "PUT" && path === ids.subnet,
      times: 1,
      status: 503,
    });
    await rejects(open(rig).prepare(signal), "unavailable");
    assert.ok(rig.arm.state.has(ids.ownTable));
    rig.placeFormerTable([
      route("default", "0.0.0.0/0", "10.0.9.9"),
      route("new", "192.0.2.0/24", "10.0.9.9"),
    ]);
    await open(rig).prepare(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
      "0.0.0.0/0": "10.0.9.9",
      "192.0.2.0/24": "10.0.9.9",
    });
    assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, { id: ids.ownTable });
    const tags = rig.arm.state.show(ids.ownTable).tags as Json;
    assert.equal(tags["cloudroutesync-former-clients"], "network-group/operators-table");
  },
);

azureTest("prepare() is a conflict when the subnet changes meanwhile, and loses nothing", async (rig) => {
  rig.arm.beforeWrite = ({ path }) => {
    if (path !== ids.subnet) return;
    rig.placeSubnet({ natGateway: { id: "/nat/new" } });
    rig.arm.beforeWrite = null;
  };
  const cloud = open(rig);
  await rejects(cloud.prepare(signal), "conflict");
  await cloud.prepare(signal);
  const { natGateway, routeTable } = propertiesOf(rig.arm.state.show(ids.subnet));
  assert.deepEqual(natGateway, { id: "/nat/new" });
  assert.deepEqual(routeTable, { id: ids.ownTable });
});

azureTest("prepare() refuses a table of its name that is not proven its own", async (rig) => {
  rig.arm.state.place(ids.ownTable, { location: "westeurope", properties: { routes: [] } });
  await rejects(open(rig).prepare(signal), "invalid", /has no tag cloudroutesync-owner/);
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest("prepare() makes a table for each virtual network of a resource group", async (rig) => {
  const tags = { "cloudroutesync-owner": "cloudroutesync", "cloudroutesync-network": "network-group/vnet2" };
  rig.arm.state.place(ids.ownTable, { location: "westeurope", tags, properties: { routes: [] } });
  const [table] = await open(rig).prepare(signal);
  assert.equal(table?.name, "cloudroutesync-route-table-vnet1");
  assert.equal((await open(rig).locate(signal))[0]?.name, "cloudroutesync-route-table-vnet1");
});

azureTest(
  "remove() gives the subnet no table if its former one is gone, and keeps what was in it",
  async (rig) => {
    rig.placeFormerTable();
    const { cloud } = await ready(rig);
    rig.arm.state.remove(ids.formerTable);
    await cloud.remove(signal);
    assert.equal(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, undefined);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "0.0.0.0/0": "10.0.9.9" });
  },
);

// Writing
