/** Our table as a living copy of the one that the subnet used before; see azure_cloud.ts. */

import assert from "node:assert/strict";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { addresses, type AzureRig, ids, route } from "../../fakes/azure/rig.ts";
import type { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { add, azureTest, open, ready, rejects, signal, written } from "./azure_cloud.ts";

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

azureTest("read() tells that the subnet does not use the table any more", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  assert.deepEqual(state.problems, []);
  rig.placeFormerTable();
  const { problems } = await cloud.read(table, signal);
  assert.deepEqual(problems, ["Subnet vnet1/clients does not use route table cloudroutesync-route-table"]);
});

azureTest("foresee() shows table, copies and association before anything is made", async (rig) => {
  rig.placeFormerTable();
  const connection = await open(rig).connection(signal);
  const foreseen = await connection.foresee?.(signal);
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
  assert.deepEqual(await connection.foresee?.(signal), { steps: [], toBe: null });
});

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
