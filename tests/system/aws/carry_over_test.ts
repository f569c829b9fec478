/** The table of our own as a living copy of the tables that its subnets used before. */

import assert from "node:assert/strict";
import type { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { moveTo } from "../../fakes/aws/rig.ts";
import type { AwsRig } from "../../fakes/aws/rig.ts";
import { isWrite } from "../../fakes/aws/strict_front.ts";
import { endMoto, rigTest } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

const signal = AbortSignal.timeout(300_000);

/** Prepares, and reads what the table then has. */
async function prepared(
  cloud: ConnectedCloud,
): Promise<{ readonly id: string; readonly problems: readonly string[] }> {
  const [table] = await cloud.prepare(signal);
  assert.ok(table);
  return { id: table.id, problems: (await cloud.read(table, signal)).problems ?? [] };
}

function writesSince(rig: AwsRig, before: number): string[] {
  return rig.front.calls.slice(before).filter(isWrite).map(({ action }) => action);
}

async function copyFinding(cloud: ConnectedCloud): Promise<string> {
  const findings = await cloud.check({ fix: false }, signal);
  const found = findings.find(({ name }) => name === "carried-over routes");
  return `${found?.status}: ${found?.detail}`;
}

rigTest(
  "our table follows what the former table gains, changes and loses, and touches nothing else",
  async ({ rig, open }) => {
    const { vpc } = rig;
    const cloud = open();
    const { id } = await prepared(cloud);
    const main = { RouteTableId: vpc.mainTableId };
    // The operator: a way to a peer's network, an endpoint for S3, propagation, another target of the default.
    await rig.admin("CreateRoute", {
      ...main,
      DestinationCidrBlock: "172.20.0.0/16",
      NetworkInterfaceId: vpc.peer.interfaceId,
    });
    await rig.admin("ReplaceRoute", {
      ...main,
      DestinationCidrBlock: "0.0.0.0/0",
      NetworkInterfaceId: vpc.client.interfaceId,
    });
    rig.front.addEndpointRoute(vpc.mainTableId, { prefixListId: "pl-s3", endpointId: "vpce-s3" });
    rig.front.propagate(vpc.mainTableId, "vgw-1");
    // Somebody's own route in our table, and one of this program's.
    await rig.admin("CreateRoute", {
      RouteTableId: id,
      DestinationCidrBlock: "192.0.2.0/24",
      GatewayId: vpc.internetGatewayId,
    });
    await rig.admin("CreateRoute", {
      RouteTableId: id,
      DestinationCidrBlock: "198.51.100.0/24",
      NetworkInterfaceId: vpc.router.interfaceId,
    });
    assert.match(
      await copyFinding(cloud),
      /^bad: rtb-\w+ is behind rtb-\w+: .*change route 0\.0\.0\.0\/0 to eni-/,
    );

    assert.deepEqual((await prepared(cloud)).problems, []);
    assert.match(await copyFinding(cloud), /^ok: rtb-\w+ has what rtb-\w+ has \(4 entries\)/);
    const mine = ["192.0.2.0/24", "198.51.100.0/24"];
    const copies = async (): Promise<unknown> =>
      (await rig.routes(id)).filter(({ destination }) => !mine.includes(destination));
    assert.deepEqual(await copies(), await rig.routes(vpc.mainTableId));
    assert.match(await rig.table(id), /<propagatingVgwSet><item><gatewayId>vgw-1</);

    await rig.admin("DeleteRoute", { ...main, DestinationCidrBlock: "172.20.0.0/16" });
    await rig.admin("ModifyVpcEndpoint", {
      VpcEndpointId: "vpce-s3",
      "RemoveRouteTableId.1": vpc.mainTableId,
    });
    rig.front.endPropagation(vpc.mainTableId, "vgw-1");
    // A run that starts anew knows from the table's tags what is a copy.
    assert.deepEqual((await prepared(open())).problems, []);
    assert.deepEqual(await copies(), await rig.routes(vpc.mainTableId));
    assert.deepEqual((await rig.routes(id)).map(({ destination }) => destination).sort(), [
      "0.0.0.0/0",
      ...mine,
    ]);
    assert.doesNotMatch(await rig.table(id), /vgw-1/);

    // What is restored by hand in our table only is nobody's copy; in step nothing is written, the record apart.
    await prepared(open());
    const before = rig.front.calls.length;
    await prepared(open());
    assert.deepEqual(writesSince(rig, before), []);
  },
);

rigTest(
  "a blackhole of the former table is copied, and one whose target is gone keeps nothing from being done",
  async ({ rig, open }) => {
    const { vpc } = rig;
    const main = { RouteTableId: vpc.mainTableId };
    await rig.admin("CreateRoute", {
      ...main,
      DestinationCidrBlock: "172.20.0.0/16",
      NetworkInterfaceId: vpc.peer.interfaceId,
    });
    await rig.admin("CreateRoute", {
      ...main,
      DestinationCidrBlock: "172.21.0.0/16",
      NetworkInterfaceId: vpc.client.interfaceId,
    });
    rig.front.stopInterface(vpc.peer.interfaceId);
    rig.front.deleteInterface(vpc.client.interfaceId);
    const { id, problems } = await prepared(open());
    assert.deepEqual((await rig.routes(id)).map(({ destination, state }) => [destination, state]), [
      ["0.0.0.0/0", "active"],
      ["172.20.0.0/16", "blackhole"],
    ]);
    assert.match(
      problems.join(),
      /^Cannot create route 172\.21\.0\.0\/16 in route table rtb-\w+: InvalidNetworkInterfaceID/,
    );
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), id);
    rig.front.startInterface(vpc.peer.interfaceId);
    assert.equal((await rig.routes(id)).at(-1)?.state, "active");
  },
);

rigTest(
  "a subnet joins a table only where its former table agrees with the others', in both directions",
  async ({ rig, open }) => {
    const { vpc } = rig;
    const isolated = await rig.createTable(vpc.vpcId);
    await rig.admin("AssociateRouteTable", { RouteTableId: isolated, SubnetId: vpc.subnetB });
    const { id } = await prepared(open());
    moveTo(rig, vpc.subnetB, vpc.client);
    const before = rig.front.calls.length;
    await assert.rejects(
      open().prepare(signal),
      new RegExp(
        `Cannot let subnet ${vpc.subnetB} use ${id}, which other subnets use: ${isolated} has no route 0\\.0\\.0\\.0/0, ` +
          `${vpc.mainTableId} has route 0\\.0\\.0\\.0/0 to ${vpc.internetGatewayId}; subnets whose routes differ need a table each`,
      ),
    );
    assert.deepEqual(writesSince(rig, before), []);
    assert.equal(await rig.tableOfSubnet(vpc.subnetB), isolated);

    await rig.admin("CreateRoute", {
      RouteTableId: isolated,
      DestinationCidrBlock: "0.0.0.0/0",
      GatewayId: vpc.internetGatewayId,
    });
    assert.deepEqual(await prepared(open()), { id, problems: [] });
    assert.equal(await rig.tableOfSubnet(vpc.subnetB), id);

    // Later they differ: what they do not agree on stays, and is told.
    await rig.admin("DeleteRoute", { RouteTableId: isolated, DestinationCidrBlock: "0.0.0.0/0" });
    const { problems } = await prepared(open());
    assert.match(
      problems.join(),
      /^Cannot carry over route 0\.0\.0\.0\/0: .* subnets whose routes differ need a table each/,
    );
    assert.equal((await rig.routes(id)).length, 1);
  },
);

rigTest("a subnet is not taken from a table that another controller keeps", async ({ rig, open }) => {
  const { vpc } = rig;
  const kept = await rig.createTable(vpc.vpcId, { "kubernetes.io/cluster/prod": "owned" });
  await rig.admin("AssociateRouteTable", { RouteTableId: kept, SubnetId: vpc.subnetA });
  await assert.rejects(
    open().prepare(signal),
    new RegExp(
      `Cannot take subnet ${vpc.subnetA} from route table ${kept}: its tag kubernetes.io/cluster/prod says that a Kubernetes ` +
        `cluster writes to it, and a copy would be behind; share it with -route-table ${kept}`,
    ),
  );
  assert.deepEqual(rig.front.calls.filter(isWrite), []);
  assert.equal((await open({ routeTables: [kept] }).prepare(signal)).length, 1);
});

rigTest("a table that is deleted a minute after it was made is made anew", async ({ rig, open }) => {
  const { vpc } = rig;
  let now = 0;
  const cloud = open({}, { now: () => now });
  const { id } = await prepared(cloud);
  const [table] = await cloud.locate(signal);
  assert.ok(table);
  const association = /<routeTableAssociationId>([^<]+)/.exec(await rig.table(id))?.[1] ?? "";
  await rig.admin("DisassociateRouteTable", { AssociationId: association });
  await rig.admin("DeleteRouteTable", { RouteTableId: id });
  now += 10_000;
  await assert.rejects(cloud.read(table, signal), { kind: "gone" });
  assert.equal((await cloud.prepare(signal))[0]?.id, id, "EC2 may not know it yet");
  now += 50_000;
  await assert.rejects(cloud.read(table, signal), { kind: "gone" });
  const [another] = await cloud.prepare(signal);
  assert.notEqual(another?.id, id);
  assert.equal(await rig.tableOfSubnet(vpc.subnetA), another?.id);
});

rigTest(
  "foresee() names table, copies and association before there are any, and then nothing",
  async ({ rig, open }) => {
    const { vpc } = rig;
    rig.front.associateLattice("pl-lattice");
    const cloud = open();
    const connection = await cloud.connection(signal);
    const foreseen = await connection.foresee(signal);
    assert.deepEqual(foreseen.steps, [
      { action: "create", what: `route table in ${vpc.vpcId}`, from: null, to: null },
      { action: "copy", what: "route 0.0.0.0/0", from: null, to: vpc.internetGatewayId },
      { action: "associate", what: vpc.subnetA, from: vpc.mainTableId, to: "(new)" },
    ]);
    assert.ok(foreseen.toBe?.routes.some(({ prefix }) => prefix.text === "0.0.0.0/0"));
    assert.deepEqual(rig.front.calls.filter(isWrite), []);
    await cloud.prepare(signal);
    const { steps, toBe } = await connection.foresee(signal);
    assert.deepEqual({ steps, toBe }, { steps: [], toBe: null });
  },
);

rigTest(
  "prepare() carries over NAT, peering, IPv6, gateway endpoints and gateway propagation",
  async ({ rig, open }) => {
    const { vpc } = rig;
    const former = await rig.createTable(vpc.vpcId);
    const element = async (action: string, fields: Record<string, string>, name: string): Promise<string> =>
      new RegExp(`<${name}>([^<]+)<`).exec(await rig.admin(action, fields))?.[1] ?? assert.fail(name);
    const nat = await element(
      "CreateNatGateway",
      { SubnetId: vpc.subnetB, ConnectivityType: "private" },
      "natGatewayId",
    );
    const other = await element("CreateVpc", { CidrBlock: "10.77.0.0/16" }, "vpcId");
    const peering = await element(
      "CreateVpcPeeringConnection",
      { VpcId: vpc.vpcId, PeerVpcId: other },
      "vpcPeeringConnectionId",
    );
    const egress = await element(
      "CreateEgressOnlyInternetGateway",
      { VpcId: vpc.vpcId },
      "egressOnlyInternetGatewayId",
    );
    const route = (fields: Record<string, string>): Promise<string> =>
      rig.admin("CreateRoute", { RouteTableId: former, ...fields });
    await route({ DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: nat });
    await route({ DestinationCidrBlock: "10.77.0.0/16", VpcPeeringConnectionId: peering });
    await route({ DestinationIpv6CidrBlock: "::/0", EgressOnlyInternetGatewayId: egress });
    await route({ DestinationCidrBlock: "172.20.0.0/16", NetworkInterfaceId: vpc.peer.interfaceId });
    rig.front.addEndpointRoute(former, { prefixListId: "pl-63a5400a", endpointId: "vpce-s3" });
    rig.front.propagate(former, "vgw-1");
    await rig.admin("AssociateRouteTable", { RouteTableId: former, SubnetId: vpc.subnetA });

    const { id } = await prepared(open());
    assert.deepEqual(await rig.routes(id), await rig.routes(former));
    assert.match(await rig.table(id), /<propagatingVgwSet><item><gatewayId>vgw-1</);
    assert.equal(rig.front.count("ReplaceRouteTableAssociation"), 1);
    assert.equal(rig.front.count("AssociateRouteTable"), 0);
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), id);

    await open().remove(signal);
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), former);
    assert.deepEqual(rig.front.endpointRoutes(id), []);
  },
);
