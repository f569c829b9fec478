import assert from "node:assert/strict";
import { decodeRoute, decodeTable, encodeRoute } from "../../../../src/clouds/azure/routes.ts";
import type { ArmRoute, ArmRouteTable } from "../../../../src/clouds/azure/schemas.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

const prefix = parsePrefix("198.51.100.0/24");

function armRoute(
  name: string,
  properties: Omit<ArmRoute["properties"], "nextHop"> & { nextHop?: unknown },
): ArmRoute {
  return { name, properties } as ArmRoute; // what parsing yields for such JSON
}

Deno.test("encodeRoute() writes one next hop as VirtualAppliance and several as VirtualApplianceEcmp", () => {
  assert.deepEqual(encodeRoute("cloudroutesync", prefix, ["10.0.1.4"]), {
    name: "crs-198.51.100.0_24",
    properties: {
      addressPrefix: "198.51.100.0/24",
      nextHopType: "VirtualAppliance",
      nextHopIpAddress: "10.0.1.4",
    },
  });
  assert.deepEqual(encodeRoute("a", prefix, ["10.0.1.4", "10.0.1.5"]).properties, {
    addressPrefix: "198.51.100.0/24",
    nextHopType: "VirtualApplianceEcmp",
    nextHop: { nextHopIpAddresses: ["10.0.1.4", "10.0.1.5"] },
  });
});

Deno.test("decodeRoute() gives back what encodeRoute() wrote", () => {
  for (const nextHops of [["10.0.1.4"], ["10.0.1.20", "10.0.1.4"]]) {
    const { name, properties } = encodeRoute("edge", prefix, nextHops);
    const read = decodeRoute({ name, properties } as ArmRoute); // JSON as it was written
    assert.deepEqual(read, { prefix, nextHops: [...nextHops].sort(), owner: "edge", id: name });
  }
});

Deno.test("decodeRoute() takes a route with our name and another kind of next hop for foreign", () => {
  const read = decodeRoute(
    armRoute("crs-198.51.100.0_24", { addressPrefix: "198.51.100.0/24", nextHopType: "Internet" }),
  );
  assert.equal(read?.owner, null);
  assert.deepEqual(read?.nextHops, ["Internet"]);
});

Deno.test("decodeRoute() says that a next hop of type None drops packets", () => {
  const read = decodeRoute(armRoute("drop", { addressPrefix: "198.51.100.0/24", nextHopType: "None" }));
  assert.equal(read?.blackhole, true);
});

Deno.test("decodeRoute() reads a prefix in any spelling", () => {
  const read = (addressPrefix: string): string | undefined =>
    decodeRoute(armRoute("r", { addressPrefix, nextHopType: "None" }))?.prefix.text;
  assert.equal(read("2001:DB8:0:0::/32"), "2001:db8::/32");
  assert.equal(read("10.0.0.5/8"), "10.0.0.0/8");
  assert.equal(read("AzureCloud.WestEurope"), undefined);
});

Deno.test("decodeTable() counts routes to service tags against the quota though it cannot show them", () => {
  const raw = {
    id: "/t",
    name: "t",
    location: "x",
    etag: "e1",
    tags: {},
    properties: {
      subnets: [],
      routes: [
        armRoute("tag", { addressPrefix: "Storage", nextHopType: "Internet" }),
        armRoute("r", { addressPrefix: "198.51.100.0/24", nextHopType: "None" }),
      ],
    },
  } satisfies ArmRouteTable;
  const state = decodeTable({ id: "/t", name: "t", ours: true }, raw, 400);
  assert.equal(state.routes.length, 1);
  assert.deepEqual(state.quotas, [{ families: [4, 6], used: 2, limit: 400 }]);
  assert.equal(state.version, "e1");
});
