/** Who this VM is on Azure, and where its interface is looked for. */

import assert from "node:assert/strict";
import { parseInterfaceAddress } from "../../../src/routes/prefix.ts";
import { addresses, ids } from "../../fakes/azure/rig.ts";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { azureTest, open, rejects, signal, texts } from "./azure_cloud.ts";

azureTest(
  "identify() finds the VM, its interface, subnet and network, though they are in another group",
  async (rig) => {
    const identity = await open(rig).identify(signal);
    assert.equal(identity.instance, "router");
    assert.deepEqual(identity.self, { 4: addresses.router, 6: addresses.router6 });
    assert.deepEqual(identity.addresses.map(({ text }) => text), [addresses.router, addresses.router6]);
    assert.deepEqual(
      identity.attachments.map(({ addresses: own, networks }) => [texts(own), texts(networks)]),
      [[
        [addresses.router, addresses.router6],
        ["10.0.0.0/16", "fd00:1::/48"],
      ]],
    );
    assert.equal(identity.linkLocalIsRouter, true);
    assert.deepEqual(identity.networks.map(({ text }) => text), ["10.0.0.0/16", "fd00:1::/48"]);
    assert.deepEqual(identity.subnetRouters.map(({ text }) => text), ["10.0.1.1", "fd00:1::1"]);
    assert.deepEqual(identity.reserved.map(({ text }) => text), ["168.63.129.16/32"]);
  },
);

azureTest("identify() counts what the network is peered with, and sees what is added later", async (rig) => {
  const peering = (peeringState: string, ...addressPrefixes: readonly string[]): Json => ({
    name: "hub",
    properties: {
      peeringState,
      remoteAddressSpace: { addressPrefixes },
      // What the remote network has now; no route goes there until it is synchronised, or to the subnets that are not peered.
      remoteVirtualNetworkAddressSpace: { addressPrefixes: ["10.99.0.0/16"] },
    },
  });
  const place = (addressPrefixes: readonly string[], ...virtualNetworkPeerings: readonly unknown[]): void =>
    rig.arm.state.place(ids.network, {
      location: "westeurope",
      properties: { addressSpace: { addressPrefixes }, virtualNetworkPeerings },
    });
  const cloud = open(rig);
  place(
    ["10.0.0.0/16"],
    peering("Connected", "10.1.0.0/16", "fd00:2::/48"),
    peering("Initiated", "10.2.0.0/16"),
    7,
  );
  const { networks, attachments } = await cloud.identify(signal);
  assert.deepEqual(texts(networks), ["10.0.0.0/16", "10.1.0.0/16", "fd00:2::/48"]);
  assert.deepEqual(texts(attachments[0]?.networks ?? []), texts(networks));
  place(["10.0.0.0/16", "172.16.0.0/24"], peering("Connected", "10.3.0.0/16"));
  assert.deepEqual(texts((await cloud.identify(signal)).networks), [
    "10.0.0.0/16",
    "172.16.0.0/24",
    "10.3.0.0/16",
  ]);
});

azureTest("identify() looks where AZURE_SUBSCRIPTION_ID and AZURE_RESOURCE_GROUP say", async (rig) => {
  const set: Record<string, string> = {
    AZURE_SUBSCRIPTION_ID: "other-sub",
    AZURE_RESOURCE_GROUP: "other-group",
  };
  const cloud = open(rig, { environment: (name) => set[name] });
  await rejects(cloud.identify(signal), "invalid", /network interface of VM router.*other-group/);
  const lists = rig.arm.calls.map(({ path }) => path.replace(/\/providers\/.*$/, ""));
  assert.deepEqual(lists, [
    "/subscriptions/other-sub/resourceGroups/router-group",
    "/subscriptions/other-sub/resourceGroups/other-group",
    "/subscriptions/other-sub",
  ], "the VM's own resource group first");
});

azureTest("identify() finds the VM's interface where AZURE_RESOURCE_GROUP alone may be read", async (rig) => {
  const set: Record<string, string> = { AZURE_RESOURCE_GROUP: "network-group" };
  const shown = rig.arm.state.show(ids.nic);
  rig.arm.state.remove(ids.nic);
  rig.arm.state.place(`${ids.otherNics}/router-nic`, shown);
  rig.arm.faults.push({
    matches: ({ path }) => /router-group\/.*networkInterfaces/.test(path),
    times: 9,
    status: 403,
  });
  assert.equal(
    (await open(rig, { environment: (name) => set[name] }).identify(signal)).self[4],
    addresses.router,
  );
});

azureTest(
  "identify() reads an address that is a block of them, and passes over interfaces that make no sense",
  async (rig) => {
    const shown = rig.arm.state.show(ids.nic);
    const properties = propertiesOf(shown);
    const block = {
      name: "block",
      properties: { privateIPAddress: "10.0.1.64/28", subnet: { id: ids.subnet } },
    };
    const odd = {
      name: "odd",
      properties: { privateIPAddress: "not an address", subnet: { id: ids.subnet } },
    };
    const configurations = [odd, block, ...properties.ipConfigurations as Json[]];
    rig.arm.state.place(ids.nic, {
      ...shown,
      properties: { ...properties, ipConfigurations: configurations },
    });
    const group = ids.nic.replace(/\/[^/]+$/, "");
    rig.arm.state.place(`${group}/odd-nic`, {
      type: "Microsoft.Network/networkInterfaces",
      properties: { ipConfigurations: 7 },
    });
    const identity = await open(rig).identify(signal);
    assert.deepEqual(identity.self, { 4: addresses.router, 6: addresses.router6 });
    assert.deepEqual(texts(identity.addresses), [addresses.router, addresses.router6]);
    const inBlock = await open(rig, { self: [parseInterfaceAddress("10.0.1.70/24")] }).identify(signal);
    assert.equal(inBlock.self[4], "10.0.1.70");
  },
);

azureTest("identify() finds an interface without a MAC address by the VM that it belongs to", async (rig) => {
  const shown = rig.arm.state.show(ids.nic);
  const { macAddress: _, ...properties } = propertiesOf(shown);
  const virtualMachine = { id: ids.vm.toUpperCase() };
  rig.arm.state.place(ids.nic, { ...shown, properties: { ...properties, virtualMachine } });
  assert.equal((await open(rig).identify(signal)).self[4], addresses.router);
});

azureTest(
  "identify() finds the interface of a scale set's VM, and check() says where to mend it",
  async (rig) => {
    const vm = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/router-group/providers/" +
      "Microsoft.Compute/virtualMachineScaleSets/routers/virtualMachines/3";
    rig.arm.state.place(`${vm}/networkInterfaces/nic`, rig.arm.state.show(ids.nic));
    rig.arm.state.remove(ids.nic);
    const original = rig.imds.vm;
    rig.imds.vm = { ...original, resourceId: vm };
    try {
      const cloud = open(rig);
      assert.equal((await cloud.identify(signal)).self[4], addresses.router);
      const found = (await cloud.check({ fix: true }, signal)).find(({ name }) => name === "IP forwarding");
      assert.equal(found?.status, "bad");
      assert.match(found?.remedy ?? "", /scale set's network profile/);
    } finally {
      rig.imds.vm = original;
    }
  },
);

azureTest("identify() is unavailable while the metadata service is updated", async (rig) => {
  rig.imds.status = 410;
  await rejects(open(rig).identify(signal), "unavailable", /metadata.*410/);
});

azureTest("describe() says which next hop is this VM", async (rig) => {
  const cloud = open(rig);
  await cloud.identify(signal);
  assert.equal(cloud.describe(addresses.router), "10.0.1.4 (this VM)");
  assert.equal(cloud.describe(addresses.other), addresses.other);
});
