import assert from "node:assert/strict";
import { captureLog } from "../../../fakes/captured_log.ts";
import { type Ec2RouteTable, parseRouteTable, parseRouteTables } from "../../../../src/clouds/aws/schemas.ts";
import { cloudRoutesOf, cloudTableOf, quotasOf } from "../../../../src/clouds/aws/routes.ts";

function table(routes: readonly object[], tags: Readonly<Record<string, string>> = {}): Ec2RouteTable {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return parseRouteTable({ RouteTableId: "rtb-1", VpcId: "vpc-1", Routes: routes, Tags });
}

Deno.test("cloudRoutesOf() shows interfaces, other targets and blackholes, in order", () => {
  const routes = cloudRoutesOf(table([
    { DestinationIpv6CidrBlock: "2001:db8::/32", NetworkInterfaceId: "eni-1", State: "active" },
    {
      DestinationCidrBlock: "10.1.0.0/16",
      NetworkInterfaceId: "eni-1",
      InstanceId: "i-1",
      State: "blackhole",
    },
    { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1", State: "active" },
  ]));
  assert.deepEqual(
    routes.map(({ prefix, nextHops, owner, blackhole }) => [prefix.text, nextHops, owner, blackhole]),
    [
      ["0.0.0.0/0", ["igw-1"], null, undefined],
      ["10.1.0.0/16", ["eni-1"], null, true],
      ["2001:db8::/32", ["eni-1"], null, undefined],
    ],
  );
});

Deno.test("cloudRoutesOf() lets the static route stand for a propagated one, whichever is listed first", () => {
  const fixed = { DestinationCidrBlock: "10.1.0.0/16", NetworkInterfaceId: "eni-1", Origin: "CreateRoute" };
  const propagated = {
    DestinationCidrBlock: "10.1.0.0/16",
    GatewayId: "vgw-1",
    Origin: "EnableVgwRoutePropagation",
  };
  for (const routes of [[fixed, propagated], [propagated, fixed]]) {
    assert.deepEqual(cloudRoutesOf(table(routes)).map((route) => route.nextHops), [["eni-1"]]);
  }
  assert.deepEqual(cloudRoutesOf(table([propagated])).map((route) => route.nextHops), [["vgw-1"]]);
});

Deno.test("cloudRoutesOf() marks what nobody but AWS can take away, and not what was created beside it", () => {
  const [here, there] = ["10.1.0.0/16", "10.2.0.0/16"];
  const routes = cloudRoutesOf(table([
    { DestinationCidrBlock: here, GatewayId: "vgw-1", Origin: "EnableVgwRoutePropagation" },
    { DestinationCidrBlock: there, NetworkInterfaceId: "eni-9", Origin: "Advertisement", State: "blackhole" },
    { DestinationCidrBlock: "10.3.0.0/16", GatewayId: "vgw-1", Origin: "EnableVgwRoutePropagation" },
    { DestinationCidrBlock: "10.3.0.0/16", NetworkInterfaceId: "eni-1", Origin: "CreateRoute" },
    { DestinationCidrBlock: "10.4.0.0/16", GatewayId: "local", Origin: "CreateRouteTable" },
  ]));
  assert.deepEqual(routes.map(({ prefix, fixed }) => [prefix.text, fixed]), [
    [here, true],
    [there, true],
    ["10.3.0.0/16", undefined],
    ["10.4.0.0/16", true],
  ]);
  assert.equal(routes[1]?.blackhole, true);
});

Deno.test("cloudRoutesOf() passes over a route without destination and one that is no prefix", () => {
  using log = captureLog();
  const routes = cloudRoutesOf(table([
    { GatewayId: "igw-1" },
    { DestinationCidrBlock: "10.0.0.1/16", GatewayId: "igw-2" },
    { DestinationCidrBlock: "10.1.0.0/16", GatewayId: "igw-3" },
  ]));
  assert.deepEqual(routes.map(({ prefix }) => prefix.text), ["10.1.0.0/16"]);
  assert.deepEqual(log.lines, [
    "warning: Ignoring a foreign route of rtb-1 to igw-1: its destination (none) is not a prefix",
    "warning: Ignoring a foreign route of rtb-1 to igw-2: its destination 10.0.0.1/16 is not a prefix",
  ]);
});

Deno.test("quotasOf() counts the families apart, prefix lists by size, propagated routes not at all", () => {
  const quotas = quotasOf(
    table([
      { DestinationCidrBlock: "10.0.0.0/16", GatewayId: "local" },
      { DestinationCidrBlock: "10.1.0.0/16", NetworkInterfaceId: "eni-1" },
      { DestinationCidrBlock: "10.2.0.0/16", GatewayId: "vgw-1", Origin: "EnableVgwRoutePropagation" },
      { DestinationIpv6CidrBlock: "::/0", EgressOnlyInternetGatewayId: "eigw-1" },
      { DestinationPrefixListId: "pl-1", TransitGatewayId: "tgw-1" },
    ]),
    [{ family: 4, entries: 20 }],
    (family) => family === 4 ? 500 : null,
  );
  assert.deepEqual(quotas, [
    { families: [4], used: 22, limit: 500 },
    { families: [6], used: 1, limit: null },
  ]);
});

Deno.test("cloudTableOf() takes a table for its own only by both tags", () => {
  const tags = { name: "cloudroutesync", "cloudroutesync:owner": "me" };
  assert.equal(cloudTableOf(table([], tags), "me").ours, true);
  assert.equal(cloudTableOf(table([], tags), "you").ours, false);
  assert.equal(cloudTableOf(table([], { name: "cloudroutesync" }), "me").ours, false);
});

Deno.test("parseRouteTables() names the field that is not as documented", () => {
  assert.throws(
    () => parseRouteTables([{ VpcId: "vpc-1" }]),
    /Cannot read route tables: the answer is not as documented: 0\.RouteTableId/,
  );
});

Deno.test("cloudRoutesOf() protects the VPC's own route, whatever somebody made it point at", () => {
  const routes = cloudRoutesOf(table([
    { DestinationCidrBlock: "10.0.0.0/16", NetworkInterfaceId: "eni-firewall", Origin: "CreateRouteTable" },
    { DestinationCidrBlock: "10.1.0.0/16", NetworkInterfaceId: "eni-1", Origin: "CreateRoute" },
    { DestinationIpv6CidrBlock: "2001:db8::/56", GatewayId: "local", Origin: "CreateRouteTable" },
  ]));
  assert.deepEqual(routes.map((route) => [route.protected, route.fixed]), [
    [true, undefined],
    [undefined, undefined],
    [true, true],
  ]);
});
