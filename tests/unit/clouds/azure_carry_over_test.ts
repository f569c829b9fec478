import assert from "node:assert/strict";
import type { ArmRoute, ArmRouteTable } from "../../../src/clouds/azure/arm_schema.ts";
import { carryOver, carryOverAgain, type Meeting, sameRoute } from "../../../src/clouds/azure/carry_over.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";

function route(name: string, addressPrefix: string, nextHopIpAddress: string): ArmRoute {
  return { name, properties: { addressPrefix, nextHopType: "VirtualAppliance", nextHopIpAddress } };
}

function table(
  name: string,
  routes: readonly ArmRoute[],
  settings: Record<string, unknown> = {},
): ArmRouteTable {
  const id = `/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/${name}`;
  return { id, name, location: "westeurope", etag: "e", properties: { ...settings, routes: [...routes] } };
}

const byFirewall = route("default", "0.0.0.0/0", "10.0.9.9");
const byNewFirewall = route("default", "0.0.0.0/0", "10.0.9.77");
const ours = route("crs-198.51.100.0_24", "198.51.100.0/24", "10.0.1.4");
const theirs = route("crs-edge-2-198.51.100.0_24", "198.51.100.0/24", "10.0.1.5");
const operators = route("lab", "198.51.100.0/24", "10.0.9.9");

/** Both tables, and ours as it was when its digest was taken. */
async function meeting(
  own: readonly ArmRoute[],
  former: readonly ArmRoute[],
  { copied = own, others = [] }: { copied?: readonly ArmRoute[]; others?: readonly string[] } = {},
): Promise<Meeting> {
  const { digest } = await carryOver(table("then", copied));
  return { own: table("own", own), former: table("former", former), owner: "cloudroutesync", others, digest };
}

for (
  const [name, own, former, expected] of [
    ["a copy is renewed", [byFirewall], [byNewFirewall], [byNewFirewall]],
    ["a copy without an original is taken away", [byFirewall, operators], [byFirewall], [byFirewall]],
    ["a route of ours stays", [ours], [byFirewall], [ours, byFirewall]],
    ["a route of ours gives way to the former table's", [ours], [operators], [operators]],
    ["an old route of ours in the former table does not come back", [ours], [
      route("crs-198.51.100.0_24", "198.51.100.0/24", "10.0.1.99"),
    ], [ours]],
    ["a route of another owner stays", [theirs], [byFirewall], [theirs, byFirewall]],
  ] as const
) {
  Deno.test(`carryOverAgain(): ${name}`, async () => {
    const met = await meeting(own, former);
    const carried = await carryOverAgain(met);
    assert.deepEqual(carried.routes, expected);
    const again = await carryOverAgain({
      ...met,
      own: table("own", carried.routes, carried.settings),
      digest: carried.digest,
    });
    assert.deepEqual(again.routes.toSorted(byName), carried.routes.toSorted(byName), "its digest holds");
  });
}

for (
  const [name, own, former, more] of [
    ["one changed by hand", [byNewFirewall], [byFirewall], { copied: [operators] }],
    ["another owner's", [theirs], [operators], {}],
    ["a copy that another subnet uses", [byFirewall], [byNewFirewall], { others: ["vnet1/servers"] }],
    ["one of ours that another subnet uses", [ours], [operators], { others: ["vnet1/servers"] }],
    ["one with the same name alone", [byFirewall], [route("DEFAULT", "192.0.2.0/24", "10.0.9.9")], {
      others: ["vnet1/servers"],
    }],
  ] as const
) {
  Deno.test(`carryOverAgain() refuses to put a former route in place of ${name}`, async () => {
    await assert.rejects(
      carryOverAgain(await meeting(own, former, more)),
      (error) =>
        error instanceof CloudError && error.kind === "invalid" && /^Cannot carry over/.test(error.message),
    );
  });
}

Deno.test("carryOverAgain() trusts no table without a digest, and adds to it what is missing", async () => {
  const met = { ...await meeting([operators], [byFirewall]), digest: undefined };
  assert.deepEqual(await carryOverAgain(met), {
    routes: [operators, byFirewall],
    settings: {},
    digest: undefined,
  });
});

Deno.test("carryOver() copies no word of Azure's own, and knows its copies in any order and spelling", async () => {
  const shown = {
    ...byFirewall,
    id: "x",
    etag: "e",
    properties: { ...byFirewall.properties, provisioningState: "Succeeded", hasBgpOverride: false },
  };
  const first = await carryOver(table("t", [shown, operators]));
  assert.deepEqual(first.routes, [byFirewall, operators]);
  const second = await carryOver(table("t", [route("LAB", "198.51.100.7/24", "10.0.9.9"), byFirewall]));
  assert.equal(second.digest, first.digest);
  assert.notEqual((await carryOver(table("t", [byNewFirewall, operators]))).digest, first.digest);
});

Deno.test("sameRoute() compares the next hop of a service tag too", () => {
  assert.ok(!sameRoute(route("a", "Storage", "10.0.9.9"), route("a", "Storage", "10.0.9.77")));
});

function byName(left: ArmRoute, right: ArmRoute): number {
  return left.name < right.name ? -1 : 1;
}
