/** One table for all routers of an owner, however they come to it, and what a router that is gone has left in it. */

import assert from "node:assert/strict";
import { moveTo } from "../../fakes/aws/rig.ts";
import { isWrite } from "../../fakes/aws/strict_front.ts";
import { endMoto, rigTest } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

const signal = AbortSignal.timeout(300_000);
const tags = { name: "cloudroutesync", "cloudroutesync:owner": "cloudroutesync" };

rigTest("two routers of two subnets that boot together make one table", async ({ rig, open }) => {
  const { vpc } = rig;
  const first = open();
  await first.identify(signal);
  moveTo(rig, vpc.subnetB, vpc.client);
  const second = open();
  await second.identify(signal);
  // Neither finds what the other has made: EC2 lists it later.
  rig.front.faults.newTables = "unlisted";
  const [[one], [other]] = await Promise.all([first.prepare(signal), second.prepare(signal)]);
  rig.front.faults.newTables = "known";
  assert.equal(one?.id, other?.id);
  assert.equal(await rig.tableOfSubnet(vpc.subnetA), one?.id);
  assert.equal(await rig.tableOfSubnet(vpc.subnetB), one?.id);
});

rigTest(
  "a table that was deleted a minute ago is made anew, though EC2 first answers with the deleted one",
  async ({ rig, open }) => {
    const [first] = await open().prepare(signal);
    await open().remove(signal);
    let now = 0;
    const cloud = open({}, { now: () => now });
    await assert.rejects(cloud.prepare(signal), /does not exist/);
    now = 21_000;
    await assert.rejects(cloud.prepare(signal), /does not exist/);
    const [second] = await cloud.prepare(signal);
    assert.notEqual(second?.id, first?.id);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), second?.id);
  },
);

rigTest(
  "of two tables of one owner the older is used, the subnet comes back to it, and the other is told",
  async ({ rig, open }) => {
    const { vpc } = rig;
    const older = await rig.createTable(vpc.vpcId, {
      ...tags,
      "cloudroutesync:created": "2026-01-01T00:00:00.000Z",
    });
    const younger = await rig.createTable(vpc.vpcId, {
      ...tags,
      "cloudroutesync:created": "2026-02-01T00:00:00.000Z",
      [`cloudroutesync:former:${vpc.subnetA}`]: "main",
    });
    await rig.admin("AssociateRouteTable", { RouteTableId: younger, SubnetId: vpc.subnetA });
    await rig.admin("CreateRoute", {
      RouteTableId: younger,
      DestinationCidrBlock: "192.0.2.0/24",
      NetworkInterfaceId: vpc.router.interfaceId,
    });
    const cloud = open();
    const [table] = await cloud.prepare(signal);
    assert.equal(table?.id, older);
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), older);
    // What the younger one has of the kernel is no copy of a former table.
    assert.deepEqual((await rig.routes(older)).map(({ destination }) => destination), ["0.0.0.0/0"]);
    const { problems } = await cloud.read({ id: older, name: older, ours: true }, signal);
    assert.deepEqual(problems, [
      `Route table ${younger} carries the tags of owner cloudroutesync as well: ${older} is used, as the older one; delete the ` +
      `other, or take its tags away`,
    ]);
    await cloud.remove(signal);
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), null);
  },
);

rigTest(
  "read() tells what a router that was deleted has left in our table from what may come back",
  async ({ rig, open }) => {
    const { vpc } = rig;
    await rig.admin("CreateRoute", {
      RouteTableId: vpc.mainTableId,
      DestinationCidrBlock: "172.20.0.0/16",
      NetworkInterfaceId: vpc.peer.interfaceId,
    });
    const cloud = open();
    const [table] = await cloud.prepare(signal);
    assert.ok(table);
    const route = (prefix: string, eni: string): Promise<string> =>
      rig.admin("CreateRoute", {
        RouteTableId: table.id,
        DestinationCidrBlock: prefix,
        NetworkInterfaceId: eni,
      });
    await route("192.0.2.0/24", vpc.peer.interfaceId);
    await route("198.51.100.0/24", vpc.client.interfaceId);
    const left = async (): Promise<string[]> =>
      (await cloud.read(table, signal)).routes.filter(({ abandoned }) => abandoned).map(({ prefix }) =>
        prefix.text
      );
    rig.front.stopInterface(vpc.peer.interfaceId);
    rig.front.stopInterface(vpc.client.interfaceId);
    assert.deepEqual(await left(), []);
    rig.front.deleteInterface(vpc.peer.interfaceId);
    // The copy of the former table's route is that table's business.
    assert.deepEqual(await left(), ["192.0.2.0/24"]);
    const handed = open({ routeTables: [table.id] });
    assert.ok((await handed.read(table, signal)).routes.every(({ abandoned }) => abandoned === undefined));
  },
);

rigTest(
  "findGone() tells an interface that was deleted from one whose instance is stopped, and from what is no interface",
  async ({ rig, open }) => {
    const { vpc, front } = rig;
    front.stopInterface(vpc.client.interfaceId);
    front.deleteInterface(vpc.peer.interfaceId);
    const { findGone } = await open().connection(signal).then((connection) => ({
      findGone: (ids: readonly string[]) => connection.findGone?.(ids, signal),
    }));
    const targets = [vpc.router, vpc.client, vpc.peer].map(({ interfaceId }) => interfaceId);
    assert.deepEqual(await findGone([...targets, "igw-1"]), new Set([vpc.peer.interfaceId]));
    const before = front.calls.length;
    assert.deepEqual(await findGone(["igw-1", "nat-1"]), new Set());
    assert.equal(front.calls.length, before, "of those alone nothing is asked");
  },
);

rigTest(
  "prepare() makes one call to look and one for the former table once all is ready",
  async ({ rig, open }) => {
    const cloud = open();
    await cloud.prepare(signal);
    rig.front.pageSize = 100;
    const before = rig.front.calls.length;
    await cloud.prepare(signal);
    const made = rig.front.calls.slice(before);
    assert.deepEqual(made.map(({ action }) => action), ["DescribeRouteTables", "DescribeRouteTables"]);
    assert.deepEqual(made.filter(isWrite), []);
  },
);
