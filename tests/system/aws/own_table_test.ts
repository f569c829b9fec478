/** The table of its own: made and tagged by few calls, although EC2 does not list at once what it has made. */

import assert from "node:assert/strict";
import { isWrite } from "../../fakes/aws/strict_front.ts";
import { endMoto, isKind, prepared, rigTest, routeOf, signal } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest(
  "prepare() creates a tagged table that has the main table's way out, then associates the subnet",
  async ({ rig, open }) => {
    const cloud = open();
    assert.deepEqual(await cloud.locate(signal), []);
    const { table, state } = await prepared(cloud);
    assert.equal(table.ours, true);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), table.id);
    assert.deepEqual(routeOf(state, "0.0.0.0/0").nextHops, [rig.vpc.internetGatewayId]);
    const xml = await rig.table(table.id);
    for (const tag of ["name", "Name", "cloudroutesync:owner"]) {
      assert.match(xml, new RegExp(`<key>${tag}</key><value>cloudroutesync</value>`));
    }
    const writes = rig.front.calls.filter(isWrite).map((call) => call.action);
    assert.deepEqual(writes, ["CreateRouteTable", "CreateTags", "CreateRoute", "AssociateRouteTable"]);
    assert.deepEqual((await cloud.locate(signal)).map((each) => each.id), [table.id]);
  },
);

rigTest(
  "prepare() leaves the subnet where it is while something cannot be carried over",
  async ({ rig, open }) => {
    rig.front.faults.denied.add("CreateRoute");
    const cloud = open();
    await assert.rejects(cloud.prepare(signal), isKind("denied"));
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), null);
    rig.front.faults.denied.clear();
    const { table } = await prepared(cloud);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), table.id);
    assert.equal(rig.front.count("CreateRouteTable"), 1);
  },
);

rigTest("prepare() makes one table although the answer to its creation was lost", async ({ rig, open }) => {
  const cloud = open();
  rig.front.faults.loseNext.add("CreateRouteTable");
  await assert.rejects(cloud.prepare(signal), isKind("unavailable"));
  // What EC2 has made is not listed at once: only the client token tells.
  const { table } = await prepared(cloud);
  const listed = await rig.admin("DescribeRouteTables", {
    "Filter.1.Name": "tag:name",
    "Filter.1.Value.1": "cloudroutesync",
  });
  assert.equal(listed.match(/<tagSet>/g)?.length, 1);
  assert.ok(listed.includes(table.id));
});

rigTest(
  "prepare() goes on with the table that it made while EC2 does not know it yet",
  async ({ rig, open }) => {
    const cloud = open();
    rig.front.faults.newTables = "unknown";
    await assert.rejects(cloud.prepare(signal), isKind("gone"));
    await assert.rejects(cloud.prepare(signal), isKind("gone"));
    rig.front.faults.newTables = "unlisted";
    const { table } = await prepared(cloud);
    rig.front.faults.newTables = "known";
    assert.equal(rig.front.count("CreateRouteTable"), 1);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), table.id);
    assert.deepEqual((await rig.routes(table.id)).map((route) => route.target), [rig.vpc.internetGatewayId]);
    assert.deepEqual((await cloud.locate(signal)).map((each) => each.id), [table.id]);
  },
);

rigTest("prepare() goes on with an unlisted table though a call for it failed", async ({ rig, open }) => {
  const cloud = open();
  rig.front.faults.newTables = "unlisted";
  rig.front.faults.denied.add("AssociateRouteTable");
  await assert.rejects(cloud.prepare(signal), isKind("denied"));
  rig.front.faults.denied.clear();
  // Its route was created before, and EC2 says so.
  assert.equal((await cloud.prepare(signal)).length, 1);
  rig.front.faults.newTables = "known";
  const { table } = await prepared(cloud);
  assert.equal(rig.front.count("CreateRouteTable"), 1);
  assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), table.id);
});

rigTest(
  "prepare() changes nothing once it has associated a table that EC2 does not list yet",
  async ({ rig, open }) => {
    const cloud = open();
    rig.front.faults.newTables = "unlisted";
    const { table } = await prepared(cloud);
    const before = rig.front.calls.filter(isWrite).length;
    assert.equal((await prepared(cloud)).table.id, table.id);
    assert.equal(rig.front.calls.filter(isWrite).length, before);
  },
);

rigTest(
  "prepare() makes another table twenty seconds after one that EC2 does not know",
  async ({ rig, open }) => {
    let now = 0;
    const cloud = open({}, { now: () => now });
    rig.front.faults.newTables = "unknown";
    await assert.rejects(cloud.prepare(signal), isKind("gone"));
    now = 20_000;
    await assert.rejects(cloud.prepare(signal), isKind("gone"));
    assert.equal(rig.front.count("CreateRouteTable"), 1);
    now = 21_000;
    await assert.rejects(cloud.prepare(signal), isKind("gone"));
    await assert.rejects(cloud.prepare(signal), isKind("gone"));
    assert.equal(rig.front.count("CreateRouteTable"), 2);
  },
);

rigTest("locate() finds its own table across pages, and in its own VPC only", async ({ rig, open }) => {
  const tags = { name: "cloudroutesync", "cloudroutesync:owner": "cloudroutesync" };
  const elsewhere = /<vpcId>([^<]+)/.exec(await rig.admin("CreateVpc", { CidrBlock: "10.0.0.0/16" }))?.[1];
  await rig.createTable(elsewhere ?? "", tags);
  await rig.createTable(rig.vpc.vpcId, { name: "cloudroutesync", "cloudroutesync:owner": "someone-else" });
  assert.deepEqual(await open().locate(signal), []);
  const { table } = await prepared(open());
  assert.deepEqual(
    (await open().locate(signal)).map((each) => [each.id, each.ours]),
    [[table.id, true]],
  );
});

rigTest(
  "prepare() leaves a subnet alone that somebody gave to another owner's table",
  async ({ rig, open }) => {
    const [mine] = await open({ owner: "edge-a" }).prepare(signal);
    const theirs = await rig.createTable(rig.vpc.vpcId, {
      name: "cloudroutesync",
      "cloudroutesync:owner": "edge-b",
    });
    const association = /<routeTableAssociationId>([^<]+)/.exec(await rig.table(mine?.id ?? ""))?.[1] ?? "";
    await rig.admin("ReplaceRouteTableAssociation", { AssociationId: association, RouteTableId: theirs });
    await assert.rejects(open({ owner: "edge-a" }).prepare(signal), /share that one with -route-table/);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), theirs);
  },
);

rigTest(
  "read() refuses a handed-over table of another VPC, beside others that are kept",
  async ({ rig, open }) => {
    const id = await rig.createTable(rig.vpc.vpcId);
    const elsewhere = /<vpcId>([^<]+)/.exec(await rig.admin("CreateVpc", { CidrBlock: "10.9.0.0/16" }))?.[1];
    const stray = await rig.createTable(elsewhere ?? "");
    const mixed = open({ routeTables: ["rtb-none", id, stray] });
    assert.deepEqual(
      new Set((await mixed.prepare(signal)).map((table) => table.id)),
      new Set([id, "rtb-none", stray]),
    );
    await assert.rejects(mixed.read({ id: stray, name: stray, ours: false }, signal), isKind("invalid"));
    assert.equal((await mixed.read({ id, name: id, ours: false }, signal)).routes.length, 2);
  },
);
