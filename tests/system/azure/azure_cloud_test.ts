/**
 * The Azure cloud, with the real SDK, against a stand-in for Azure's API. The SDK keeps tokens and the token endpoint for
 * the life of the process, so all tests of this file share one rig.
 */

import assert from "node:assert/strict";
import { openAzure } from "../../../src/clouds/azure/azure.ts";
import type { Change, Cloud, CloudRoute, CloudTable, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { CloudOptions } from "../../../src/clouds/cloud_options.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import type { ArmFault } from "../../fakes/azure_arm.ts";
import { type Json, propertiesOf } from "../../fakes/azure_arm_state.ts";
import { opensslMissing } from "../../fakes/azure_certificates.ts";
import { addresses, AzureRig, ids, route, subnetProperties, subscription } from "../../fakes/azure_rig.ts";

const missing = opensslMissing();
const rig = missing === null ? await AzureRig.start() : null;
const signal = new AbortController().signal;

Deno.test.afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
});

/** A test on a fresh stage. The SDK keeps its connections open, so leaks are not looked for. */
function azureTest(name: string, body: (rig: AzureRig) => Promise<void>): void {
  Deno.test({
    name: missing === null ? name : `${name} [ignored: ${missing}]`,
    ignore: rig === null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      if (rig === null) return;
      rig.reset();
      rig.useHere();
      await body(rig);
    },
  });
}

function open(rig: AzureRig, changed: Partial<CloudOptions> = {}): Cloud {
  return openAzure(rig.options(changed));
}

/** A cloud with its table made and read; the calls up to then are forgotten. */
async function ready(
  rig: AzureRig,
  changed: Partial<CloudOptions> = {},
): Promise<{ cloud: Cloud; table: CloudTable; state: TableState }> {
  const cloud = open(rig, changed);
  const [table] = await cloud.prepare(signal);
  assert.ok(table);
  const state = await cloud.read(table, signal);
  rig.arm.calls.length = 0;
  return { cloud, table, state };
}

function add(prefix: string, ...to: string[]): Change {
  return {
    action: "add",
    prefix: parsePrefix(prefix),
    from: null,
    to: to.length > 0 ? to : [addresses.router],
  };
}

function routeOf(state: TableState | undefined, prefix: string): CloudRoute {
  const found = state?.routes.find((item) => item.prefix.text === prefix);
  assert.ok(found, `no route ${prefix}`);
  return found;
}

function many(count: number): Change[] {
  return Array.from({ length: count }, (_, index) => add(`198.18.${index >> 8}.${index & 255}/32`));
}

async function rejects(
  promise: Promise<unknown>,
  kind: CloudErrorKind,
  words = /^Cannot /,
): Promise<CloudError> {
  let caught: unknown;
  try {
    await promise;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof CloudError, `${kind} expected, got ${caught}`);
  assert.equal(caught.kind, kind, caught.message);
  assert.match(caught.message, words);
  return caught;
}

/** What Azure answers while a replica lags behind (hashicorp/terraform-provider-azurerm#18268). */
function notFound(id: string, times: number): ArmFault {
  return {
    matches: ({ method, path }) => method === "GET" && path === id,
    times,
    status: 404,
    code: "ResourceNotFound",
    message: "The Resource 'Microsoft.Network/routeTables/x' was not found.",
  };
}

function written(rig: AzureRig): string[] {
  return rig.arm.writes().map(({ method, path, status }) =>
    `${method} ${path.slice(path.lastIndexOf("/") + 1)} ${status}`
  );
}

// Who this VM is

azureTest(
  "identify() finds the VM, its interface, subnet and network, though they are in another group",
  async (rig) => {
    const identity = await open(rig).identify(signal);
    assert.equal(identity.instance, "router");
    assert.deepEqual(identity.self, { 4: addresses.router, 6: addresses.router6 });
    assert.deepEqual(identity.addresses.map(({ text }) => text), [addresses.router, addresses.router6]);
    assert.deepEqual(identity.subnets.map(({ text }) => text), ["10.0.1.0/24", "fd00:1::/64"]);
    assert.deepEqual(identity.networks.map(({ text }) => text), ["10.0.0.0/16", "fd00:1::/48"]);
    assert.deepEqual(identity.subnetRouters.map(({ text }) => text), ["10.0.1.1", "fd00:1::1"]);
    assert.deepEqual(identity.reserved.map(({ text }) => text), ["168.63.129.16/32"]);
  },
);

azureTest("identify() looks where AZURE_SUBSCRIPTION_ID and AZURE_RESOURCE_GROUP say", async (rig) => {
  const set: Record<string, string> = {
    AZURE_SUBSCRIPTION_ID: "other-sub",
    AZURE_RESOURCE_GROUP: "other-group",
  };
  const cloud = open(rig, { environment: (name) => set[name] });
  await rejects(cloud.identify(signal), "invalid", /network interface of VM router.*other-group/);
  const paths = rig.arm.calls.map(({ path }) => path);
  assert.ok(
    paths[0]?.startsWith("/subscriptions/other-sub/resourceGroups/other-group/providers/Microsoft.Network/"),
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

azureTest("identify() reports an answer that makes no sense as invalid", async (rig) => {
  rig.arm.state.place(ids.network, { location: "x", properties: { addressSpace: 5 } });
  await rejects(open(rig).identify(signal), "invalid", /read virtual network.*makes no sense/);
});

azureTest("a call ends with the signal's own reason when the caller gives up", async (rig) => {
  rig.arm.latencyMs = 5_000;
  const reason = new Error("stop");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(open(rig).identify(controller.signal), (error) => error === reason);
});

// The table

azureTest("locate() finds nothing at first and changes nothing", async (rig) => {
  assert.deepEqual(await open(rig).locate(signal), []);
  assert.deepEqual(rig.arm.writes(), []);
});

azureTest("prepare() makes a tagged table, and the subnet keeps everything that it has", async (rig) => {
  const [table] = await open(rig).prepare(signal);
  assert.deepEqual(table, { id: ids.ownTable, name: "cloudroutesync-route-table", ours: true });
  const shown = rig.arm.state.show(ids.ownTable);
  assert.equal(shown.location, "westeurope");
  const { "cloudroutesync-copies": copies, ...tags } = shown.tags as Json;
  assert.match(String(copies), /^[0-9a-f]{32}$/);
  assert.deepEqual(tags, {
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

azureTest("prepare() does nothing when all is done", async (rig) => {
  await open(rig).prepare(signal);
  rig.arm.calls.length = 0;
  const cloud = open(rig);
  assert.equal((await cloud.prepare(signal)).length, 1);
  assert.equal((await cloud.locate(signal)).length, 1);
  assert.deepEqual(rig.arm.writes(), []);
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
        "198.51.101.0/24": "10.0.9.77",
      });
      rig.placeSubnet({ routeTable: { id: ids.formerTable } });
    }
    rig.placeSubnet();
    await open(rig).prepare(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "198.51.100.0/24": addresses.router });
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
        /default \(0\.0\.0\.0\/0 to 10\.0\.9\.77\).*operators-table.*default \(0\.0\.0\.0\/0 to 10\.0\.9\.50\).*; delete/,
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
      /carry over route default.*for vnet1\/servers; /,
    ],
    [
      "setting",
      [],
      { disableBgpRoutePropagation: false },
      /carry over disableBgpRoutePropagation false.*for vnet1\/servers; /,
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

azureTest("remove() does nothing when there is nothing", async (rig) => {
  await open(rig).remove(signal);
  assert.deepEqual(rig.arm.writes(), []);
});

// Writing

azureTest("write() touches a single route alone: add, replace, delete", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const prefix = parsePrefix("198.51.100.0/24");
  const added = await cloud.write(table, [add(prefix.text)], state, signal);
  assert.deepEqual(added.outcomes, [null]);
  const from = routeOf(added.state, prefix.text);
  assert.deepEqual(from, {
    prefix,
    nextHops: [addresses.router],
    owner: "cloudroutesync",
    id: "crs-198.51.100.0_24",
  });
  assert.ok(added.state);
  const replace: Change = { action: "replace", prefix, from, to: [addresses.other] };
  const replaced = await cloud.write(table, [replace], added.state, signal);
  assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "198.51.100.0/24": addresses.other });
  assert.ok(replaced.state);
  const gone: Change = { action: "delete", prefix, from: routeOf(replaced.state, prefix.text), to: null };
  const deleted = await cloud.write(table, [gone], replaced.state, signal);
  assert.deepEqual(deleted.state?.routes, []);
  const name = "crs-198.51.100.0_24";
  assert.deepEqual(written(rig), [`PUT ${name} 201`, `PUT ${name} 200`, `DELETE ${name} 202`]);
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
  assert.equal(routeOf(result.state, "2001:db8::/32").id, "crs-2001.db8.._32");
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

azureTest("write() tells of a storm at once, with its Retry-After", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.faults.push({ matches: () => true, times: 100, status: 429, headers: { "retry-after": "17" } });
  const error = await rejects(cloud.write(table, many(2), state, signal), "throttled");
  assert.equal(error.retryAfterMs, 17_000);
  assert.equal(rig.arm.calls.length, 1, "no call is repeated");
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

azureTest("read() tells the limit of the subscription where it may be read", async (rig) => {
  rig.arm.toldRouteLimit = 400;
  assert.equal((await ready(rig)).state.quotas[0]?.limit, 400);
});

azureTest("read() goes by the published limit where the usages are denied", async (rig) => {
  rig.arm.denied.add("Microsoft.Network/locations/usages/read");
  assert.equal((await ready(rig)).state.quotas[0]?.limit, 1_000);
});

azureTest("read() says that a table is gone", async (rig) => {
  const { cloud, table } = await ready(rig);
  rig.placeSubnet();
  rig.arm.state.remove(ids.ownTable);
  await rejects(cloud.read(table, signal), "gone");
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
  await rejects(
    cloud.write(table, [add("198.51.100.0/24", "10.0.1.5", "10.0.1.6")], state, signal),
    "invalid",
  );
  assert.equal(cloud.traits.nextHopsPerRoute, 64);
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

azureTest("a token that is refused before its end is replaced, and the call succeeds", async (rig) => {
  const { cloud, table } = await ready(rig);
  rig.imds.tokenRequests.length = 0;
  rig.imds.revokeTokens();
  assert.equal((await cloud.read(table, signal)).routes.length, 0);
  assert.equal(rig.imds.tokenRequests.length, 1);
});

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
  await rejects(open(rig).identify(signal), "invalid", /evil\.example, which is not https:\/\/127\.0\.0\.1/);
});

// The machines beside this one

azureTest("resolve() tells machines from addresses that no machine has", async (rig) => {
  const cloud = open(rig);
  const asked = [addresses.other, addresses.scaleSet, "10.0.1.40", "10.0.1.99"].map(parseAddress);
  const found = await cloud.resolve(asked, signal);
  assert.deepEqual([...found], [
    [addresses.other, addresses.other],
    [addresses.scaleSet, addresses.scaleSet],
    ["10.0.1.40", null],
    ["10.0.1.99", null],
  ]);
  rig.arm.calls.length = 0;
  await cloud.resolve(asked, signal);
  assert.equal(rig.arm.calls.length, 0, "it is remembered");
});

azureTest("resolve() reads all pages of a list", async (rig) => {
  rig.arm.pageSize = 1;
  const last = rig.arm.state.show(ids.nic);
  const configuration = { properties: { privateIPAddress: "10.0.1.21", subnet: { id: ids.subnet } } };
  rig.arm.state.place(`${ids.otherNics}/last-nic`, {
    ...last,
    name: "last-nic",
    properties: { macAddress: "00-0D-3A-00-00-09", ipConfigurations: [configuration] },
  });
  assert.equal((await open(rig).resolve([parseAddress("10.0.1.21")], signal)).get("10.0.1.21"), "10.0.1.21");
});

azureTest("resolve() takes a gateway for a machine where listing is denied", async (rig) => {
  const cloud = open(rig);
  await cloud.identify(signal);
  rig.arm.denied.add("Microsoft.Network/networkInterfaces/read");
  assert.deepEqual([...await cloud.resolve([parseAddress("10.0.1.99")], signal)], [[
    "10.0.1.99",
    "10.0.1.99",
  ]]);
});

azureTest("resolve() throws when the look-up fails", async (rig) => {
  const cloud = open(rig);
  await cloud.identify(signal);
  rig.arm.faults.push({ matches: () => true, times: 1, status: 500 });
  await rejects(cloud.resolve([parseAddress(addresses.other)], signal), "unavailable");
});

// doctor

azureTest("check() finds IP forwarding off, and with fix switches it on and keeps all else", async (rig) => {
  const cloud = open(rig);
  const before = rig.arm.state.show(ids.nic);
  const [, seen] = await cloud.check({ fix: false }, signal);
  assert.deepEqual([seen?.name, seen?.status], ["IP forwarding", "bad"]);
  assert.match(seen?.remedy ?? "", /doctor -fix/);
  assert.equal(rig.arm.writes().filter(({ status }) => status < 300).length, 0, "nothing is changed");
  const [, mended] = await cloud.check({ fix: true }, signal);
  assert.equal(mended?.status, "fixed");
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
    "IP forwarding": "bad",
    "route table": "ok",
    "route permission": "ok",
    "quota": "ok",
    "own traffic": "ok",
    "subnet permission": "ok",
  });
});

for (
  const [action, name] of [
    ["Microsoft.Network/routeTables/write", "route permission"],
    ["Microsoft.Network/routeTables/routes/delete", "route permission"],
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
  const finding = (await cloud.check({ fix: false }, signal)).find(({ name }) => name === "quota");
  assert.deepEqual([finding?.status, finding?.detail], [
    "bad",
    `Route table ${table.name} has 2 of 2 routes`,
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
