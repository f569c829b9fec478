/**
 * What Azure refuses of a write, and what stands all the same; see azure_cloud.ts. Each rule of the stand-in is held to what the real
 * service says, with its source.
 */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import type { ArmCallRecord } from "../../fakes/azure/arm.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { ArmRefusal, type Json, propertiesOf } from "../../fakes/azure/arm_state.ts";
import { addresses, type AzureRig, ids, route } from "../../fakes/azure/rig.ts";
import { add, azureTest, many, ready, rejects, routeOf, signal, written } from "./azure_cloud.ts";

/** Scopes of a lock that hold for our table: itself and its resource group. */
const lockScopes = [ids.ownTable, ids.ownTable.replace(/\/providers\/.*$/, "")];

/** Refuses routes to these prefixes, in words that name no route. */
function refuseRoutesTo(rig: AzureRig, ...prefixes: readonly string[]): void {
  rig.arm.state.rules.refuseRoute = (item) =>
    prefixes.includes(String(propertiesOf(item).addressPrefix))
      ? new ArmRefusal(400, "InvalidRequestFormat", "Cannot parse the request.")
      : null;
}

for (const [count, at] of [[2, 1], [30, 0], [30, 29], [500, 317]] as const) {
  azureTest(`write() lets ${count} routes stand but for number ${at}, which Azure refuses`, async (rig) => {
    const { cloud, table, state } = await ready(rig);
    const changes = many(count);
    refuseRoutesTo(rig, changes[at]?.prefix.text ?? "");
    const { outcomes, state: after } = await cloud.write(table, changes, state, signal);
    assert.deepEqual(outcomes.flatMap((outcome, index) => outcome === null ? [] : [index]), [at]);
    assert.equal(outcomes[at]?.kind, "invalid");
    assert.match(
      outcomes[at]?.message ?? "",
      new RegExp(
        `^Cannot add route ${changes[at]?.prefix.text} in route table ${table.name}: Azure answered 400`,
      ),
    );
    assert.equal(Object.keys(rig.arm.state.routes(ids.ownTable)).length, count - 1);
    assert.equal(after?.routes.length, count - 1);
    const further = rig.arm.writes().length - 1;
    assert.ok(further <= 2 * Math.log2(count), `${further} further writes`);
  });
}

azureTest("write() gives up after a bounded number of calls when Azure refuses everything", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.state.rules.refuseRoute = () =>
    new ArmRefusal(403, "RequestDisallowedByPolicy", "Policy 'p' forbids it.");
  const { outcomes } = await cloud.write(table, many(500), state, signal);
  assert.ok(outcomes.every((outcome) => outcome?.kind === "invalid"));
  assert.ok(rig.arm.writes().length <= 21, `${rig.arm.writes().length} writes`);
});

azureTest("write() replaces and withdraws beside a refused add, and makes no gap", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const { state: standing } = await cloud.write(table, many(4), state, signal);
  assert.ok(standing);
  const [one, two] = ["198.18.0.0/32", "198.18.0.1/32"].map((prefix) => routeOf(standing, prefix));
  assert.ok(one && two);
  refuseRoutesTo(rig, "192.0.2.0/24");
  const seen: string[][] = [];
  rig.arm.beforeWrite = () => void seen.push(Object.keys(rig.arm.state.routes(ids.ownTable)));
  const changes: Change[] = [
    { action: "replace", prefix: one.prefix, from: one, to: [addresses.other] },
    add("192.0.2.0/24"),
    { action: "delete", prefix: two.prefix, from: two, to: null },
  ];
  const { outcomes } = await cloud.write(table, changes, standing, signal);
  assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? "done"), ["done", "invalid", "done"]);
  assert.ok(seen.every((prefixes) => prefixes.includes(one.prefix.text)));
  assert.deepEqual(rig.arm.state.routes(ids.ownTable), {
    "198.18.0.2/32": addresses.router,
    "198.18.0.3/32": addresses.router,
    "198.18.0.0/32": addresses.other,
  });
});

/** Somebody adds a route by hand. */
function writeByHand(rig: AzureRig): void {
  const shown = rig.arm.state.show(ids.ownTable);
  const properties = propertiesOf(shown);
  const routes = [...properties.routes as Json[], route("by-hand", "192.0.2.0/24", "10.0.9.9")]; // as it was PUT
  rig.arm.state.place(ids.ownTable, { ...shown, properties: { ...properties, routes } });
}

for (
  const [when, method] of [["before a part's write", "PUT"], ["before a part is read back", "GET"]] as const
) {
  azureTest(`write() ends as a conflict where somebody writes ${when}, and loses nothing`, async (rig) => {
    const { cloud, table, state } = await ready(rig);
    refuseRoutesTo(rig, "198.18.0.7/32");
    let isDue = true;
    const matches = (call: ArmCallRecord): boolean => {
      if (
        isDue && call.method === method && call.path === ids.ownTable &&
        rig.arm.state.listRoutes(ids.ownTable).length > 0
      ) {
        isDue = false;
        writeByHand(rig);
      }
      return false;
    };
    rig.arm.faults.push({ matches, times: 1, status: 500 });
    const { outcomes } = await cloud.write(table, many(8), state, signal);
    const kinds = outcomes.map((outcome) => outcome?.kind ?? "done");
    assert.deepEqual(kinds, [...Array(4).fill("done"), ...Array(4).fill("conflict")]);
    assert.equal(rig.arm.state.routes(ids.ownTable)["192.0.2.0/24"], "10.0.9.9");
  });
}

azureTest(
  "write() finds the limit that no refusal names by what fits, and read() knows it then",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    Object.assign(rig.arm.state.rules, { routeLimit: 21, namesRouteLimit: false });
    const { outcomes } = await cloud.write(table, many(30), state, signal);
    assert.equal(outcomes.filter((outcome) => outcome === null).length, 21);
    const refused = outcomes.filter((outcome) => outcome !== null);
    assert.ok(refused.every((outcome) => outcome?.kind === "quota" && outcome.limit === 21));
    assert.deepEqual((await cloud.read(table, signal)).quotas, [{ families: [4, 6], used: 21, limit: 21 }]);
    assert.ok(rig.arm.writes().length <= 11, `${rig.arm.writes().length} writes`);
  },
);

azureTest("write() does not believe a limit that the refused table is below", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  Object.assign(rig.arm.state.rules, { routeLimit: 2, namesRouteLimit: false });
  rig.arm.faults.push({
    matches: ({ method }) => method === "PUT",
    times: 1,
    status: 400,
    code: "RouteTableRoutesLimitReached",
    message: "The limit of 1000 routes is reached in this region.",
  });
  const { outcomes } = await cloud.write(table, many(3), state, signal);
  assert.deepEqual(outcomes.map((outcome) => outcome?.limit ?? null), [null, null, 2]);
});

azureTest("write() withdraws from a full table before it adds", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const { state: standing } = await cloud.write(table, many(4), state, signal);
  assert.ok(standing);
  Object.assign(rig.arm.state.rules, { routeLimit: 4, namesRouteLimit: false });
  const from = routeOf(standing, "198.18.0.0/32");
  const changes: Change[] = [
    add("192.0.2.0/24"),
    add("192.0.3.0/24"),
    { action: "delete", prefix: from.prefix, from, to: null },
  ];
  const { outcomes } = await cloud.write(table, changes, standing, signal);
  assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? "done"), ["done", "quota", "done"]);
});

// Several next hops: 400 RegionNotEnabledForFeature in Azure/azure-cli, test_network_route_table_ecmp_route.yaml (June 2026)

const set = [addresses.scaleSet, addresses.other] as const;

azureTest(
  "a region without ECMP is asked once: each set is written with its lowest next hop",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    rig.arm.state.rules.ecmp = false;
    const changes = [add("198.51.100.0/24", ...set), add("198.51.101.0/24", ...set), ...many(10)];
    const { outcomes, state: after } = await cloud.write(table, changes, state, signal);
    assert.ok(outcomes.every((outcome) => outcome === null));
    assert.deepEqual(routeOf(after, "198.51.101.0/24").nextHops, [addresses.other]);
    assert.equal(cloud.traits.nextHopsPerRoute, 1);
    assert.deepEqual(written(rig).length, 2);
  },
);

azureTest("a set that Azure refuses in words of its own falls back alone", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.state.rules.refuseRoute = (item) =>
    propertiesOf(item).addressPrefix === "198.51.100.0/24" && propertiesOf(item).nextHop !== undefined
      ? new ArmRefusal(400, "NextHopNotAllowed", "The request is not allowed.")
      : null;
  const changes = [add("198.51.101.0/24", ...set), ...many(10), add("198.51.100.0/24", ...set)];
  const { outcomes, state: after } = await cloud.write(table, changes, state, signal);
  assert.ok(outcomes.every((outcome) => outcome === null));
  assert.deepEqual(routeOf(after, "198.51.100.0/24").nextHops, [addresses.other]);
  assert.deepEqual(routeOf(after, "198.51.101.0/24").nextHops, [addresses.other, addresses.scaleSet]);
  assert.equal(cloud.traits.nextHopsPerRoute, 64);
  assert.equal(cloud.traits.nextHopsOf?.(parsePrefix("198.51.100.0/24")), 1);
  assert.equal(cloud.traits.nextHopsOf?.(parsePrefix("198.51.101.0/24")), 64);
});

for (
  const [code, status] of [["NextHopNotAllowed", 400], ["RoutesQuota", 409], [
    "RequestDisallowedByPolicy",
    403,
  ]] as const
) {
  azureTest(`sets that Azure refuses with ${status} ${code} are all there with one next hop`, async (rig) => {
    const { cloud, table, state } = await ready(rig);
    rig.arm.state.rules.refuseRoute = (item) =>
      propertiesOf(item).nextHop === undefined ? null : new ArmRefusal(status, code, "No.");
    const changes = Array.from({ length: 30 }, (_, index) => add(`198.51.${index}.0/24`, ...set));
    const { outcomes, state: after } = await cloud.write(table, changes, state, signal);
    assert.ok(
      outcomes.every((outcome) => outcome === null),
      String(outcomes.find((outcome) => outcome !== null)),
    );
    assert.equal(after?.routes.length, 30);
  });
}

azureTest("the list of a table's routes leaves nextHop out, and the table itself has it", async (rig) => {
  // Azure/azure-cli#33493: "the recorded ARM list response does not include the nextHop payload at all".
  const { cloud, table, state } = await ready(rig);
  await cloud.write(table, [add("198.51.100.0/24", ...set)], state, signal);
  const [listed] = rig.arm.state.listRoutes(ids.ownTable);
  assert.deepEqual(Object.keys(propertiesOf(listed ?? {})).includes("nextHop"), false);
  const calls = rig.arm.calls.filter(({ path }) => path.endsWith("/routes"));
  assert.deepEqual(calls, [], "the list is never used");
  assert.equal(routeOf(await cloud.read(table, signal), "198.51.100.0/24").nextHops.length, 2);
});

// Locks: MicrosoftDocs/azure-docs#56524, Azure/azure-cli#16958

for (const scope of lockScopes) {
  azureTest(`a lock against deletion of ${scope.replace(/^.*\//, "")} lets routes go`, async (rig) => {
    const { cloud, table, state } = await ready(rig);
    const { state: standing } = await cloud.write(table, many(2), state, signal);
    assert.ok(standing);
    rig.arm.state.lock(scope, "CanNotDelete");
    const from = routeOf(standing, "198.18.0.0/32");
    const change: Change = { action: "delete", prefix: from.prefix, from, to: null };
    const { outcomes } = await cloud.write(table, [change], standing, signal);
    assert.deepEqual(outcomes, [null]);
    assert.deepEqual(Object.keys(rig.arm.state.routes(ids.ownTable)), ["198.18.0.1/32"]);
    const found = (await cloud.check({ fix: false }, signal)).find(({ name }) => name === "route permission");
    assert.equal(found?.status, "ok");
  });
}

azureTest(
  "a lock against deletion does not keep cleanup from giving the subnet back; the table stays, told",
  async (rig) => {
    rig.placeFormerTable();
    const { cloud } = await ready(rig);
    rig.arm.state.lock(ids.ownTable, "CanNotDelete");
    const error = await rejects(cloud.remove(signal), "denied", /^Cannot delete route table .*ScopeLocked/);
    assert.match(error.remedy ?? "", /lock/);
    assert.deepEqual(propertiesOf(rig.arm.state.show(ids.subnet)).routeTable, { id: ids.formerTable });
  },
);

azureTest(
  "a read-only table refuses each write in one sentence, and is written once the lock is gone",
  async (rig) => {
    rig.placeFormerTable();
    const { cloud, table, state } = await ready(rig, { routeTables: [ids.formerTable] });
    rig.arm.state.lock(ids.formerTable, "ReadOnly");
    await rejects(cloud.write(table, many(3), state, signal), "denied", /ScopeLocked.*remove the lock/);
    assert.equal(rig.arm.writes().length, 1, "it is not tried in parts");
  },
);
