import assert from "node:assert/strict";
import { type CarryStep, planCarryOver } from "../../../src/clouds/aws/carry_over.ts";
import { type Ec2RouteTable, parseRouteTable } from "../../../src/clouds/aws/ec2_answers.ts";

const local = {
  DestinationCidrBlock: "10.0.0.0/16",
  GatewayId: "local",
  Origin: "CreateRouteTable",
  State: "active",
};

function table(id: string, routes: readonly object[], gateways: readonly string[] = []): Ec2RouteTable {
  return parseRouteTable({
    RouteTableId: id,
    VpcId: "vpc-1",
    Routes: routes,
    PropagatingVgws: gateways.map((GatewayId) => ({ GatewayId })),
  });
}

function plan(former: readonly object[], own: readonly object[] = [local]): CarryStep[] {
  return planCarryOver(table("rtb-former", former), table("rtb-own", own));
}

/** A step without the fields that are not set. */
function plain(steps: readonly CarryStep[]): unknown {
  return JSON.parse(JSON.stringify(steps));
}

Deno.test("planCarryOver() creates each kind of route with the same target", () => {
  const targets = [
    { GatewayId: "igw-1" },
    { NatGatewayId: "nat-1" },
    { TransitGatewayId: "tgw-1" },
    { VpcPeeringConnectionId: "pcx-1" },
    { CarrierGatewayId: "cagw-1" },
    { LocalGatewayId: "lgw-1" },
    { CoreNetworkArn: "arn:aws:networkmanager::1:core-network/c" },
    { NetworkInterfaceId: "eni-1" },
  ];
  for (const target of targets) {
    const route = { DestinationCidrBlock: "192.0.2.0/24", ...target };
    assert.deepEqual(plain(plan([local, { ...route, State: "active", Origin: "CreateRoute" }])), [
      { kind: "create", route: { RouteTableId: "rtb-own", ...route } },
    ]);
  }
});

Deno.test("planCarryOver() carries IPv6 and customer prefix lists by their own fields", () => {
  const v6 = { DestinationIpv6CidrBlock: "::/0", EgressOnlyInternetGatewayId: "eigw-1" };
  const list = { DestinationPrefixListId: "pl-1", TransitGatewayId: "tgw-1" };
  assert.deepEqual(plain(plan([v6, list])), [
    { kind: "create", route: { RouteTableId: "rtb-own", ...v6 } },
    { kind: "create", route: { RouteTableId: "rtb-own", ...list } },
  ]);
});

Deno.test("planCarryOver() points at the interface where EC2 shows instance and interface", () => {
  const route = { DestinationCidrBlock: "192.0.2.0/24", InstanceId: "i-1", NetworkInterfaceId: "eni-1" };
  const [step] = plan([route]);
  assert.ok(step?.kind === "create");
  assert.equal(step.route.NetworkInterfaceId, "eni-1");
  assert.equal(step.route.InstanceId, undefined);
});

Deno.test("planCarryOver() adds the table to a gateway endpoint, and names a load balancer's endpoint as one", () => {
  const steps = plan([
    { DestinationPrefixListId: "pl-s3", GatewayId: "vpce-s3" },
    { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "vpce-gwlb" },
  ]);
  assert.deepEqual(plain(steps), [
    { kind: "endpoint", endpointId: "vpce-s3" },
    {
      kind: "create",
      route: { RouteTableId: "rtb-own", DestinationCidrBlock: "0.0.0.0/0", VpcEndpointId: "vpce-gwlb" },
    },
  ]);
});

Deno.test("planCarryOver() enables propagation in place of copying propagated routes", () => {
  const route = {
    DestinationCidrBlock: "172.16.0.0/12",
    GatewayId: "vgw-1",
    Origin: "EnableVgwRoutePropagation",
  };
  const former = table("rtb-former", [route], ["vgw-1"]);
  assert.deepEqual(planCarryOver(former, table("rtb-own", [local])), [{
    kind: "propagation",
    gatewayId: "vgw-1",
  }]);
  assert.deepEqual(planCarryOver(former, table("rtb-own", [local], ["vgw-1"])), []);
});

Deno.test("planCarryOver() refuses to lose what a VPC Route Server advertises", () => {
  const route = {
    DestinationCidrBlock: "172.16.0.0/12",
    NetworkInterfaceId: "eni-9",
    Origin: "Advertisement",
  };
  assert.throws(
    () => plan([route]),
    /Cannot carry over route 172\.16\.0\.0\/12 from rtb-former: a VPC Route Server/,
  );
});

Deno.test("planCarryOver() leaves local routes and blackholes behind", () => {
  assert.deepEqual(
    plan([local, { DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1", State: "blackhole" }]),
    [],
  );
});

Deno.test("planCarryOver() replaces the new table's local route where the former one's had another target", () => {
  const [step] = plan([{ ...local, GatewayId: undefined, NetworkInterfaceId: "eni-firewall" }]);
  assert.ok(step?.kind === "replace");
  assert.equal(step.route.NetworkInterfaceId, "eni-firewall");
});

Deno.test("planCarryOver() completes a half-made table: what stands already is not made again", () => {
  const gateway = { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1" };
  const peering = { DestinationCidrBlock: "10.9.0.0/16", VpcPeeringConnectionId: "pcx-1" };
  const steps = plan([local, gateway, peering], [local, gateway]);
  assert.deepEqual(plain(steps), [{ kind: "create", route: { RouteTableId: "rtb-own", ...peering } }]);
});

Deno.test("planCarryOver() keeps a route to an interface that stands where the former table has another target", () => {
  const own = { DestinationCidrBlock: "10.9.0.0/16", NetworkInterfaceId: "eni-1" };
  assert.deepEqual(
    plan([{ DestinationCidrBlock: "10.9.0.0/16", VpcPeeringConnectionId: "pcx-1" }], [own]),
    [],
  );
});

Deno.test("planCarryOver() refuses two subnets with different ways out in one table", () => {
  const own = { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1" };
  assert.throws(
    () => plan([{ DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1" }], [own]),
    /Cannot carry over route 0\.0\.0\.0\/0 to nat-1 from rtb-former: rtb-own has it to igw-1/,
  );
});
