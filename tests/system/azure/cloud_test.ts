/** The Azure cloud against a stand-in for Azure's API; see azure_cloud.ts. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, Finding } from "../../../src/clouds/cloud.ts";
import { parseAddress, parseInterfaceAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { addresses, ids, route, subnetProperties, subscription } from "../../fakes/azure/rig.ts";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { defaultOwner, routeName, signOf } from "../../../src/clouds/azure/route_name.ts";
import type { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { neighbourForIpv4, neighbours } from "../../fakes/neighbours.ts";
import {
  add,
  azureTest,
  many,
  notFound,
  open,
  ready,
  rejects,
  routeOf,
  signal,
  texts,
  written,
} from "./azure_cloud.ts";

/** How marks name the rig's VM. */
const sign = signOf(ids.vm, parseAddress(addresses.router));

function nameOf(prefix: string): string {
  return routeName(defaultOwner, parsePrefix(prefix), sign);
}

// Who this VM is

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

azureTest("identify() asks with the token of the last time", async (rig) => {
  const cloud = open(rig, { environment: (name) => name === "AZURE_CLIENT_ID" ? "client-again" : undefined });
  await cloud.identify(signal);
  await cloud.identify(signal);
  assert.equal(rig.imds.tokenRequests.length, 1);
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

azureTest("-self picks the interface: next hop, subnet, table and doctor are its", async (rig) => {
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
  assert.deepEqual((await cloud.identify(signal)).self, { 4: "10.0.2.4", 6: null });
  const [table] = await cloud.prepare(signal);
  const tableOf = (id: string): unknown => propertiesOf(rig.arm.state.show(id)).routeTable;
  assert.deepEqual(tableOf(subnet), { id: table?.id });
  assert.equal(tableOf(ids.subnet), undefined);
  const found = (await cloud.check({ fix: true }, signal)).find(({ name }) => name === "IP forwarding");
  assert.deepEqual([found?.status, found?.detail], [
    "fixed",
    "Network interface router-nic-2 forwards packets now",
  ]);
  const wrong = open(rig, { self: [parseInterfaceAddress("10.0.9.4/24")] });
  await rejects(
    wrong.identify(signal),
    "invalid",
    /-self 10\.0\.9\.4: no interface of this VM has that address/,
  );
});

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

azureTest("identify() is unavailable while the API is down, and heals", async (rig) => {
  const cloud = open(rig);
  await rig.arm.stop();
  await rejects(cloud.identify(signal), "unavailable");
  rig.arm.start();
  assert.equal((await cloud.identify(signal)).instance, "router");
});

// The table

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
  "prepare() takes over the former table's routes and settings, and remove() puts that table back",
  async (rig) => {
    const tag = { name: "to-storage", properties: { addressPrefix: "Storage", nextHopType: "Internet" } };
    rig.placeFormerTable([route("default", "0.0.0.0/0", "10.0.9.9"), tag]);
    const { cloud, state } = await ready(rig);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "0.0.0.0/0": "10.0.9.9", "Storage": "Internet" });
    assert.equal(propertiesOf(rig.arm.state.show(ids.ownTable)).disableBgpRoutePropagation, true);
    assert.equal(routeOf(state, "0.0.0.0/0").owner, null);
    await cloud.remove(signal);
    assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, { id: ids.formerTable });
    assert.ok(!rig.arm.state.has(ids.ownTable));
    assert.deepEqual(rig.arm.state.routes(ids.formerTable), {
      "0.0.0.0/0": "10.0.9.9",
      "Storage": "Internet",
    });
  },
);

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

azureTest("no false 404 of the table that the subnet uses makes the subnet lose it", async (rig) => {
  rig.placeFormerTable();
  const cloud = open(rig);
  for (const call of ["prepare", "locate", "remove"] as const) {
    rig.arm.faults.push(notFound(ids.formerTable, 1));
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
    rig.arm.calls.length = 0;
    rig.arm.faults.push(notFound(ids.ownTable, times));
    for (let time = 0; time < times; time++) await rejects(cloud.prepare(signal), "gone");
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

azureTest(
  "prepare() renews its copies of routes that operators have replaced in their table",
  async (rig) => {
    rig.placeFormerTable([
      route("default", "0.0.0.0/0", "10.0.9.9"),
      route("lab", "192.0.2.0/24", "10.0.9.9"),
      route("old", "203.0.113.0/24", "10.0.9.9"),
    ]);
    const { cloud, table, state } = await ready(rig);
    await cloud.write(table, [add("198.51.100.0/24"), add("198.51.101.0/24")], state, signal);
    rig.placeFormerTable([
      route("default", "0.0.0.0/0", "10.0.9.77"),
      route("renamed", "192.0.2.0/24", "10.0.9.78"),
      route("lab", "192.0.3.0/24", "10.0.9.79"),
      route("by-way-of-them", "198.51.101.0/24", "10.0.9.77"),
    ]);
    for (let time = 0; time < 2; time++) {
      await open(rig).prepare(signal);
      assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, { id: ids.ownTable });
      assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
        "198.51.100.0/24": addresses.router,
        "0.0.0.0/0": "10.0.9.77",
        "192.0.2.0/24": "10.0.9.78",
        "192.0.3.0/24": "10.0.9.79",
        "198.51.101.0/24": addresses.router,
      });
      rig.placeSubnet({ routeTable: { id: ids.formerTable } });
    }
    rig.placeSubnet();
    await open(rig).prepare(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
      "198.51.100.0/24": addresses.router,
      "198.51.101.0/24": addresses.router,
    });
    assert.equal(propertiesOf(rig.arm.state.show(ids.ownTable)).disableBgpRoutePropagation, false);
  },
);

azureTest(
  "prepare() refuses to choose between operators' route and one that is no copy of ours",
  async (rig) => {
    rig.placeFormerTable();
    const { cloud } = await ready(rig);
    const shown = rig.arm.state.show(ids.ownTable);
    const byHand = [route("default", "0.0.0.0/0", "10.0.9.50")];
    rig.arm.state.place(ids.ownTable, { ...shown, properties: { ...propertiesOf(shown), routes: byHand } });
    rig.placeFormerTable([route("default", "0.0.0.0/0", "10.0.9.77")]);
    for (let time = 0; time < 2; time++) {
      await rejects(
        cloud.prepare(signal),
        "invalid",
        /route 0\.0\.0\.0\/0 to 10\.0\.9\.77 from operators-table: .* has it to 10\.0\.9\.50.*; delete/,
      );
    }
    assert.deepEqual(rig.arm.writes(), []);
    rig.arm.state.place(ids.ownTable, { ...shown, properties: { routes: [] } });
    await cloud.prepare(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "0.0.0.0/0": "10.0.9.77" });
  },
);

for (
  const [what, routes, settings, words] of [
    [
      "route",
      [route("default", "0.0.0.0/0", "10.0.9.77")],
      {},
      /let subnet vnet1\/clients use .*: operators-table has route 0\.0\.0\.0\/0 to 10\.0\.9\.77, .* for vnet1\/servers has/,
    ],
    [
      "setting",
      [],
      { disableBgpRoutePropagation: false },
      /operators-table has no setting disableBgpRoutePropagation, .* for vnet1\/servers has/,
    ],
  ] as const
) {
  azureTest(
    `prepare() refuses to give another ${what} to the other subnets that use its table`,
    async (rig) => {
      rig.placeFormerTable();
      const { cloud } = await ready(rig);
      const other = propertiesOf(rig.arm.state.show(ids.subnet));
      rig.arm.state.place(ids.subnet.replace("clients", "servers"), { properties: other });
      rig.placeFormerTable([...routes]);
      const former = rig.arm.state.show(ids.formerTable);
      const properties = { ...propertiesOf(former), ...settings };
      rig.arm.state.place(ids.formerTable, { ...former, properties });
      await rejects(cloud.prepare(signal), "invalid", words);
      assert.deepEqual(rig.arm.writes(), []);
    },
  );
}

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

azureTest("prepare() refuses with -no-associate before it makes anything", async (rig) => {
  rig.placeFormerTable();
  await rejects(
    open(rig, { noAssociate: true }).prepare(signal),
    "invalid",
    /operators-table.*-no-associate/,
  );
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest("prepare() refuses to take the subnet from another owner", async (rig) => {
  await open(rig, { owner: "first" }).prepare(signal);
  rig.arm.calls.length = 0;
  await rejects(
    open(rig, { owner: "second" }).prepare(signal),
    "invalid",
    /of owner first; share that one with -route/,
  );
  assert.deepEqual(rig.arm.writes(), []);
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

azureTest(
  "remove() keeps a table that holds routes of others and gives the subnet back all the same",
  async (rig) => {
    const { cloud } = await ready(rig);
    const shown = rig.arm.state.show(ids.ownTable);
    const routes = [route("by-hand", "192.0.2.0/24", "10.0.9.9")];
    rig.arm.state.place(ids.ownTable, { ...shown, properties: { ...propertiesOf(shown), routes } });
    await cloud.remove(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "192.0.2.0/24": "10.0.9.9" });
    assert.equal(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, undefined);
  },
);

azureTest("remove() tells which other subnets use the table", async (rig) => {
  const { cloud } = await ready(rig);
  const other = ids.subnet.replace("clients", "servers");
  rig.arm.state.place(other, {
    properties: { addressPrefix: "10.0.2.0/24", routeTable: { id: ids.ownTable } },
  });
  await rejects(cloud.remove(signal), "conflict", /in use by vnet1\/servers/);
  assert.ok(rig.arm.state.has(ids.ownTable));
});

azureTest("remove() puts the former table back though a lagging replica does not find it", async (rig) => {
  rig.placeFormerTable();
  const { cloud } = await ready(rig);
  rig.arm.faults.push(notFound(ids.formerTable, 9));
  await cloud.remove(signal);
  assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, { id: ids.formerTable });
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

azureTest(
  "write() adds a single route alone; replaces and deletes it on condition, since others may share it",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    const prefix = parsePrefix("198.51.100.0/24");
    const added = await cloud.write(table, [add(prefix.text)], state, signal);
    assert.deepEqual(added.outcomes, [null]);
    const from = routeOf(added.state, prefix.text);
    assert.deepEqual(from, {
      prefix,
      nextHops: [addresses.router],
      owner: "cloudroutesync",
      writer: sign,
      id: nameOf(prefix.text),
    });
    assert.ok(added.state);
    const replace: Change = { action: "replace", prefix, from, to: [addresses.other] };
    const replaced = await cloud.write(table, [replace], added.state, signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "198.51.100.0/24": addresses.other });
    assert.ok(replaced.state);
    const gone: Change = { action: "delete", prefix, from: routeOf(replaced.state, prefix.text), to: null };
    const deleted = await cloud.write(table, [gone], replaced.state, signal);
    assert.deepEqual(deleted.state?.routes, []);
    assert.deepEqual(written(rig), [
      `PUT ${nameOf(prefix.text)} 201`,
      `PUT ${table.name} 200`,
      `PUT ${table.name} 200`,
    ]);
    assert.deepEqual(rig.arm.writes().map(({ ifMatch }) => ifMatch), [
      null,
      added.state.version,
      replaced.state.version,
    ]);
  },
);

azureTest("write() replaces a single route alone where Azure takes one next hop", async (rig) => {
  const { cloud, table, state } = await ready(rig, { noEcmp: true });
  const prefix = parsePrefix("198.51.100.0/24");
  const added = await cloud.write(table, [add(prefix.text)], state, signal);
  assert.ok(added.state);
  const replace: Change = {
    action: "replace",
    prefix,
    from: routeOf(added.state, prefix.text),
    to: [addresses.other],
  };
  await cloud.write(table, [replace], added.state, signal);
  assert.deepEqual(written(rig), [`PUT ${nameOf(prefix.text)} 201`, `PUT ${nameOf(prefix.text)} 200`]);
});

for (const count of [30, 900]) {
  azureTest(`write() puts ${count} routes into the table by one PUT with its ETag`, async (rig) => {
    const { cloud, table, state } = await ready(rig);
    const result = await cloud.write(table, many(count), state, signal);
    assert.ok(result.outcomes.every((outcome) => outcome === null));
    assert.equal(result.state?.routes.length, count);
    assert.deepEqual(written(rig), ["PUT cloudroutesync-route-table 200"]);
    assert.equal(rig.arm.writes()[0]?.ifMatch, state.version);
  });
}

azureTest("write() carries everything of others to the letter", async (rig) => {
  const foreign = {
    name: "by-hand",
    properties: { addressPrefix: "192.0.2.0/24", nextHopType: "Internet", future: { a: [1] } },
  };
  const tag = { name: "tag", properties: { addressPrefix: "AzureCloud", nextHopType: "Internet" } };
  rig.placeFormerTable([foreign, tag]);
  const shown = rig.arm.state.show(ids.formerTable);
  rig.arm.state.place(ids.formerTable, {
    ...shown,
    zones: ["future"],
    properties: { ...propertiesOf(shown), disablePeeringRoute: "All", future: { b: 2 } },
  });
  const { cloud, table, state } = await ready(rig, { routeTables: [ids.formerTable] });
  await cloud.write(table, many(2), state, signal);
  const after = rig.arm.state.show(ids.formerTable);
  assert.deepEqual(after.tags, { team: "network" });
  assert.deepEqual(after.zones, ["future"]);
  const properties = propertiesOf(after);
  assert.equal(properties.disableBgpRoutePropagation, true);
  assert.equal(properties.disablePeeringRoute, "All");
  assert.deepEqual(properties.future, { b: 2 });
  const [kept] = properties.routes as Json[];
  assert.deepEqual(propertiesOf(kept ?? {}).future, { a: [1] });
  assert.equal(rig.arm.state.routes(ids.formerTable)["AzureCloud"], "Internet");
});

azureTest(
  "write() sends a table as it was read but for the new routes, and adds nothing of its own",
  async (rig) => {
    rig.arm.state.place(ids.formerTable, { location: "westeurope", properties: {} });
    const { cloud, table, state } = await ready(rig, { routeTables: [ids.formerTable] });
    const { properties: before, ...restBefore } = rig.arm.state.show(ids.formerTable);
    await cloud.write(table, many(2), state, signal);
    const { properties, ...rest } = rig.arm.writes()[0]?.body ?? {};
    assert.deepEqual(rest, restBefore);
    assert.deepEqual({ ...(properties as Json), routes: [] }, before);
  },
);

azureTest(
  "write() is a conflict when somebody wrote since the reading, whose route survives",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    rig.arm.beforeWrite = () => {
      const shown = rig.arm.state.show(ids.ownTable);
      const routes = [route("by-hand", "192.0.2.0/24", "10.0.9.9")];
      rig.arm.state.place(ids.ownTable, { ...shown, properties: { ...propertiesOf(shown), routes } });
      rig.arm.beforeWrite = null;
    };
    await rejects(cloud.write(table, many(2), state, signal), "conflict");
    const fresh = await cloud.read(table, signal);
    assert.equal(routeOf(fresh, "192.0.2.0/24").owner, null);
    await cloud.write(table, many(2), fresh, signal);
    assert.equal(Object.keys(rig.arm.state.routes(ids.ownTable)).length, 3);
  },
);

azureTest("write() is a conflict when its state is older than the table", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  await cloud.write(table, many(2), state, signal);
  rig.arm.calls.length = 0;
  await rejects(cloud.write(table, [add("192.0.2.0/24")], state, signal), "conflict");
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest("write() needs no reading by the same process", async (rig) => {
  const { table, state } = await ready(rig);
  const result = await open(rig).write(table, many(2), state, signal);
  assert.equal(result.state?.routes.length, 2);
});

azureTest("write() replaces a foreign route that is adopted in one PUT without a gap", async (rig) => {
  rig.placeFormerTable([route("by-hand", "192.0.2.0/24", "10.0.9.9")]);
  const { cloud, table, state } = await ready(rig, { routeTables: [ids.formerTable] });
  const from = routeOf(state, "192.0.2.0/24");
  await cloud.write(
    table,
    [{ action: "replace", prefix: from.prefix, from, to: [addresses.router] }],
    state,
    signal,
  );
  assert.deepEqual(written(rig), ["PUT operators-table 200"]);
  assert.deepEqual(rig.arm.state.routes(ids.formerTable), { "192.0.2.0/24": addresses.router });
});

azureTest("write() mixes adds, replaces and deletes in one PUT", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const first = await cloud.write(table, many(3), state, signal);
  assert.ok(first.state);
  const [one, two] = ["198.18.0.0/32", "198.18.0.1/32"].map((prefix) => routeOf(first.state, prefix));
  assert.ok(one && two);
  const changes: Change[] = [
    { action: "replace", prefix: one.prefix, from: one, to: [addresses.other] },
    { action: "delete", prefix: two.prefix, from: two, to: null },
    add("2001:db8::/32", addresses.router6),
  ];
  const result = await cloud.write(table, changes, first.state, signal);
  assert.deepEqual(result.outcomes, [null, null, null]);
  assert.equal(routeOf(result.state, "2001:db8::/32").id, nameOf("2001:db8::/32"));
  assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
    "198.18.0.2/32": addresses.router,
    "198.18.0.0/32": addresses.other,
    "2001:db8::/32": addresses.router6,
  });
});

azureTest("write() takes a route that is gone already for deleted and makes no call", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const prefix = parsePrefix("192.0.2.0/24");
  const from: CloudRoute = {
    prefix,
    nextHops: [addresses.router],
    owner: "cloudroutesync",
    id: "crs-192.0.2.0_24",
  };
  const result = await cloud.write(table, [{ action: "delete", prefix, from, to: null }], state, signal);
  assert.deepEqual(result.outcomes, [null]);
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest("write() refuses a route that contains its own next hop, and writes the others", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const { outcomes } = await cloud.write(
    table,
    [add("10.0.1.0/24", addresses.other), ...many(2)],
    state,
    signal,
  );
  assert.equal(outcomes[0]?.kind, "invalid");
  assert.match(outcomes[0]?.message ?? "", /contains its own next hop 10\.0\.1\.20/);
  assert.deepEqual(outcomes.slice(1), [null, null]);
  assert.equal(Object.keys(rig.arm.state.routes(ids.ownTable)).length, 2);
});

azureTest("write() is throttled by another operation with the delay that its refusal names", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.state.replace(ids.ownTable, rig.arm.state.show(ids.ownTable));
  const fresh = await cloud.read(table, signal);
  assert.notEqual(fresh.version, state.version);
  const error = await rejects(
    cloud.write(table, many(2), fresh, signal),
    "throttled",
    /can be retried in 11 seconds/,
  );
  assert.equal(error.retryAfterMs, 11_000);
  assert.equal(rig.arm.writes().length, 1, "it is not tried again");
});

azureTest("write() waits for the operation, also when asking for it is throttled", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.pollsPerOperation = 3;
  const polled = (path: string): boolean => path.includes("/operations/");
  const headers = { "retry-after": "0" };
  rig.arm.faults.push({ matches: ({ path }) => polled(path), times: 2, status: 429, headers });
  const result = await cloud.write(table, many(2), state, signal);
  assert.equal(rig.arm.calls.filter(({ path }) => polled(path)).length, 6);
  assert.equal(result.state?.version, rig.arm.state.etagOf(ids.ownTable));
});

azureTest(
  "write() tells of an operation that failed half-way, and a second write completes it",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    rig.arm.failingOperations = 1;
    await rejects(cloud.write(table, many(4), state, signal), "unavailable", /InternalServerError/);
    const fresh = await cloud.read(table, signal);
    assert.equal(fresh.routes.length, 2);
    const there = new Set(fresh.routes.map(({ prefix }) => prefix.text));
    const result = await cloud.write(
      table,
      many(4).filter(({ prefix }) => !there.has(prefix.text)),
      fresh,
      signal,
    );
    assert.equal(result.state?.routes.length, 4);
  },
);

azureTest("write() names the limit that it ran into, and read() knows it then", async (rig) => {
  rig.arm.toldRouteLimit = null;
  const { cloud, table, state } = await ready(rig);
  assert.equal(state.quotas[0]?.limit, 1_000);
  rig.arm.state.rules.routeLimit = 20;
  const error = await rejects(cloud.write(table, many(30), state, signal), "quota");
  assert.equal(error.limit, 20);
  assert.deepEqual((await cloud.read(table, signal)).quotas, [{ families: [4, 6], used: 0, limit: 20 }]);
  assert.deepEqual(rig.arm.state.routes(ids.ownTable), {});
});

azureTest("read() goes by the published limit where the usages are denied", async (rig) => {
  rig.arm.denied.add("Microsoft.Network/locations/usages/read");
  assert.equal((await ready(rig)).state.quotas[0]?.limit, 1_000);
});

azureTest("write() is denied with the missing action", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.denied.add("Microsoft.Network/routeTables/write");
  const error = await rejects(cloud.write(table, many(2), state, signal), "denied");
  assert.equal(error.action, "Microsoft.Network/routeTables/write");
});

azureTest("prepare() is denied with the action that joins a table to a subnet", async (rig) => {
  rig.arm.denied.add("Microsoft.Network/routeTables/join/action");
  const error = await rejects(open(rig).prepare(signal), "denied");
  assert.equal(error.action, "Microsoft.Network/routeTables/join/action");
});

// Several next hops

azureTest("write() gives a route several next hops", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  assert.equal(cloud.traits.nextHopsPerRoute, 64);
  const result = await cloud.write(
    table,
    [add("198.51.100.0/24", addresses.other, addresses.scaleSet)],
    state,
    signal,
  );
  assert.deepEqual(routeOf(result.state, "198.51.100.0/24").nextHops, [addresses.other, addresses.scaleSet]);
});

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

azureTest("traits know one next hop a route with -no-ecmp", async (rig) => {
  await Promise.resolve();
  assert.equal(open(rig, { noEcmp: true }).traits.nextHopsPerRoute, 1);
});

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

azureTest("a VM without a managed identity is told what to do", async (rig) => {
  rig.imds.hasIdentity = false;
  // The SDK has tokens of the system-assigned identity in store.
  const cloud = open(rig, { environment: (name) => name === "AZURE_CLIENT_ID" ? "not-there" : undefined });
  await rejects(cloud.identify(signal), "denied", /assign a managed identity/);
});

azureTest("a user-assigned identity is asked for by its client id", async (rig) => {
  const cloud = open(rig, { environment: (name) => name === "AZURE_CLIENT_ID" ? "client-7" : undefined });
  await cloud.identify(signal);
  assert.equal(rig.imds.tokenRequests[0]?.get("client_id"), "client-7");
});

azureTest("a token goes nowhere but to the API, whatever an answer names", async (rig) => {
  rig.arm.nextLink = "https://evil.example/list";
  await rejects(
    open(rig).identify(signal),
    "malformed",
    /evil\.example, which is not https:\/\/127\.0\.0\.1/,
  );
});

// The machines beside this one

azureTest(
  "resolve() names each gateway by its own address, a load balancer too, and asks nobody",
  async (rig) => {
    const cloud = open(rig);
    // The first call finds out who this VM is.
    await cloud.resolve([], signal);
    const asked = rig.arm.calls.length;
    const gateways = neighbours(addresses.other, addresses.loadBalancer, "10.0.7.20", addresses.router6);
    assert.deepEqual(await cloud.resolve([...gateways, neighbourForIpv4(addresses.router6)], signal), [
      addresses.other,
      addresses.loadBalancer,
      "10.0.7.20",
      addresses.router6,
      null,
    ]);
    assert.equal(rig.arm.calls.length, asked);
  },
);

// doctor

async function forwardingOf(cloud: ConnectedCloud, fix: boolean): Promise<Finding | undefined> {
  return (await cloud.check({ fix }, signal)).find(({ name }) => name === "IP forwarding");
}

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

azureTest("read() tells which of this VM's subnets use a table", async (rig) => {
  const { table, state, cloud } = await ready(rig);
  assert.deepEqual(texts(state.ownSubnets ?? []), ["10.0.1.0/24", "fd00:1::/64"]);
  rig.arm.state.place(ids.formerTable, { location: "westeurope", properties: { routes: [] } });
  const handed = open(rig, { routeTables: [ids.formerTable, table.id] });
  const [other] = await handed.prepare(signal);
  assert.ok(other);
  assert.deepEqual((await handed.read(other, signal)).ownSubnets, []);
  assert.deepEqual(texts((await handed.read(table, signal)).ownSubnets ?? []), [
    "10.0.1.0/24",
    "fd00:1::/64",
  ]);
  assert.equal((await cloud.read(table, signal)).problems?.length, 0);
});

azureTest("check() explains the loop of the router's own traffic", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  await cloud.write(table, many(2), state, signal);
  const finding = (await cloud.check({ fix: false }, signal)).find(({ name }) => name === "own traffic");
  assert.equal(finding?.status, "unknown");
  assert.match(finding?.detail ?? "", /2 routes.*comes back to it/);
  assert.match(finding?.remedy ?? "", /subnet of its own.*-route-table/);
});

azureTest("check() warns when the table is full", async (rig) => {
  rig.arm.toldRouteLimit = 2;
  const { cloud, table, state } = await ready(rig);
  await cloud.write(table, many(2), state, signal);
  const finding = (await cloud.check({ fix: false }, signal)).find(({ name }) =>
    name === `route quota of ${table.name}`
  );
  assert.deepEqual([finding?.status, finding?.detail], [
    "bad",
    "2 of 2 routes",
  ]);
});

azureTest("policy() is for the VM's own resource group once that is known", async (rig) => {
  const cloud = open(rig);
  assert.match(cloud.policy(), /SUBSCRIPTION/);
  await cloud.identify(signal);
  const role = JSON.parse(cloud.policy()) as { AssignableScopes: string[] };
  assert.deepEqual(role.AssignableScopes, [`/subscriptions/${subscription}/resourceGroups/router-group`]);
});

azureTest("describe() says which next hop is this VM", async (rig) => {
  const cloud = open(rig);
  await cloud.identify(signal);
  assert.equal(cloud.describe(addresses.router), "10.0.1.4 (this VM)");
  assert.equal(cloud.describe(addresses.other), addresses.other);
});
