import assert from "node:assert/strict";
import {
  copyOf,
  digestOf,
  planCarryOver,
  sameRoute,
  withCopies,
} from "../../../../src/clouds/azure/carry_over.ts";
import type { ArmRoute, ArmRouteTable } from "../../../../src/clouds/azure/schemas.ts";
import { withTags } from "../../../../src/clouds/azure/tags.ts";
import { CopyRecord } from "../../../../src/clouds/kit/copy_record.ts";

const owner = "cloudroutesync";

function route(name: string, addressPrefix: string, nextHopIpAddress: string): ArmRoute {
  return { name, properties: { addressPrefix, nextHopType: "VirtualAppliance", nextHopIpAddress } };
}

function table(
  name: string,
  routes: readonly ArmRoute[],
  settings: Record<string, unknown> = {},
  tags: Record<string, string> = {},
): ArmRouteTable {
  const id = `/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/${name}`;
  return {
    id,
    name,
    location: "westeurope",
    etag: "e",
    tags,
    properties: { ...settings, routes: [...routes] },
  };
}

/** Our table, with what it has now, as it was made a copy of another. */
function copyOfTable(
  now: readonly ArmRoute[],
  former: ArmRouteTable,
  settings: Record<string, unknown> = {},
): ArmRouteTable {
  const { copies } = planCarryOver([former], table("own", []), owner);
  return table("own", now, settings, { ...withTags({ tags: {} }, {}, CopyRecord.of(copies).values()) });
}

const byFirewall = route("default", "0.0.0.0/0", "10.0.9.9");
const byNewFirewall = route("default", "0.0.0.0/0", "10.0.9.77");
const ours = route("crs-198.51.100.0_24", "198.51.100.0/24", "10.0.1.4");
const theirs = route("crs-edge-2-198.51.100.0_24", "198.51.100.0/24", "10.0.1.5");
const operators = route("lab", "198.51.100.0/24", "10.0.9.9");
const storage: ArmRoute = {
  name: "storage",
  properties: { addressPrefix: "Storage", nextHopType: "Internet" },
};

for (
  const [name, own, copied, former, expected] of [
    ["a copy follows its original", [byFirewall], [byFirewall], [byNewFirewall], [byNewFirewall]],
    ["a copy goes with its original", [byFirewall, storage], [byFirewall, storage], [byFirewall], [
      byFirewall,
    ]],
    ["what is added arrives", [byFirewall], [byFirewall], [byFirewall, storage], [byFirewall, storage]],
    ["an endpoint that was taken away by hand comes back", [], [storage], [storage], [storage]],
    ["a route of the kernel stays, and goes before a copy", [ours], [], [operators], [ours]],
    ["a route of ours in the former table is no copy", [byFirewall], [byFirewall], [byFirewall, ours], [
      byFirewall,
    ]],
    ["what was put there by hand stays", [byFirewall, operators], [byFirewall], [byFirewall], [
      byFirewall,
      operators,
    ]],
    ["a route of another owner stays", [theirs], [], [byFirewall], [theirs, byFirewall]],
    ["a copy gets another name where its own is taken", [route("default", "192.0.2.0/24", "10.0.9.9")], [], [
      byFirewall,
    ], [
      route("default", "192.0.2.0/24", "10.0.9.9"),
      { ...byFirewall, name: "default-2" },
    ]],
  ] as const
) {
  Deno.test(`withCopies(): ${name}, and once that is done nothing is left to do`, () => {
    const formers = [table("former", former)];
    const before = copyOfTable(own, table("then", copied));
    const plan = planCarryOver(formers, before, owner);
    assert.deepEqual(plan.faults, []);
    const { routes } = withCopies(before, formers, plan);
    assert.deepEqual(routes, expected);
    const tags = { ...withTags(before, {}, CopyRecord.of(plan.copies).values()) };
    const after = table("own", routes, {}, tags);
    assert.deepEqual(planCarryOver(formers, after, owner).steps, []);
  });
}

for (
  const [name, own] of [["changed by hand", byNewFirewall], ["another owner's", {
    ...theirs,
    properties: byNewFirewall.properties,
  }]] as const
) {
  Deno.test(`planCarryOver() cannot follow into the place of a route that is ${name}`, () => {
    const { steps, faults } = planCarryOver([table("former", [byFirewall])], table("own", [own]), owner);
    assert.deepEqual(steps, []);
    assert.match(
      faults[0] ?? "",
      /^Cannot carry over route 0\.0\.0\.0\/0 to 10\.0\.9\.9 from former: own has it to 10\.0\.9\.77/,
    );
  });
}

Deno.test("planCarryOver() knows the copies of version 1.0 by their digest, unless one was changed", () => {
  const digest = digestOf(table("own", [byFirewall, storage]));
  const formers = [table("former", [byNewFirewall])];
  const made = (routes: readonly ArmRoute[]): readonly string[] =>
    planCarryOver(formers, table("own", routes, {}, { "cloudroutesync-copies": digest }), owner)
      .steps.map(({ action, key }) => `${action} ${key}`);
  assert.deepEqual(made([storage, byFirewall, ours]), ["change route 0.0.0.0/0", "remove route Storage"]);
  assert.deepEqual(made([byFirewall]), []);
});

for (
  const [name, value, initial] of [["disableBgpRoutePropagation", true, false], [
    "disablePeeringRoute",
    "All",
    "None",
  ]] as const
) {
  Deno.test(`withCopies() carries ${name} over, and back again`, () => {
    const formers = [table("former", [], { [name]: value })];
    const plan = planCarryOver(formers, table("own", [], { [name]: initial }), owner);
    assert.equal(withCopies(table("own", []), formers, plan).settings[name], value);
    const copied = copyOfTable([], table("former", [], { [name]: value }), { [name]: value });
    const back = planCarryOver([table("former", [], { [name]: initial })], copied, owner);
    assert.equal(withCopies(copied, [], back).settings[name], initial);
    assert.deepEqual(planCarryOver([null], copied, owner).steps.map(({ action }) => action), ["remove"]);
  });
}

Deno.test("copyOf() copies no word of Azure's own", () => {
  const properties = { ...byFirewall.properties, provisioningState: "Succeeded", hasBgpOverride: false };
  assert.deepEqual(copyOf({ ...byFirewall, id: "x", etag: "e", properties }), byFirewall);
});

Deno.test("sameRoute() compares the next hop of a service tag too", () => {
  assert.ok(!sameRoute(route("a", "Storage", "10.0.9.9"), route("a", "Storage", "10.0.9.77")));
  assert.ok(sameRoute(route("a", "Storage", "10.0.9.9"), route("b", "Storage", "10.0.9.9")));
});

Deno.test("withTags() puts the record of copies in place of the former one, and of version 1.0's digest", () => {
  const tags = {
    team: "x",
    "cloudroutesync-copies": "d",
    "cloudroutesync-copies-0": "a",
    "cloudroutesync-copies-1": "b",
  };
  assert.deepEqual(withTags({ tags }, { more: "y" }, ["c"]), {
    team: "x",
    more: "y",
    "cloudroutesync-copies-0": "c",
  });
});
