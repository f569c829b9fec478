/** The table of its own as a living copy of the one that the subnet used before: routes, service tags, settings. */

import assert from "node:assert/strict";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { addresses, type AzureRig, ids, route } from "../../fakes/azure/rig.ts";
import type { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { add, azureTest, open, ready, rejects, routeOf, signal, written } from "./azure_cloud.ts";

const byFirewall = route("default", "0.0.0.0/0", "10.0.9.9");

/** Changes the operators' table, while the subnet uses ours. */
function changeFormer(rig: AzureRig, routes: readonly Json[], settings: Json = {}): void {
  const shown = rig.arm.state.show(ids.formerTable);
  rig.arm.state.place(ids.formerTable, {
    ...shown,
    properties: { ...propertiesOf(shown), ...settings, routes },
  });
}

async function copyFinding(
  cloud: ConnectedCloud,
): Promise<readonly [string | undefined, string | undefined]> {
  const found = (await cloud.check({ fix: false }, signal)).find(({ name }) =>
    name === "carried-over routes"
  );
  return [found?.status, found?.detail];
}

azureTest(
  "prepare() follows what the former table gains and loses, settings included, by one PUT",
  async (rig) => {
    rig.placeFormerTable([byFirewall, route("lab", "192.0.2.0/24", "10.0.9.9")]);
    const { cloud, table, state } = await ready(rig);
    await cloud.write(table, [add("198.51.100.0/24")], state, signal);
    const storage = { name: "storage", properties: { addressPrefix: "Storage", nextHopType: "Internet" } };
    const settings = { disableBgpRoutePropagation: false, disablePeeringRoute: "All" };
    changeFormer(rig, [route("default", "0.0.0.0/0", "10.0.9.77"), storage], settings);
    assert.deepEqual(await copyFinding(cloud), [
      "bad",
      "cloudroutesync-route-table is behind operators-table: add setting disablePeeringRoute to All, " +
      "change route 0.0.0.0/0 to 10.0.9.77, add route Storage to Internet, remove setting disableBgpRoutePropagation, " +
      "remove route 192.0.2.0/24",
    ]);
    rig.arm.calls.length = 0;
    await cloud.prepare(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
      "198.51.100.0/24": addresses.router,
      "0.0.0.0/0": "10.0.9.77",
      "Storage": "Internet",
    });
    const { disableBgpRoutePropagation, disablePeeringRoute } = propertiesOf(
      rig.arm.state.show(ids.ownTable),
    );
    assert.deepEqual({ disableBgpRoutePropagation, disablePeeringRoute }, settings);
    assert.deepEqual(written(rig), ["PUT cloudroutesync-route-table 200"]);
    assert.deepEqual(await copyFinding(cloud), [
      "ok",
      "cloudroutesync-route-table has what operators-table has (3 entries)",
    ]);
    rig.arm.calls.length = 0;
    await cloud.prepare(signal);
    assert.deepEqual(written(rig), [], "nothing is left to do");
    assert.deepEqual(
      Object.keys(rig.arm.state.routes(ids.formerTable)),
      ["0.0.0.0/0", "Storage"],
      "theirs is never touched",
    );
  },
);

azureTest(
  "what cannot be followed is a problem of the table, and keeps nothing else from being followed",
  async (rig) => {
    rig.placeFormerTable();
    const { cloud, table } = await ready(rig);
    const shown = rig.arm.state.show(ids.ownTable);
    const byHand = [route("default", "0.0.0.0/0", "10.0.9.50")];
    rig.arm.state.place(ids.ownTable, { ...shown, properties: { ...propertiesOf(shown), routes: byHand } });
    changeFormer(rig, [byFirewall, route("lab", "192.0.2.0/24", "10.0.9.9")]);
    await cloud.prepare(signal);
    assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
      "0.0.0.0/0": "10.0.9.50",
      "192.0.2.0/24": "10.0.9.9",
    });
    const { problems } = await cloud.read(table, signal);
    assert.equal(problems?.length, 1);
    assert.match(
      problems?.[0] ?? "",
      /^Cannot carry over route 0\.0\.0\.0\/0 to 10\.0\.9\.9 from operators-table/,
    );
    assert.equal((await copyFinding(cloud))[0], "bad");
  },
);

azureTest("a former table that is gone leaves its copies", async (rig) => {
  rig.placeFormerTable();
  const { cloud } = await ready(rig);
  rig.arm.state.remove(ids.formerTable);
  await cloud.prepare(signal);
  assert.deepEqual(rig.arm.state.routes(ids.ownTable), { "0.0.0.0/0": "10.0.9.9" });
  assert.equal((await copyFinding(cloud))[0], "unknown");
});

azureTest("foresee() shows table, copies and association before anything is made", async (rig) => {
  rig.placeFormerTable();
  const connection = await open(rig).connection(signal);
  const foreseen = await connection.foresee(signal);
  assert.deepEqual(foreseen?.steps, [
    { action: "create", what: "route table cloudroutesync-route-table", from: null, to: null },
    { action: "copy", what: "setting disableBgpRoutePropagation", from: null, to: "true" },
    { action: "copy", what: "route 0.0.0.0/0", from: null, to: "10.0.9.9" },
    {
      action: "associate",
      what: "subnet vnet1/clients",
      from: "operators-table",
      to: "cloudroutesync-route-table",
    },
  ]);
  assert.deepEqual(foreseen?.toBe?.routes.map(({ prefix, nextHops }) => [prefix.text, nextHops]), [
    ["0.0.0.0/0", ["10.0.9.9"]],
  ]);
  assert.deepEqual(rig.arm.writes(), []);
  await connection.prepare(signal);
  const { steps, toBe } = await connection.foresee(signal);
  assert.deepEqual({ steps, toBe }, { steps: [], toBe: null });
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

// Tags of controllers: see known_keepers.ts.

const managed = ids.formerTable.replace(
  /resourceGroups\/[^/]+/,
  "resourceGroups/AVNM_Managed_ResourceGroup_s",
);
for (
  const [keeper, id, tags] of [
    ["AKS", ids.formerTable, { "aks-managed-cluster-name": "prod" }],
    ["F5's Cloud Failover Extension", ids.formerTable, { f5_cloud_failover_label: "x" }],
    ["Azure Virtual Network Manager", managed, {}],
  ] as const
) {
  azureTest(
    `prepare() does not take the subnet from a table that ${keeper} keeps, unless it is handed over`,
    async (rig) => {
      rig.arm.state.place(id, { location: "westeurope", tags, properties: { routes: [byFirewall] } });
      rig.placeSubnet({ routeTable: { id } });
      const error = await rejects(
        open(rig).prepare(signal),
        "invalid",
        /^Cannot take subnet vnet1\/clients from route table/,
      );
      assert.ok(
        error.message.includes(keeper) && error.message.endsWith(`share it with -route-table ${id}`),
        error.message,
      );
      assert.deepEqual(rig.arm.writes(), []);
      const [table] = await open(rig, { routeTables: [id] }).prepare(signal);
      assert.equal(table?.id, id);
    },
  );
}
