/** What `doctor` finds on Azure, and the role that it prints. */

import assert from "node:assert/strict";
import type { Finding } from "../../../src/clouds/cloud.ts";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { ids, subscription } from "../../fakes/azure/rig.ts";
import { propertiesOf } from "../../fakes/azure/arm_state.ts";
import type { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { azureTest, many, open, ready, signal } from "./azure_cloud.ts";

async function forwardingOf(cloud: ConnectedCloud, fix: boolean): Promise<Finding | undefined> {
  return (await cloud.check({ fix }, signal)).find(({ name }) => name === "IP forwarding");
}

azureTest("check() with -self fixes the interface that it picks", async (rig) => {
  const subnet = ids.subnet.replace(/clients$/, "backs");
  rig.arm.state.place(subnet, {
    ...rig.arm.state.show(ids.subnet),
    name: "backs",
    properties: { addressPrefix: "10.0.2.0/24" },
  });
  const nic = `${ids.nic}-2`;
  rig.arm.state.place(nic, {
    ...rig.arm.state.show(ids.nic),
    name: "router-nic-2",
    properties: {
      macAddress: "00-0D-3A-00-00-05",
      primary: false,
      enableIPForwarding: false,
      virtualMachine: { id: ids.vm },
      ipConfigurations: [{ name: "a", properties: { privateIPAddress: "10.0.2.4", subnet: { id: subnet } } }],
    },
  });
  const cloud = open(rig, { self: [parseInterfaceAddress("10.0.2.4/24")] });
  const found = (await cloud.check({ fix: true }, signal)).find(({ name }) => name === "IP forwarding");
  assert.deepEqual([found?.status, found?.detail], [
    "fixed",
    "Network interface router-nic-2 forwards packets now",
  ]);
});

azureTest("check() finds IP forwarding off, and with fix switches it on and keeps all else", async (rig) => {
  const cloud = open(rig);
  const before = rig.arm.state.show(ids.nic);
  const seen = await forwardingOf(cloud, false);
  assert.deepEqual([seen?.name, seen?.status], ["IP forwarding", "bad"]);
  assert.match(seen?.remedy ?? "", /doctor -fix/);
  assert.equal(rig.arm.writes().filter(({ status }) => status < 300).length, 0, "nothing is changed");
  const fixed = await forwardingOf(cloud, true);
  assert.equal(fixed?.status, "fixed");
  const after = propertiesOf(rig.arm.state.show(ids.nic));
  assert.deepEqual(after, { ...propertiesOf(before), enableIPForwarding: true });
});

azureTest("check() changes nothing though it tries each write", async (rig) => {
  const { cloud } = await ready(rig);
  const etags = [ids.subnet, ids.ownTable, ids.nic].map((id) => rig.arm.state.etagOf(id));
  const findings = await cloud.check({ fix: false }, signal);
  assert.deepEqual([ids.subnet, ids.ownTable, ids.nic].map((id) => rig.arm.state.etagOf(id)), etags);
  const statuses = Object.fromEntries(findings.map(({ name, status }) => [name, status]));
  assert.deepEqual(statuses, {
    "identity": "ok",
    "credential": "ok",
    "IP forwarding": "bad",
    "route table": "ok",
    "carried-over routes": "ok",
    "route permission": "ok",
    "route quota of cloudroutesync-route-table": "ok",
    "own traffic": "ok",
    "route limit": "ok",
    "subnet permission": "ok",
  });
});

for (
  const [action, name] of [
    ["Microsoft.Network/routeTables/write", "route permission"],
    ["Microsoft.Network/virtualNetworks/subnets/write", "subnet permission"],
    ["Microsoft.Network/virtualNetworks/read", "identity"],
  ] as const
) {
  azureTest(`check() names ${action} when it is missing`, async (rig) => {
    await ready(rig);
    rig.arm.denied.add(action);
    const findings = await open(rig).check({ fix: false }, signal);
    const finding = findings.find((item) => item.name === name);
    assert.equal(finding?.status, "bad");
    assert.ok(finding?.remedy?.includes(action), finding?.remedy);
  });
}

azureTest("check() calls an assumed limit assumed, and says what is missing to know it", async (rig) => {
  rig.arm.denied.add("Microsoft.Network/locations/usages/read");
  const found = (await open(rig).check({ fix: false }, signal)).find(({ name }) => name === "route limit");
  assert.equal(found?.status, "unknown");
  assert.match(found?.detail ?? "", /1000 routes a table are assumed/);
  assert.match(found?.remedy ?? "", /Microsoft\.Network\/locations\/usages\/read for the subscription/);
});

azureTest("check() explains the loop of the router's own traffic", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  await cloud.write(table, many(2), state, signal);
  const finding = (await cloud.check({ fix: false }, signal)).find(({ name }) => name === "own traffic");
  assert.equal(finding?.status, "unknown");
  assert.match(finding?.detail ?? "", /2 routes.*comes back to it/);
  assert.match(finding?.remedy ?? "", /subnet of its own.*-route-table/);
});

azureTest("policy() is for the VM's own resource group once that is known", async (rig) => {
  const cloud = open(rig);
  assert.match(cloud.policy(), /SUBSCRIPTION/);
  await cloud.identify(signal);
  const role = JSON.parse(cloud.policy()) as { AssignableScopes: string[] };
  assert.deepEqual(role.AssignableScopes, [`/subscriptions/${subscription}/resourceGroups/router-group`]);
});
