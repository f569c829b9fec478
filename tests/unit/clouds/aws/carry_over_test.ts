import assert from "node:assert/strict";
import { type CarryCalls, makeStep, planCarryOver } from "../../../../src/clouds/aws/carry_over.ts";
import { type Ec2RouteTable, parseRouteTable } from "../../../../src/clouds/aws/schemas.ts";
import { copyRecordTags } from "../../../../src/clouds/aws/tags.ts";
import { CopyRecord } from "../../../../src/clouds/kit/copy_record.ts";

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

/** The calls that carrying over makes, without the fields that are not set. */
async function calls(former: Ec2RouteTable, own: Ec2RouteTable): Promise<unknown[]> {
  const made: unknown[] = [];
  const call = (name: string) => (...parts: unknown[]): Promise<void> => {
    made.push([name, ...JSON.parse(JSON.stringify(parts.slice(0, -1)))]);
    return Promise.resolve();
  };
  const api: CarryCalls = {
    createRoute: call("create"),
    replaceRoute: call("replace"),
    deleteRoute: call("delete"),
    modifyVpcEndpoint: call("endpoint"),
    enablePropagation: call("enable"),
    disablePropagation: call("disable"),
  };
  const signal = new AbortController().signal;
  for (const step of planCarryOver([former], own).steps) await makeStep(api, step, [former], own, signal);
  return made;
}

function plan(former: readonly object[], own: readonly object[] = [local]): Promise<unknown[]> {
  return calls(table("rtb-former", former), table("rtb-own", own));
}

/** Our table, in which these routes are known copies. */
function copied(copies: readonly (readonly [string, string])[], routes: readonly object[]): Ec2RouteTable {
  const own = table("rtb-own", routes);
  const tags = copyRecordTags(own, CopyRecord.of(copies).values());
  return { ...own, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

function faults(former: readonly object[], own: readonly object[]): string {
  return planCarryOver([table("rtb-former", former)], table("rtb-own", own)).faults.join("\n");
}

Deno.test("carrying over creates each kind of route with the same target", async () => {
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
    assert.deepEqual(await plan([local, { ...route, State: "active", Origin: "CreateRoute" }]), [
      ["create", { RouteTableId: "rtb-own", ...route }],
    ]);
  }
});

Deno.test("carrying over takes IPv6 and customer prefix lists by their own fields", async () => {
  const v6 = { DestinationIpv6CidrBlock: "::/0", EgressOnlyInternetGatewayId: "eigw-1" };
  const list = { DestinationPrefixListId: "pl-1", TransitGatewayId: "tgw-1" };
  assert.deepEqual(await plan([v6, list]), [
    ["create", { RouteTableId: "rtb-own", ...v6 }],
    ["create", { RouteTableId: "rtb-own", ...list }],
  ]);
});

Deno.test("carrying over points at the interface where EC2 shows instance and interface", async () => {
  const destination = { DestinationCidrBlock: "192.0.2.0/24" };
  assert.deepEqual(await plan([{ ...destination, InstanceId: "i-1", NetworkInterfaceId: "eni-1" }]), [
    ["create", { RouteTableId: "rtb-own", ...destination, NetworkInterfaceId: "eni-1" }],
  ]);
});

Deno.test("carrying over adds the table to a gateway endpoint, and names a load balancer's endpoint as one", async () => {
  const made = await plan([
    { DestinationPrefixListId: "pl-s3", GatewayId: "vpce-s3" },
    { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "vpce-gwlb" },
  ]);
  assert.deepEqual(made, [
    ["endpoint", { VpcEndpointId: "vpce-s3", AddRouteTableIds: ["rtb-own"] }],
    ["create", { RouteTableId: "rtb-own", DestinationCidrBlock: "0.0.0.0/0", VpcEndpointId: "vpce-gwlb" }],
  ]);
});

Deno.test("carrying over enables propagation in place of copying propagated routes", async () => {
  const route = {
    DestinationCidrBlock: "172.16.0.0/12",
    GatewayId: "vgw-1",
    Origin: "EnableVgwRoutePropagation",
  };
  const former = table("rtb-former", [route], ["vgw-1"]);
  assert.deepEqual(await calls(former, table("rtb-own", [local])), [["enable", "rtb-own", "vgw-1"]]);
  assert.deepEqual(await calls(former, table("rtb-own", [local], ["vgw-1"])), []);
});

Deno.test("planCarryOver() refuses to lose what a VPC Route Server advertises", () => {
  const route = {
    DestinationCidrBlock: "172.16.0.0/12",
    NetworkInterfaceId: "eni-9",
    Origin: "Advertisement",
  };
  assert.match(
    faults([route], [local]),
    /Cannot carry over route 172\.16\.0\.0\/12 from rtb-former: a VPC Route Server/,
  );
  assert.equal(faults([route], [local, route]), "");
});

Deno.test("carrying over leaves local routes and those of VPC Lattice to EC2", async () => {
  const lattice = { DestinationPrefixListId: "pl-lattice", GatewayId: "VpcLattice", State: "active" };
  assert.deepEqual(await plan([local, lattice]), []);
  assert.deepEqual(await plan([local], [local, lattice]), []);
});

Deno.test("carrying over copies a blackhole: a NAT instance that is stopped comes back", async () => {
  const route = { DestinationCidrBlock: "0.0.0.0/0", NetworkInterfaceId: "eni-nat" };
  assert.deepEqual(await plan([local, { ...route, State: "blackhole" }]), [
    ["create", { RouteTableId: "rtb-own", ...route }],
  ]);
});

Deno.test("carrying over replaces the new table's local route where the former one's had another target", async () => {
  const inspected = { ...local, GatewayId: undefined, NetworkInterfaceId: "eni-firewall" };
  assert.deepEqual(await plan([inspected]), [
    ["replace", {
      RouteTableId: "rtb-own",
      DestinationCidrBlock: "10.0.0.0/16",
      NetworkInterfaceId: "eni-firewall",
    }],
  ]);
});

Deno.test("carrying over completes a half-made table: what stands already is not made again", async () => {
  const gateway = { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1" };
  const peering = { DestinationCidrBlock: "10.9.0.0/16", VpcPeeringConnectionId: "pcx-1" };
  assert.deepEqual(await plan([local, gateway, peering], [local, gateway]), [
    ["create", { RouteTableId: "rtb-own", ...peering }],
  ]);
});

Deno.test("carrying over keeps a route to an interface that stands where the former table has another target", async () => {
  const own = { DestinationCidrBlock: "10.9.0.0/16", NetworkInterfaceId: "eni-1" };
  assert.deepEqual(
    await plan([{ DestinationCidrBlock: "10.9.0.0/16", VpcPeeringConnectionId: "pcx-1" }], [own]),
    [],
  );
});

Deno.test("planCarryOver() says where the two tables have different ways out and nobody knows which is right", () => {
  const own = { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1" };
  assert.match(
    faults([{ DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1" }], [own]),
    /Cannot carry over route 0\.0\.0\.0\/0 to nat-1 from rtb-former: rtb-own has it to igw-1/,
  );
});

Deno.test("carrying over follows a former table: a changed target, a lost route, an endpoint and a propagation that end", async () => {
  const own = {
    ...copied([
      ["route 0.0.0.0/0", "nat-1"],
      ["route 10.9.0.0/16", "eni-nat"],
      ["route pl-s3", "vpce-s3"],
      ["route 10.0.0.0/16", "eni-firewall"],
      ["propagation from vgw-1", "on"],
    ], [
      { ...local, GatewayId: undefined, NetworkInterfaceId: "eni-firewall" },
      { DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1" },
      { DestinationCidrBlock: "10.9.0.0/16", NetworkInterfaceId: "eni-nat" },
      { DestinationCidrBlock: "10.8.0.0/16", NetworkInterfaceId: "eni-router" },
      { DestinationPrefixListId: "pl-s3", GatewayId: "vpce-s3" },
    ]),
    PropagatingVgws: [{ GatewayId: "vgw-1" }],
  };
  const former = table("rtb-former", [local, { DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-2" }]);
  const of = (prefix: string): object => ({ RouteTableId: "rtb-own", DestinationCidrBlock: prefix });
  assert.deepEqual(await calls(former, own), [
    ["replace", { ...of("0.0.0.0/0"), NatGatewayId: "nat-2" }],
    ["disable", "rtb-own", "vgw-1"],
    ["replace", { ...of("10.0.0.0/16"), LocalTarget: true }],
    ["delete", of("10.9.0.0/16")],
    ["endpoint", { VpcEndpointId: "vpce-s3", RemoveRouteTableIds: ["rtb-own"] }],
  ]);
});
