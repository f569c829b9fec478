import assert from "node:assert/strict";
import { type Ec2RouteTable, parseRouteTable } from "../../../../src/clouds/aws/schemas.ts";
import { CopyRecord } from "../../../../src/clouds/kit/copy_record.ts";
import { foreignRoutesOf } from "../../../../src/clouds/aws/foreign_routes.ts";

const local = { DestinationCidrBlock: "10.0.0.0/16", GatewayId: "local", State: "active" };
const wayOut = { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1", State: "active" };
const byHand = { DestinationCidrBlock: "203.0.113.0/24", NetworkInterfaceId: "eni-1", State: "active" };

function table(routes: readonly object[]): Ec2RouteTable {
  return parseRouteTable({ RouteTableId: "rtb-1", VpcId: "vpc-1", Routes: routes });
}

function foreign(own: readonly object[], former: readonly object[] = [local, wayOut]): string[] {
  return foreignRoutesOf(table(own), [table([]), table(former)]).map((route) =>
    `${route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? route.DestinationPrefixListId}`
  );
}

Deno.test("foreignRoutesOf() leaves out what a former table has too, to the same target", () => {
  assert.deepEqual(foreign([local, wayOut]), []);
  assert.deepEqual(foreign([local, byHand, wayOut]), ["203.0.113.0/24"]);
  assert.deepEqual(foreign([local, { ...wayOut, GatewayId: "igw-2" }]), ["0.0.0.0/0"]);
});

Deno.test("foreignRoutesOf() leaves out what came by itself: propagated routes and gateway endpoints", () => {
  const propagated = { ...byHand, NetworkInterfaceId: undefined, GatewayId: "vgw-1" };
  assert.deepEqual(
    foreign([
      { ...propagated, Origin: "EnableVgwRoutePropagation" },
      { ...byHand, Origin: "Advertisement" },
      { DestinationPrefixListId: "pl-1", GatewayId: "vpce-1", State: "active" },
    ]),
    [],
  );
});

Deno.test("foreignRoutesOf() counts a static route beside a propagated one, and a customer's prefix list", () => {
  const propagated = { ...byHand, NetworkInterfaceId: undefined, GatewayId: "vgw-1" };
  const former = [local, { ...propagated, Origin: "EnableVgwRoutePropagation" }];
  assert.deepEqual(foreign([byHand], former), ["203.0.113.0/24"]);
  assert.deepEqual(foreign([{ DestinationPrefixListId: "pl-1", TransitGatewayId: "tgw-1" }]), ["pl-1"]);
});

Deno.test("foreignRoutesOf() leaves out blackholes: they lead nowhere", () => {
  assert.deepEqual(foreign([{ ...byHand, State: "blackhole" }]), []);
});

Deno.test("foreignRoutesOf() counts a local route that somebody gave another target", () => {
  const inspected = { ...local, GatewayId: undefined, NetworkInterfaceId: "eni-firewall" };
  assert.deepEqual(foreign([inspected]), ["10.0.0.0/16"]);
  assert.deepEqual(foreign([inspected], [inspected]), []);
});

Deno.test("foreignRoutesOf() leaves out copies of what a former table has no more, and what is VPC Lattice's", () => {
  const own = table([wayOut, { DestinationPrefixListId: "pl-1", GatewayId: "VpcLattice", State: "active" }]);
  assert.equal(foreignRoutesOf(own, []).length, 1);
  const [Value = ""] = CopyRecord.of([["route 0.0.0.0/0", "igw-1"]]).values();
  assert.deepEqual(foreignRoutesOf({ ...own, Tags: [{ Key: "cloudroutesync:copies:0", Value }] }, []), []);
});
