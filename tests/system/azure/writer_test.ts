/** Changes on Azure: one route by itself, many in one PUT of the table, all else to the letter as it was. */

import assert from "node:assert/strict";
import type { Change, CloudRoute } from "../../../src/clouds/cloud.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { addresses, ids, route } from "../../fakes/azure/rig.ts";
import { type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { defaultOwner, routeName, signOf } from "../../../src/clouds/azure/route_name.ts";
import { add, azureTest, many, ready, rejects, routeOf, signal, written } from "./azure_cloud.ts";

/** How marks name the rig's VM. */
const sign = signOf(ids.vm, parseAddress(addresses.router));

function nameOf(prefix: string): string {
  return routeName(defaultOwner, parsePrefix(prefix), sign);
}

// Who this VM is

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
