/** AWS as a Cloud, against moto behind the strict front. */

import { alone } from "../../fakes/groups.ts";
import assert from "node:assert/strict";
import type { Clock } from "../../../src/async/clock.ts";
import { systemClock } from "../../../src/async/system_clock.ts";
import type { Change, CloudTable, Finding, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { parseInterfaceAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { Ledger, memoryStore } from "../../../src/sync/ledger.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { addInterface } from "../../fakes/aws/rig.ts";
import { endMoto, rigTest } from "./aws_subject.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { neighbourForIpv4, neighbours } from "../../fakes/neighbours.ts";
import { isWrite } from "../../fakes/aws/strict_front.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";

Deno.test.afterAll(endMoto);

const signal = AbortSignal.timeout(300_000);

async function prepared(
  cloud: ConnectedCloud,
): Promise<{ readonly table: CloudTable; readonly state: TableState }> {
  const [table] = await cloud.prepare(signal);
  assert.ok(table);
  return { table, state: await cloud.read(table, signal) };
}

function add(prefix: string, to: string): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to: [to] };
}

function replace(state: TableState, prefix: string, to: string): Change {
  return { action: "replace", prefix: parsePrefix(prefix), from: routeOf(state, prefix), to: [to] };
}

function remove(state: TableState, prefix: string): Change {
  return { action: "delete", prefix: parsePrefix(prefix), from: routeOf(state, prefix), to: null };
}

function routeOf(state: TableState, prefix: string): TableState["routes"][number] {
  return state.routes.find((route) => route.prefix.text === prefix) ??
    { prefix: parsePrefix(prefix), nextHops: ["eni-0"], owner: null };
}

async function write(
  cloud: ConnectedCloud,
  { table, state }: { readonly table: CloudTable; readonly state: TableState },
  change: Change,
): Promise<CloudError | null> {
  const { outcomes } = await cloud.write(table, [change], state, signal);
  assert.equal(outcomes.length, 1);
  return outcomes[0] ?? null;
}

/** A reconciler that wants one route, by way of this VM. */
async function reconciled(cloud: ConnectedCloud, prefix: string, adopt = false): Promise<{
  readonly table: CloudTable;
  readonly wanted: Map<string, WantedRoute>;
  readonly reconciler: Reconciler;
}> {
  const owner = "cloudroutesync";
  const { table } = await prepared(cloud);
  const connection = await cloud.connection(signal);
  const { ledger } = await Ledger.open(memoryStore(null), { cloud: "aws", table: table.id, owner });
  await ledger.begin(new Map());
  const viaSelf = { neighbour: null, gateway: null };
  const route = { prefix: parsePrefix(prefix), metric: 20, protocol: 186, nextHops: [viaSelf] };
  const wanted = new Map<string, WantedRoute>([[prefix, route]]);
  const guard = { maxWithdraw: 0.3, holdMs: 1_000 };
  const settings = { coalesceMs: 1, withdrawDelayMs: 1, auditMs: 300_000, guard, adopt, group: alone };
  const reconciler = new Reconciler({
    isActive: () => true,
    cloud: cloud.cloud,
    connection: () => connection,
    table,
    owner,
    identity: () => connection.identity,
    wanted,
    ledger: { ledger, proven: true },
    settings,
    clock: systemClock,
    budget: new ApiBudget(cloud.cloud, systemClock),
  });
  return { table, wanted, reconciler };
}

function statusOf(findings: readonly Finding[], name: string): string | undefined {
  return findings.find((finding) => finding.name.startsWith(name))?.status;
}

const isKind = (kind: CloudErrorKind) => (error: unknown): boolean =>
  error instanceof CloudError && error.kind === kind;

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

    const { table } = await prepared(open());
    assert.deepEqual(await rig.routes(table.id), await rig.routes(former));
    assert.match(await rig.table(table.id), /<propagatingVgwSet><item><gatewayId>vgw-1</);
    assert.equal(rig.front.count("ReplaceRouteTableAssociation"), 1);
    assert.equal(rig.front.count("AssociateRouteTable"), 0);
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), table.id);

    await open().remove(signal);
    assert.equal(await rig.tableOfSubnet(vpc.subnetA), former);
    assert.deepEqual(rig.front.endpointRoutes(table.id), []);
  },
);

rigTest(
  "prepare() completes a table that a crash left without routes and association",
  async ({ rig, open }) => {
    const half = await rig.createTable(rig.vpc.vpcId, {
      name: "cloudroutesync",
      "cloudroutesync:owner": "cloudroutesync",
    });
    const { table } = await prepared(open());
    assert.equal(table.id, half);
    assert.equal(rig.front.count("CreateRouteTable"), 0);
    assert.deepEqual((await rig.routes(half)).map((route) => route.target), [rig.vpc.internetGatewayId]);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), half);
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

rigTest("prepare() refuses under -no-associate before it creates anything", async ({ rig, open }) => {
  await assert.rejects(open({ noAssociate: true }).prepare(signal), /-no-associate forbids it/);
  assert.deepEqual(rig.front.calls.filter(isWrite), []);
});

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
  "prepare() refuses to take the subnet from the table of another owner, and makes none",
  async ({ rig, open }) => {
    const first = open({ owner: "edge-a" });
    const { table } = await prepared(first);
    const before = rig.front.calls.filter(isWrite).length;
    await assert.rejects(
      open({ owner: "edge-b" }).prepare(signal),
      (error) =>
        error instanceof CloudError && error.kind === "invalid" &&
        error.message ===
          `Cannot associate subnet ${rig.vpc.subnetA} with a table of owner edge-b: it uses route table ` +
            `${table.id} of owner edge-a; share that one with -route-table ${table.id}`,
    );
    assert.equal(rig.front.calls.filter(isWrite).length, before);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), table.id);
    await first.prepare(signal);
    assert.equal(rig.front.calls.filter(isWrite).length, before, "the first owner has nothing to mend");
  },
);

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
  "locate() takes handed-over tables as they are and refuses those of another VPC",
  async ({ rig, open }) => {
    const { vpc } = rig;
    const second = await rig.createTable(vpc.vpcId);
    const cloud = open({ routeTables: [vpc.mainTableId, second] });
    const ids = (await cloud.prepare(signal)).map((table) => [table.id, table.ours]);
    assert.deepEqual(new Set(ids.map(([id]) => id)), new Set([vpc.mainTableId, second]));
    assert.ok(ids.every(([, ours]) => ours === false));
    await cloud.remove(signal);
    assert.deepEqual(rig.front.calls.filter(isWrite), []);
    await assert.rejects(open({ routeTables: ["rtb-none"] }).locate(signal), isKind("gone"));
    const elsewhere =
      /<vpcId>([^<]+)/.exec(await rig.admin("CreateVpc", { CidrBlock: "10.9.0.0/16" }))?.[1] ?? "";
    const stray = await rig.createTable(elsewhere);
    await assert.rejects(open({ routeTables: [stray] }).locate(signal), isKind("invalid"));
    // One of several that is missing or elsewhere is told by its reading, and keeps no other from being kept.
    const mixed = open({ routeTables: ["rtb-none", second, stray] });
    assert.deepEqual(
      new Set((await mixed.prepare(signal)).map(({ id }) => id)),
      new Set([second, "rtb-none", stray]),
    );
    for (const [id, kind] of [["rtb-none", "gone"], [stray, "invalid"]] as const) {
      await assert.rejects(mixed.read({ id, name: id, ours: false }, signal), isKind(kind));
    }
    assert.equal((await mixed.read({ id: second, name: second, ours: false }, signal)).routes.length, 2);
  },
);

rigTest("remove() keeps a table that another subnet uses", async ({ rig, open }) => {
  const { table } = await prepared(open());
  await rig.admin("AssociateRouteTable", { RouteTableId: table.id, SubnetId: rig.vpc.subnetB });
  await assert.rejects(
    open().remove(signal),
    new RegExp(`Cannot delete route table .*: ${rig.vpc.subnetB} still use`),
  );
  assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), null);
  assert.equal(await rig.tableOfSubnet(rig.vpc.subnetB), table.id);
});

rigTest(
  "remove() keeps a table with somebody's route in it, once EC2 has had time to forget its own",
  async ({ rig, open }) => {
    const { table } = await prepared(open());
    await rig.admin("CreateRoute", {
      RouteTableId: table.id,
      DestinationCidrBlock: "203.0.113.0/24",
      NetworkInterfaceId: rig.vpc.peer.interfaceId,
    });
    const pauses: number[] = [];
    const sleep = (ms: number): Promise<void> => Promise.resolve(void pauses.push(ms));
    using log = captureLog();
    await open({}, { sleep }).remove(signal);
    assert.deepEqual(pauses, [2_000, 2_000, 2_000, 2_000, 2_000]);
    assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), null);
    assert.deepEqual((await rig.routes(table.id)).map((route) => route.destination), [
      "0.0.0.0/0",
      "203.0.113.0/24",
    ]);
    const stays =
      `warning: Route table ${table.id} stays: routes of others are in it and nowhere else (1): ` +
      `203.0.113.0/24 to ${rig.vpc.peer.interfaceId}`;
    assert.deepEqual(log.lines.filter((line) => /stays|Deleted/.test(line)), [stays]);
  },
);

rigTest(
  "remove() deletes its table though EC2 shows a withdrawn route for some seconds more",
  async ({ rig, open }) => {
    const { table } = await prepared(open());
    const route = { RouteTableId: table.id, DestinationCidrBlock: "203.0.113.0/24" };
    await rig.admin("CreateRoute", { ...route, NetworkInterfaceId: rig.vpc.router.interfaceId });
    let pauses = 0;
    const sleep = async (): Promise<void> => {
      if (++pauses === 2) await rig.admin("DeleteRoute", route);
    };
    await open({}, { sleep }).remove(signal);
    assert.equal(pauses, 2);
    await assert.rejects(rig.table(table.id), /InvalidRouteTableID/);
  },
);

rigTest("remove() stops waiting when its caller gives up", async ({ rig, open }) => {
  const { table } = await prepared(open());
  await rig.admin("CreateRoute", {
    RouteTableId: table.id,
    DestinationCidrBlock: "203.0.113.0/24",
    NetworkInterfaceId: rig.vpc.peer.interfaceId,
  });
  const controller = new AbortController();
  const sleep: Clock["sleep"] = (ms, inner) => {
    controller.abort(new Error("enough"));
    return systemClock.sleep(ms, inner);
  };
  await assert.rejects(open({}, { sleep }).remove(controller.signal), /enough/);
  assert.equal((await rig.routes(table.id)).length, 2);
});

rigTest("remove() falls back to the main table when the former one is gone", async ({ rig, open }) => {
  const former = await rig.createTable(rig.vpc.vpcId);
  await rig.admin("AssociateRouteTable", { RouteTableId: former, SubnetId: rig.vpc.subnetA });
  await prepared(open());
  await rig.admin("DeleteRouteTable", { RouteTableId: former });
  await open().remove(signal);
  assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), null);
});

rigTest("write() creates, replaces and deletes with one call each, IPv4 and IPv6", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  const { router, peer } = rig.vpc;
  const before = rig.front.count();
  for (const prefix of ["192.168.7.0/24", "2001:db8:7::/48"]) {
    assert.equal(await write(cloud, at, add(prefix, router.interfaceId)), null);
    assert.equal(await write(cloud, at, replace(at.state, prefix, peer.interfaceId)), null);
    assert.deepEqual(
      (await rig.routes(at.table.id)).filter((route) => route.destination === prefix).map((route) =>
        route.target
      ),
      [peer.interfaceId],
    );
    assert.equal(await write(cloud, at, remove(at.state, prefix)), null);
  }
  assert.equal(rig.front.count(), before + 6);
  assert.deepEqual((await rig.routes(at.table.id)).map((route) => route.destination), ["0.0.0.0/0"]);
});

rigTest("write() says what EC2's refusals mean", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  const self = rig.vpc.router.interfaceId;
  const kind = async (change: Change): Promise<CloudErrorKind | undefined> =>
    (await write(cloud, at, change))?.kind;
  assert.equal(await kind(add("0.0.0.0/0", self)), "conflict", "a foreign route stands there");
  assert.equal(
    await kind(replace(at.state, "192.168.2.0/24", self)),
    undefined,
    "what is not there is created",
  );
  assert.equal(await kind(remove(at.state, "192.168.1.0/24")), undefined, "gone already is done");
  assert.equal(await kind(add("169.254.168.0/24", self)), "invalid");
  assert.equal(await kind(add("192.168.1.0/24", "igw-1")), "invalid", "only interfaces are written");
  await rig.admin("DeleteNetworkInterface", { NetworkInterfaceId: rig.vpc.client.interfaceId }).catch(
    () => {},
  );
  const gone = { ...at, table: { ...at.table, id: "rtb-00000000" } };
  assert.equal((await write(cloud, gone, add("192.168.1.0/24", self)))?.kind, "gone");
});

rigTest("write() creates a route beside one that a gateway propagates", async ({ rig, open }) => {
  const cloud = open();
  const { table } = await prepared(cloud);
  const prefix = "198.51.100.0/24";
  rig.front.addPropagatedRoute(table.id, { prefix, gatewayId: "vgw-1" });
  const at = { table, state: await cloud.read(table, signal) };
  assert.deepEqual([routeOf(at.state, prefix).nextHops, routeOf(at.state, prefix).fixed], [["vgw-1"], true]);
  const self = rig.vpc.router.interfaceId;
  for (const change of [replace(at.state, prefix, self), remove(at.state, prefix), add(prefix, self)]) {
    assert.equal(await write(cloud, at, change), null);
  }
  const state = await cloud.read(table, signal);
  assert.deepEqual([routeOf(state, prefix).nextHops, routeOf(state, prefix).fixed], [[self], undefined]);
});

rigTest(
  "a route of ours is withdrawn with one call where a gateway propagates its prefix",
  async ({ rig, open }) => {
    const prefix = "198.51.100.0/24";
    const { table, reconciler, wanted } = await reconciled(open(), prefix);
    assert.equal(await reconciler.settle(signal, systemClock.now() + 5_000), true);
    rig.front.addPropagatedRoute(table.id, { prefix, gatewayId: "vgw-1" });
    wanted.clear();
    reconciler.notify([prefix]);
    assert.equal(await reconciler.settle(signal, systemClock.now() + 5_000), true);
    assert.equal(rig.front.count("DeleteRoute"), 1);
    assert.equal(reconciler.status.owned, 0);
    assert.equal(reconciler.status.writes.delete, 1);
  },
);

rigTest(
  "a propagated route is not taken for ours where ours was taken away by hand",
  async ({ rig, open }) => {
    const prefix = "198.51.100.0/24";
    const { table, reconciler, wanted } = await reconciled(open(), prefix);
    assert.equal(await reconciler.settle(signal, systemClock.now() + 5_000), true);
    rig.front.addPropagatedRoute(table.id, { prefix, gatewayId: "vgw-1" });
    await rig.admin("DeleteRoute", { RouteTableId: table.id, DestinationCidrBlock: prefix });
    const before = rig.front.calls.filter(isWrite).length;
    reconciler.recheck();
    await reconciler.settle(signal, systemClock.now() + 2_000);
    assert.equal(reconciler.status.owned, 0);
    wanted.clear();
    reconciler.notify([prefix]);
    assert.equal(await reconciler.settle(signal, systemClock.now() + 5_000), true);
    assert.equal(rig.front.calls.filter(isWrite).length, before);
  },
);

rigTest(
  "a route is adopted beside one that a gateway propagates, with one call and once",
  async ({ rig, open }) => {
    const prefix = "198.51.100.0/24";
    const cloud = open();
    const [made] = await cloud.prepare(signal);
    rig.front.addPropagatedRoute(made?.id ?? "", { prefix, gatewayId: "vgw-1" });
    const { table, reconciler } = await reconciled(cloud, prefix, true);
    const before = rig.front.calls.filter(isWrite).length;
    assert.equal(await reconciler.settle(signal, systemClock.now() + 5_000), true);
    assert.deepEqual(rig.front.calls.filter(isWrite).slice(before).map(({ action }) => action), [
      "CreateRoute",
    ]);
    const targets = (await rig.routes(table.id)).filter((route) => route.destination === prefix);
    assert.deepEqual(targets.map(({ target }) => target), [rig.vpc.router.interfaceId, "vgw-1"]);
  },
);

rigTest(
  "write() learns the limit from a full table where Service Quotas does not tell it",
  async ({ rig, open }) => {
    rig.front.faults.quotaTold = false;
    rig.front.rules.limit = 4;
    const cloud = open();
    const at = await prepared(cloud);
    assert.deepEqual(at.state.quotas.map((quota) => [quota.used, quota.limit]), [[2, null], [1, null]]);
    const self = rig.vpc.router.interfaceId;
    assert.equal(await write(cloud, at, add("192.168.1.0/24", self)), null);
    assert.equal(await write(cloud, at, add("192.168.2.0/24", self)), null);
    const error = await write(cloud, at, add("192.168.3.0/24", self));
    assert.equal(error?.kind, "quota");
    assert.equal(error?.limit, 4);
    const state = await cloud.read(at.table, signal);
    assert.deepEqual(state.quotas.map((quota) => [quota.used, quota.limit]), [[4, 4], [1, null]]);
  },
);

rigTest("read() knows the limit from Service Quotas, asked once", async ({ rig, open }) => {
  rig.front.rules.limit = 777;
  const cloud = open();
  const { table, state } = await prepared(cloud);
  await cloud.read(table, signal);
  assert.deepEqual(state.quotas.map((quota) => quota.limit), [777, 777]);
  assert.equal(rig.front.count("GetServiceQuota"), 1);
});

rigTest("read() shows a route to a deleted interface as a blackhole", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  const fields = { SubnetId: rig.vpc.subnetA };
  const doomed = /<networkInterfaceId>([^<]+)/.exec(await rig.admin("CreateNetworkInterface", fields))?.[1] ??
    "";
  assert.equal(await write(cloud, at, add("192.168.1.0/24", doomed)), null);
  await rig.admin("DeleteNetworkInterface", { NetworkInterfaceId: doomed });
  const state = await cloud.read(at.table, signal);
  assert.equal(routeOf(state, "192.168.1.0/24").blackhole, true);
  assert.equal(routeOf(state, "0.0.0.0/0").blackhole, undefined);
  assert.equal((await write(cloud, at, add("192.168.2.0/24", doomed)))?.kind, "conflict");
});

rigTest(
  "read() counts a customer's prefix list by its most entries and keeps it out of the routes",
  async ({ rig, open }) => {
    const created = await rig.admin("CreateManagedPrefixList", {
      PrefixListName: "branches",
      MaxEntries: "20",
      AddressFamily: "IPv4",
    });
    const id = /<prefixListId>([^<]+)/.exec(created)?.[1] ?? assert.fail(created);
    const cloud = open();
    const { table } = await prepared(cloud);
    rig.front.addEndpointRoute(table.id, { prefixListId: id, endpointId: "tgw-1" });
    const state = await cloud.read(table, signal);
    assert.equal(state.quotas[0]?.used, 22);
    assert.equal(state.routes.length, 3);
    await cloud.read(table, signal);
    assert.equal(rig.front.count("DescribeManagedPrefixLists"), 1);
  },
);

rigTest(
  "resolve() finds primary and secondary addresses with one call, over pages",
  async ({ rig, open }) => {
    const cloud = open();
    const gateways = neighbours("10.0.1.20", "10.0.1.21", "10.0.1.10", "10.0.2.30");
    const found = await cloud.resolve(gateways, signal);
    const { peer, router, client } = rig.vpc;
    assert.deepEqual(found, [
      peer.interfaceId,
      peer.interfaceId,
      router.interfaceId,
      client.interfaceId,
    ]);
    assert.equal(rig.front.count("DescribeNetworkInterfaces"), 2, "three interfaces in pages of two");
    await cloud.resolve(gateways, signal);
    assert.equal(rig.front.count("DescribeNetworkInterfaces"), 2);
    assert.equal(cloud.describe(peer.interfaceId), `${peer.interfaceId} (10.0.1.20)`);
  },
);

rigTest(
  "resolve() finds gateways inside delegated prefixes, and asks for nobody's once",
  async ({ rig, open }) => {
    const cloud = open();
    const { peer } = rig.vpc;
    rig.front.delegated.add(peer.interfaceId, "10.0.1.64/28");
    rig.front.delegated.add(peer.interfaceId, "2001:db8:0:0:7::/80");
    const gateways = neighbours("10.0.1.70", "10.0.1.99", "2001:db8::7:0:0:9");
    assert.deepEqual(await cloud.resolve(gateways, signal), [peer.interfaceId, null, peer.interfaceId]);
    const asked = rig.front.count("DescribeInstances", "DescribeNetworkInterfaces");
    await cloud.resolve(gateways, signal);
    assert.equal(rig.front.count("DescribeInstances", "DescribeNetworkInterfaces"), asked);
  },
);

rigTest("resolve() follows a floating address once the kernel's route has changed", async ({ rig, open }) => {
  let now = 0;
  const cloud = open({}, { now: () => now });
  const { peer, client } = rig.vpc;
  const floating = neighbours("10.0.1.21");
  assert.deepEqual(await cloud.resolve(floating, signal), [peer.interfaceId]);
  await rig.admin("UnassignPrivateIpAddresses", {
    NetworkInterfaceId: peer.interfaceId,
    "PrivateIpAddress.1": "10.0.1.21",
  });
  await rig.admin("AssignPrivateIpAddresses", {
    NetworkInterfaceId: client.interfaceId,
    "PrivateIpAddress.1": "10.0.1.21",
  });
  assert.deepEqual(await cloud.resolve(floating, signal), [peer.interfaceId], "remembered");
  now += 1_000;
  cloud.forget(floating.map(({ gateway }) => gateway));
  assert.deepEqual(await cloud.resolve(floating, signal), [client.interfaceId]);
});

rigTest("an IPv4 route by an IPv6 gateway names the interface that has it", async ({ rig, open }) => {
  const cloud = open();
  const { peer } = rig.vpc;
  rig.front.delegated.add(peer.interfaceId, "2001:db8:0:0:7::/80");
  assert.deepEqual(await cloud.resolve([neighbourForIpv4("2001:db8::7:0:0:9")], signal), [peer.interfaceId]);
});

rigTest("-self picks the interface: next hop, subnet, table and doctor are its", async ({ rig, open }) => {
  const second = await addInterface(rig);
  const cloud = open({ self: [parseInterfaceAddress("10.0.2.10/24")] });
  const identity = await cloud.identify(signal);
  assert.deepEqual(identity.self[4], second);
  const [table] = await cloud.prepare(signal);
  assert.equal(await rig.tableOfSubnet(rig.vpc.subnetB), table?.id);
  assert.equal(await rig.tableOfSubnet(rig.vpc.subnetA), null);
  const [finding] = (await cloud.check({ fix: true }, signal)).filter(({ name }) =>
    name === "source/dest check"
  );
  assert.deepEqual([finding?.status, finding?.detail], [
    "fixed",
    `Switched off the source/dest check of ${second}`,
  ]);
});

rigTest(
  "-self refuses an address that this VM does not have, and names those that it has",
  async ({ open }) => {
    const cloud = open({ self: [parseInterfaceAddress("10.0.1.77/24")] });
    await assert.rejects(cloud.identify(signal), {
      kind: "invalid",
      message: /-self 10\.0\.1\.77: no interface of this VM has that address, they have 10\.0\.1\.10/,
    });
  },
);

rigTest("a denied call names the action and keeps the encoded message to itself", async ({ rig, open }) => {
  const cloud = open();
  const at = await prepared(cloud);
  rig.front.faults.denied.add("CreateRoute");
  const error = await write(cloud, at, add("192.168.1.0/24", rig.vpc.router.interfaceId));
  assert.equal(error?.kind, "denied");
  assert.equal(error?.action, "ec2:CreateRoute");
  assert.doesNotMatch(Deno.inspect(error), /4Gk0secret/);
});

rigTest("credentials that do not come are an outage, over when they come", async ({ rig, open }) => {
  const cloud = open();
  await cloud.identify(signal);
  rig.metadata.status = 503;
  await assert.rejects(
    cloud.locate(signal),
    (error) => error instanceof CloudError && error.kind === "unavailable" && error.action === undefined,
  );
  rig.metadata.status = null;
  assert.deepEqual(await cloud.locate(signal), []);
});

rigTest(
  "a VM without a role is told that it needs one, and by check() how to give it",
  async ({ rig, open }) => {
    rig.metadata.hasRole = false;
    await assert.rejects(open().locate(signal), /^CloudError: Cannot find route tables: .*instance's role/);
    const findings = await open().check({ fix: false }, signal);
    assert.equal(statusOf(findings, "route table"), "bad");
    for (const name of ["source/dest check", "permission ec2:CreateRouteTable"]) {
      const found = findings.find((each) => each.name === name);
      assert.equal(found?.status, "bad", name);
      assert.match(found?.remedy ?? "", /^Give the instance a role .*doctor -policy/);
    }
  },
);

rigTest("metadata of version 1 is never asked, not even for credentials", async ({ rig, open }) => {
  rig.metadata.status = 403;
  await assert.rejects(open().locate(signal), isKind("denied"));
  assert.deepEqual(new Set(rig.metadata.paths), new Set(["api/token"]));
});

rigTest(
  "5xx and a refused connection are unavailable, and over when the cloud is back",
  async ({ rig, open }) => {
    const cloud = open();
    const at = await prepared(cloud);
    rig.front.faults.status = 500;
    await assert.rejects(cloud.read(at.table, signal), isKind("unavailable"));
    rig.front.faults.status = null;
    await rig.front.refuse();
    await assert.rejects(cloud.read(at.table, signal), isKind("unavailable"));
    rig.front.accept();
    assert.equal((await cloud.read(at.table, signal)).routes.length, 3);
  },
);

rigTest("check() proves each permission by a dry run and changes nothing", async ({ rig, open }) => {
  await open().prepare(signal);
  const before = rig.front.calls.length;
  rig.front.faults.denied.add("ReplaceRoute");
  const findings = await open().check({ fix: false }, signal);
  assert.deepEqual(rig.front.calls.slice(before).filter(isWrite), []);
  assert.equal(statusOf(findings, "identity"), "ok");
  assert.equal(statusOf(findings, "source/dest check"), "bad");
  assert.equal(statusOf(findings, "route table association"), "ok");
  assert.equal(statusOf(findings, "permission ec2:CreateRoute on"), "ok");
  const denied = findings.find((finding) => finding.name.startsWith("permission ec2:ReplaceRoute on"));
  assert.equal(denied?.status, "bad");
  assert.match(denied?.remedy ?? "", /Allow ec2:ReplaceRoute/);
});

rigTest("check() switches the source/dest check off once, when asked to", async ({ rig, open }) => {
  assert.equal(statusOf(await open().check({ fix: true }, signal), "source/dest check"), "fixed");
  assert.equal(statusOf(await open().check({ fix: true }, signal), "source/dest check"), "ok");
  const writes = rig.front.calls.filter(isWrite).map((call) => call.action);
  assert.deepEqual(writes, ["ModifyNetworkInterfaceAttribute"]);
});

rigTest("check() reports an unreachable metadata service as a finding", async ({ rig, open }) => {
  rig.metadata.status = 500;
  const findings = await open().check({ fix: false }, signal);
  assert.deepEqual(findings.map((finding) => [finding.name, finding.status]), [["identity", "unknown"]]);
});

rigTest("policy() is for the very region, account and VPC once they are known", async ({ rig, open }) => {
  const cloud = open();
  assert.match(cloud.policy(), /arn:aws:ec2:us-east-1:\*:/);
  await cloud.identify(signal);
  assert.ok(cloud.policy().includes(`arn:aws:ec2:us-east-1:123456789012:vpc/${rig.vpc.vpcId}`));
});
