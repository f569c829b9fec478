/** The executable as a router VM on EC2 runs it. */

import assert from "node:assert/strict";
import { AwsRig, buildInstance, routesOf } from "../../fakes/aws/rig.ts";
import { isWrite, type LoggedCall } from "../../fakes/aws/strict_front.ts";
import { Moto, motoMissing } from "../../fakes/aws/moto.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { bundleHoldsNoSecret } from "../bundle_secrets.ts";
import { namespacesMissing } from "../namespace.ts";
import { numbered } from "../router_vm.ts";
import { until } from "../until.ts";
import { AwsVm } from "./aws_vm.ts";

const ignore = skips(motoMissing(), namespacesMissing(), await binaryMissing());
/** One for all tests: it takes two seconds to start. */
let moto: Moto | null = null;

Deno.test.afterAll(async () => await moto?.[Symbol.asyncDispose]());

function test(name: string, body: (rig: AwsRig, vm: AwsVm) => Promise<void>): void {
  // The rig's relay ends connections that the executable still holds open.
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false }, async () => {
    await using rig = await AwsRig.start(moto ??= await Moto.start());
    await using vm = await AwsVm.create(rig, await binaryPath());
    await vm.telling(() => body(rig, vm));
  });
}

function toRouter(prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => `${prefix} router`);
}

/** Calls that change routes so far. */
function routeWrites(rig: AwsRig): string[] {
  return rig.front.calls.filter((call) => isWrite(call) && /Route$/.test(call.action)).map((call) =>
    call.action
  );
}

/** Calls that came to the cloud since a time of `performance.now`. A call is recorded once it is answered, when its change can be seen already. */
function callsSince(rig: AwsRig, since: number): LoggedCall[] {
  return rig.front.calls.filter(({ arrivedAt }) => arrivedAt >= since);
}

const sleep = (milliseconds: number): Promise<void> => new Promise((wake) => setTimeout(wake, milliseconds));

for (const mode of ["event", "periodic"] as const) {
  test(`the executable follows routes as they come, change and go, in ${mode} mode`, async (_rig, vm) => {
    if (mode === "event") vm.start();
    else vm.startPolling("-netlink", "1", "-sync", "1");
    const [one, two, three, four] = numbered(4);
    assert.ok(one && two && three && four);
    await vm.announce([one, two, three]);
    await vm.untilRoutes(toRouter([one, two, three]));
    await vm.withdraw([two]);
    await vm.untilRoutes(toRouter([one, three]));
    await vm.announce([four]);
    await vm.untilRoutes(toRouter([one, three, four]));
    await vm.announce([one], "10.0.1.20");
    await vm.untilRoutes([`${one} peer`, `${three} router`, `${four} router`]);
    await vm.withdraw([one, three, four]);
    await vm.untilRoutes([]);
    assert.equal((await vm.stop()).code, 0);
  });
}

test(
  "the executable replaces a route whose next hop changes, and touches none that is right",
  async (rig, vm) => {
    vm.startPolling("-netlink", "1", "-sync", "1");
    await vm.announce(numbered(3));
    await vm.untilRoutes(toRouter(numbered(3)));
    const since = performance.now();
    await vm.announce(["100.64.0.0/24"], "10.0.1.21");
    await vm.untilRoutes(["100.64.0.0/24 peer", "100.64.1.0/24 router", "100.64.2.0/24 router"]);
    await sleep(2_500);
    const writes = callsSince(rig, since).filter(isWrite).map((call) => call.action);
    assert.deepEqual(writes, ["ReplaceRoute"]);
  },
);

test("the executable makes one write and at most one read for a single change", async (rig, vm) => {
  vm.start();
  await vm.announce(numbered(2));
  await vm.untilRoutes(toRouter(numbered(2)));
  await sleep(1_000);
  for (
    const [change, expected] of [[() => vm.announce(["192.168.1.0/24"]), "CreateRoute"], [
      () => vm.withdraw(["192.168.1.0/24"]),
      "DeleteRoute",
    ]] as const
  ) {
    const since = performance.now();
    await change();
    await until(expected, () => callsSince(rig, since).some(isWrite));
    await sleep(1_500);
    const calls = callsSince(rig, since).map((call) => call.action);
    assert.deepEqual(calls.filter((action) => action !== "DescribeRouteTables"), [expected]);
    assert.ok(calls.length <= 2, calls.join(", "));
  }
});

test(
  "the executable sends what a gateway outside the subnet, or of nobody, leads to by way of this VM",
  async (_rig, vm) => {
    vm.start();
    await vm.announce(["192.168.1.0/24"], "172.31.0.9");
    await vm.announce(["192.168.2.0/24"], "10.0.1.99");
    await vm.announce(["192.168.3.0/24"], "10.0.1.21");
    await vm.namespace.ip(
      "route add 192.168.4.0/24 proto bgp nexthop via 10.0.1.20 dev eth0 nexthop via 10.0.1.21 dev eth0",
    );
    await vm.namespace.ip("route add 192.168.5.0/24 via inet6 fe80::1 dev wan0 proto bgp");
    await vm.namespace.ip("route add 192.168.6.0/24 via 203.0.113.9 dev wan0 onlink proto bgp");
    await vm.untilRoutes([
      "192.168.1.0/24 router",
      "192.168.2.0/24 router",
      "192.168.3.0/24 peer",
      "192.168.4.0/24 peer",
      "192.168.5.0/24 router",
      "192.168.6.0/24 router",
    ]);
  },
);

test(
  "the executable sends what a gateway inside a delegated prefix leads to by the interface that has the prefix",
  async (rig, vm) => {
    const { peer, client } = rig.vpc;
    // A node's pods, with EKS' prefix delegation; and one whose gateway of the IPv4 route is IPv6.
    rig.front.delegated.add(peer.interfaceId, "10.0.1.64/28");
    const subnet6 = rig.vpc.ipv6Block.replace(/00::\/56$/, "01:");
    rig.front.delegated.add(client.interfaceId, `${subnet6}7::/80`);
    vm.start("-ipv6", "-audit", "1s");
    await vm.announce(["192.168.1.0/24"], "10.0.1.70");
    await vm.announce(["192.168.2.0/24"], "10.0.1.80");
    await vm.namespace.ip(`-6 route add 2001:db8:1::/48 via ${subnet6}7::9 dev eth0 onlink proto bgp`);
    await vm.namespace.ip(`route add 192.168.3.0/24 via inet6 ${subnet6}7::9 dev eth0 onlink proto bgp`);
    await vm.untilRoutes([
      "192.168.1.0/24 peer",
      "192.168.2.0/24 router",
      "192.168.3.0/24 client",
      "2001:db8:1::/48 client",
    ]);
    assert.deepEqual(
      (await vm.command("explain", "192.168.1.0/24")).stdout.match(/eni-\w+/g)?.[0],
      peer.interfaceId,
    );
    // The prefix moves to another VM, as EKS' does when a node goes.
    rig.front.delegated.remove(peer.interfaceId, "10.0.1.64/28");
    rig.front.delegated.add(client.interfaceId, "10.0.1.64/28");
    await vm.untilRoutes([
      "192.168.1.0/24 client",
      "192.168.2.0/24 router",
      "192.168.3.0/24 client",
      "2001:db8:1::/48 client",
    ]);
  },
);

test("the executable lets the lower metric win and leaves other kernel tables alone", async (_rig, vm) => {
  vm.start();
  await vm.namespace.batch([
    "route add 192.168.1.0/24 via 172.31.0.5 proto bgp metric 200",
    "route add 192.168.1.0/24 via 10.0.1.20 proto bgp metric 20",
    "route add 192.168.2.0/24 via 172.31.0.5 proto bgp table 100",
    "route add 192.168.3.0/24 via 172.31.0.5 proto bgp",
  ]);
  await vm.untilRoutes(["192.168.1.0/24 peer", "192.168.3.0/24 router"]);
});

test("the executable writes IPv6 with -ipv6", async (rig, vm) => {
  vm.start("-ipv6");
  await vm.namespace.batch([
    "address add 2001:db8:f::1/64 dev wan0 nodad",
    "route add 2001:db8:1::/48 via 2001:db8:f::5 dev wan0 proto bgp",
    "route add 192.168.1.0/24 via 172.31.0.5 proto bgp",
  ]);
  await vm.untilRoutes(["192.168.1.0/24 router", "2001:db8:1::/48 router"]);
  const call = rig.front.calls.find((each) =>
    each.fields.get("DestinationIpv6CidrBlock") === "2001:db8:1::/48"
  );
  assert.equal(call?.fields.has("DestinationCidrBlock"), false);
  await vm.namespace.ip("-6 route del 2001:db8:1::/48 proto bgp");
  await vm.untilRoutes(["192.168.1.0/24 router"]);
});

test(
  "the executable exports no route by an IPv6 address of the subnet's router, known or made of its MAC",
  async (_rig, vm) => {
    vm.start("-ipv6");
    // The address of every subnet's router, and one that such a router makes of its MAC address (VPC guide, "Subnet sizing").
    await vm.namespace.batch([
      "route add 2001:db8:1::/48 via fe80:ec2::1 dev eth0 onlink proto bgp",
      "route add 2001:db8:2::/48 via fe80::4b:9eff:fe12:3456 dev eth0 onlink proto bgp",
      "route add 192.168.1.0/24 via inet6 fe80:ec2::1 dev eth0 onlink proto bgp",
      "route add 2001:db8:3::/48 via fe80::9 dev wan0 onlink proto bgp",
    ]);
    await vm.untilRoutes(["2001:db8:3::/48 router"]);
    const { stdout } = await vm.command("routes", "-ipv6");
    assert.equal(stdout.match(/subnet-router/g)?.length, 3, stdout);
  },
);

test(
  "the executable never touches the VPC's local route, not even with -adopt -allow-local",
  async (rig, vm) => {
    await vm.announce(["10.0.0.0/16", "192.168.1.0/24"]);
    vm.start("-adopt", "-allow-local", "-audit", "1s");
    await vm.untilRoutes(["192.168.1.0/24 router"]);
    await sleep(2_500);
    const local = routesOf(await rig.table(await vm.ownTable())).find(({ destination }) =>
      destination === "10.0.0.0/16"
    );
    assert.equal(local?.target, "local");
    assert.deepEqual(routeWrites(rig).filter((action) => action === "ReplaceRoute"), []);
    assert.match((await vm.command("explain", "10.0.0.0/16")).stdout, /local/);
    await vm.stop();
    assert.equal((await vm.command("cleanup")).code, 0);
  },
);

test(
  "the executable puts right what somebody deletes or retargets, and keeps an operator's route",
  async (rig, vm) => {
    vm.start("-audit", "1s");
    await vm.announce(["192.168.1.0/24", "192.168.2.0/24"]);
    await vm.untilRoutes(["192.168.1.0/24 router", "192.168.2.0/24 router"]);
    const RouteTableId = await vm.ownTable();
    await rig.admin("CreateRoute", {
      RouteTableId,
      DestinationCidrBlock: "192.168.9.0/24",
      NetworkInterfaceId: rig.vpc.client.interfaceId,
    });
    await rig.admin("DeleteRoute", { RouteTableId, DestinationCidrBlock: "192.168.1.0/24" });
    await vm.untilRoutes(["192.168.1.0/24 router", "192.168.2.0/24 router", "192.168.9.0/24 client"]);
    await vm.announce(["192.168.9.0/24", "192.168.3.0/24"]);
    await vm.untilRoutes([
      "192.168.1.0/24 router",
      "192.168.2.0/24 router",
      "192.168.3.0/24 router",
      "192.168.9.0/24 client",
    ]);
    await vm.withdraw(["192.168.1.0/24", "192.168.2.0/24", "192.168.3.0/24", "192.168.9.0/24"]);
    await vm.untilRoutes(["192.168.9.0/24 client"]);
  },
);

test(
  "the executable moves a route away from a VM that is gone, and onto the one that takes its address",
  async (rig, vm) => {
    vm.start("-audit", "1s");
    await vm.announce(["192.168.1.0/24", "192.168.2.0/24"], "10.0.1.20");
    await vm.untilRoutes(["192.168.1.0/24 peer", "192.168.2.0/24 peer"]);
    rig.front.deleteInterface(rig.vpc.peer.interfaceId);
    const states = (await rig.routes(await vm.ownTable())).map((route) => route.state);
    assert.deepEqual(states.filter((state) => state === "blackhole").length, 2);
    await vm.announce(["192.168.1.0/24"]);
    await vm.untilRoutes(["192.168.1.0/24 router", "192.168.2.0/24 peer"]);
    const heir = await buildInstance(rig.front.url, rig.vpc.subnetA, ["10.0.1.20"]);
    // What the dead VM had is looked up again because EC2 refuses its interface.
    await vm.announce(["192.168.3.0/24"], "10.0.1.20");
    await vm.untilRoutes([
      "192.168.1.0/24 router",
      `192.168.2.0/24 ${heir.interfaceId}`,
      `192.168.3.0/24 ${heir.interfaceId}`,
    ]);
  },
);

test("the executable writes 120 routes at once with 120 calls, then one more with one", async (rig, vm) => {
  rig.front.rules.limit = 1000;
  vm.start();
  await until("its table", async () => await vm.ownTable() !== "");
  await sleep(1_000);
  const before = routeWrites(rig).length;
  // The program makes 40 calls at once and 4 a second: each route more than that costs the test a quarter of a second.
  await vm.announce(numbered(120));
  await vm.untilRoutes(toRouter(numbered(120)));
  assert.equal(routeWrites(rig).length - before, 120, "one call a route");
  assert.ok(rig.front.count("DescribeRouteTables") < 12, String(rig.front.count("DescribeRouteTables")));
  await vm.announce(["192.168.1.0/24"]);
  await vm.untilRoutes([...toRouter(numbered(120)), "192.168.1.0/24 router"]);
  assert.equal(routeWrites(rig).length - before, 121);
});

test("the executable delivers 80 changes while a fifth of the calls is throttled", async (rig, vm) => {
  vm.start();
  await vm.announce(numbered(1));
  await vm.untilRoutes(toRouter(numbered(1)));
  rig.front.faults.throttled = 0.2;
  await vm.announce(numbered(80));
  await until("80 routes", async () => (await vm.summary()).length === 80, 240_000);
  rig.front.faults.throttled = 0;
  await vm.untilRoutes(toRouter(numbered(80)));
  assert.ok(rig.front.calls.some((call) => call.code === "RequestLimitExceeded"));
  assert.ok(routeWrites(rig).length < 160, `${routeWrites(rig).length} writes`);
});

test(
  "the executable fills a table to its limit, says so, and goes on when there is room",
  async (rig, vm) => {
    rig.front.rules.limit = 12;
    vm.start("-audit", "2s");
    await vm.announce(numbered(10));
    await vm.untilRoutes(toRouter(numbered(10)));
    const before = routeWrites(rig).length;
    await vm.announce(["192.168.1.0/24"]);
    await sleep(3_000);
    assert.ok(routeWrites(rig).length - before <= 1, "a full table is not tried over and over");
    await vm.withdraw(["100.64.0.0/24"]);
    await vm.untilRoutes([...toRouter(numbered(10).slice(1)), "192.168.1.0/24 router"]);
    const { log } = await vm.stop();
    assert.match(log, /1 wanted route is over the quota \(12 of 12 IPv4[^)]*\): 192\.168\.1\.0\/24/);
    assert.equal(log.match(/1 wanted route is over the quota/g)?.length, 1, "said once");
    assert.match(log, /no route is over the quota any more/);
  },
);

test(
  "the executable delivers after the API was down, throttled, or its credentials expired",
  async (rig, vm) => {
    vm.start();
    await vm.announce(["192.168.0.0/24"]);
    await vm.untilRoutes(["192.168.0.0/24 router"]);
    rig.front.faults.status = 503;
    await vm.announce(["192.168.1.0/24"]);
    await sleep(1_500);
    rig.front.faults.status = null;
    await vm.untilRoutes(toRouter(["192.168.0.0/24", "192.168.1.0/24"]));
    await rig.front.refuse();
    await vm.announce(["192.168.2.0/24"]);
    await sleep(1_500);
    rig.front.accept();
    await vm.untilRoutes(toRouter(["192.168.0.0/24", "192.168.1.0/24", "192.168.2.0/24"]));
    rig.front.faults.throttled = 1;
    await vm.announce(["192.168.3.0/24"]);
    await sleep(1_500);
    rig.front.faults.throttled = 0;
    await vm.untilRoutes(toRouter(["192.168.0.0/24", "192.168.1.0/24", "192.168.2.0/24", "192.168.3.0/24"]));
  },
);

test(
  "the executable names the permission that it lacks, once, and leaves the rest in step",
  async (rig, vm) => {
    vm.start();
    await vm.announce(["192.168.0.0/24"]);
    await vm.untilRoutes(["192.168.0.0/24 router"]);
    rig.front.faults.denied.add("CreateRoute");
    await vm.announce(["192.168.1.0/24"]);
    await until("the refusal", () => rig.front.calls.some((call) => call.code === "UnauthorizedOperation"));
    await vm.withdraw(["192.168.0.0/24"]);
    await vm.untilRoutes([]);
    const { log } = await vm.stop();
    assert.match(log, /ec2:CreateRoute/);
    assert.doesNotMatch(log, /4Gk0secret/);
    assert.equal(rig.front.calls.filter((call) => call.code === "UnauthorizedOperation").length, 1);
  },
);

test("the executable waits for metadata and API that are down at its start", async (rig, vm) => {
  rig.metadata.status = 503;
  await vm.announce(["192.168.0.0/24"]);
  vm.start();
  await sleep(2_000);
  await rig.front.refuse();
  rig.metadata.status = null;
  await sleep(2_000);
  rig.front.accept();
  await vm.untilRoutes(["192.168.0.0/24 router"]);
});

test("the executable survives expired credentials and fetches new ones", async (rig, vm) => {
  vm.start();
  await vm.announce(["192.168.0.0/24"]);
  await vm.untilRoutes(["192.168.0.0/24 router"]);
  rig.front.faults.expired = true;
  const fetched = rig.metadata.credentials;
  await vm.announce(["192.168.1.0/24"]);
  await until("a refusal", () => rig.front.calls.some((call) => call.code === "RequestExpired"));
  rig.front.faults.expired = false;
  await vm.untilRoutes(toRouter(["192.168.0.0/24", "192.168.1.0/24"]));
  await vm.announce(["192.168.2.0/24"]);
  await vm.untilRoutes(toRouter(["192.168.0.0/24", "192.168.1.0/24", "192.168.2.0/24"]));
  assert.ok(rig.metadata.credentials > fetched);
  assert.match((await vm.stop()).log, /RequestExpired: .*; new credentials are fetched/);
});

test("the executable takes credentials from the SDK's shared file", async (rig, vm) => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(
    file,
    "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = not-a-secret\n",
  );
  await vm.announce(["192.168.0.0/24"]);
  const { code, stderr } = await vm.with({ AWS_SHARED_CREDENTIALS_FILE: file }).command("apply");
  await Deno.remove(file);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await vm.summary(), ["192.168.0.0/24 router"]);
  assert.equal(rig.metadata.credentials, 0);
});

test("the executable takes its stale routes away after a restart with an empty kernel", async (rig, vm) => {
  vm.start("-hold", "1s");
  await vm.announce(numbered(12));
  await vm.untilRoutes(toRouter(numbered(12)));
  assert.equal((await vm.stop()).code, 0);
  assert.equal((await vm.summary()).length, 12, "routes stay");
  await vm.withdraw(numbered(12));
  vm.start("-hold", "1s");
  await vm.untilRoutes([]);
  assert.equal(rig.front.count("CreateRouteTable"), 1);
});

test("the executable asks once for route tables at a restart with nothing to do", async (rig, vm) => {
  vm.start();
  await vm.announce(["198.51.100.0/24"]);
  await vm.untilRoutes(["198.51.100.0/24 router"]);
  assert.equal((await vm.stop()).code, 0);
  rig.front.calls.length = 0;
  vm.start();
  await until("the table is in step", () => vm.log.includes("is in step"));
  // That finds our table and is the first reading. Its former tables are looked after a minute later.
  assert.deepEqual(rig.front.calls.map(({ action }) => action).filter((action) => action.includes("Table")), [
    "DescribeRouteTables",
  ]);
  assert.equal((await vm.stop()).code, 0);
});

test(
  "the executable keeps a VPC's way out when the main table's default is a NAT gateway, also over a restart",
  async (rig, vm) => {
    const { vpc } = rig;
    const created = await rig.admin("CreateNatGateway", {
      SubnetId: vpc.subnetB,
      ConnectivityType: "private",
    });
    const nat = /<natGatewayId>([^<]+)/.exec(created)?.[1] ?? assert.fail(created);
    const route = { RouteTableId: vpc.mainTableId, DestinationCidrBlock: "0.0.0.0/0" };
    await rig.admin("ReplaceRoute", { ...route, NatGatewayId: nat });
    await vm.announce(["192.168.0.0/24"]);
    for (let round = 0; round < 2; round++) {
      vm.start();
      await vm.untilRoutes([`0.0.0.0/0 ${nat}`, "192.168.0.0/24 router"]);
      await vm.stop();
    }
    assert.equal((await vm.command("cleanup")).code, 0);
    assert.equal(await vm.ownTable(), "");
  },
);

test("the executable takes over a subnet that has a table, and gives it back", async (rig, vm) => {
  const { vpc } = rig;
  const former = await rig.createTable(vpc.vpcId);
  await rig.admin("CreateRoute", {
    RouteTableId: former,
    DestinationCidrBlock: "172.20.0.0/16",
    NetworkInterfaceId: vpc.client.interfaceId,
  });
  await rig.admin("AssociateRouteTable", { RouteTableId: former, SubnetId: vpc.subnetA });
  await vm.announce(["192.168.0.0/24"]);
  vm.start();
  await until("the takeover", async () => await vm.ownTable() !== former);
  await vm.untilRoutes(["172.20.0.0/16 client", "192.168.0.0/24 router"]);
  await vm.stop();
  const { code, stderr } = await vm.command("cleanup");
  assert.equal(code, 0, stderr);
  assert.equal(await vm.ownTable(), former);
  assert.deepEqual(await vm.summary(former), ["172.20.0.0/16 client"]);
});

test("the executable leaves a table of the same tags in another VPC alone", async (rig, vm) => {
  const elsewhere = /<vpcId>([^<]+)/.exec(await rig.admin("CreateVpc", { CidrBlock: "10.0.0.0/16" }))?.[1] ??
    "";
  const twin = await rig.createTable(elsewhere, {
    name: "cloudroutesync",
    "cloudroutesync:owner": "cloudroutesync",
  });
  await vm.announce(["192.168.0.0/24"]);
  vm.start();
  await vm.untilRoutes(["192.168.0.0/24 router"]);
  assert.notEqual(await vm.ownTable(), twin);
  assert.deepEqual(await rig.routes(twin), []);
  await vm.stop();
});

test(
  "the executable keeps two handed-over tables in step and neither creates nor associates",
  async (rig, vm) => {
    const second = await rig.createTable(rig.vpc.vpcId);
    await vm.announce(["192.168.0.0/24", "192.168.1.0/24"]);
    vm.start("-route-table", rig.vpc.mainTableId, "-route-table", second);
    for (const table of [rig.vpc.mainTableId, second]) {
      await vm.untilRoutes(["192.168.0.0/24 router", "192.168.1.0/24 router"], table);
    }
    await vm.withdraw(["192.168.1.0/24"]);
    for (const table of [rig.vpc.mainTableId, second]) await vm.untilRoutes(["192.168.0.0/24 router"], table);
    await vm.stop();
    const others = rig.front.calls.filter(isWrite).map((call) => call.action).filter((action) =>
      !/Route$/.test(action)
    );
    assert.deepEqual(others, []);
    assert.equal(
      (await vm.command("cleanup", "-route-table", rig.vpc.mainTableId, "-route-table", second)).code,
      0,
    );
    assert.deepEqual(await vm.summary(second), []);
  },
);

test(
  "a rebuilt router takes its predecessor's wanted routes in a handed-over table once -peer names it, or with -adopt",
  async (rig, vm) => {
    const { vpc, front } = rig;
    const table = await rig.createTable(vpc.vpcId);
    const [wanted = "", unwanted = ""] = numbered(2);
    for (const prefix of [wanted, unwanted]) {
      await rig.admin("CreateRoute", {
        RouteTableId: table,
        DestinationCidrBlock: prefix,
        NetworkInterfaceId: vpc.peer.interfaceId,
      });
    }
    front.deleteInterface(vpc.peer.interfaceId);
    await vm.announce([wanted]);
    const before = [`${wanted} peer`, `${unwanted} peer`];
    vm.start("-route-table", table);
    await until("the foreign route is told", () => /foreign route .*in the way|blocked by/.test(vm.log));
    assert.deepEqual(await vm.summary(table), before);
    await vm.stop();
    const plan = await vm.command("plan", "-route-table", table, "-peer", "10.0.1.20");
    assert.equal(plan.code, 2, `${plan.stdout}\n${plan.stderr}`);
    assert.match(plan.stdout, new RegExp(`~ ${wanted} .* → .*10\\.0\\.1\\.10`));
    assert.deepEqual(await vm.summary(table), before, "plan writes nothing");
    vm.start("-route-table", table, "-peer", "10.0.1.20");
    await vm.untilRoutes([`${wanted} router`, `${unwanted} peer`], table);
    await vm.withdraw([wanted]);
    await vm.untilRoutes([`${unwanted} peer`], table);
    await vm.stop();
    await vm.announce([unwanted]);
    vm.start("-route-table", table, "-adopt");
    await vm.untilRoutes([`${unwanted} router`], table);
    await vm.stop();
  },
);

test(
  "the executable tells of each table that it cannot write in one sentence, and keeps the others",
  async (rig, vm) => {
    const elsewhere =
      /<vpcId>([^<]+)/.exec(await rig.admin("CreateVpc", { CidrBlock: "10.9.0.0/16" }))?.[1] ?? "";
    const shared = await rig.createTable(rig.vpc.vpcId);
    const stray = await rig.createTable(elsewhere);
    const missing = "rtb-0123456789abcdef0";
    // The owner's route table in a shared VPC: participants see it, and must not change it
    // (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html).
    for (const action of ["CreateRoute", "ReplaceRoute", "DeleteRoute"]) {
      rig.front.faults.denied.add(`${action} ${shared}`);
    }
    await vm.announce(numbered(3));
    const tables = [shared, stray, missing, rig.vpc.mainTableId];
    vm.start(...tables.flatMap((id) => ["-route-table", id]));
    await vm.untilRoutes(toRouter(numbered(3)), rig.vpc.mainTableId);
    const said = (table: string): string[] => vm.log.split("\n").filter((line) => line.includes(table));
    for (const table of [shared, stray, missing]) {
      await until(`a word of ${table}`, () => said(table).length > 0);
    }
    await vm.announce(numbered(4));
    await vm.untilRoutes(toRouter(numbered(4)), rig.vpc.mainTableId);
    await sleep(2_000);
    const sentences = [[shared, /ec2:CreateRoute/], [stray, /it is in vpc-\w+, this VM in vpc-/], [
      missing,
      /does not/,
    ]] as const;
    for (const [table, words] of sentences) {
      const lines = said(table).filter((line) => words.test(line));
      assert.equal(lines.length, 1, said(table).join("\n"));
    }
    assert.deepEqual(await vm.summary(shared), []);
    assert.deepEqual(await vm.summary(stray), []);
  },
);

test("doctor tells what is wrong, mends it with -fix, and prints the policy", async (rig, vm) => {
  await vm.namespace.sysctl("net/ipv4/ip_forward", 1);
  assert.equal((await vm.command("apply")).code, 0);
  const before = await vm.command("doctor");
  assert.equal(before.code, 1);
  assert.match(before.stdout, /source\/dest check/);
  const fixed = await vm.command("doctor", "-fix");
  assert.match(fixed.stdout, /Switched off the source\/dest check/);
  const after = await vm.command("doctor");
  assert.equal(after.code, 0, after.stdout + after.stderr);
  const policy = await vm.command("doctor", "-policy");
  assert.equal(JSON.parse(policy.stdout).Version, "2012-10-17");
  assert.match(policy.stdout, new RegExp(`arn:aws:ec2:us-east-1:123456789012:vpc/${rig.vpc.vpcId}"`));
  const created = rig.front.calls.filter((call) => call.action === "CreateRouteTable" && isWrite(call));
  assert.equal(created.length, 1);
});

test("bundle holds no key, token or signature", async (rig, vm) => {
  vm.start("-debug");
  await vm.announce(numbered(1));
  await vm.untilRoutes(toRouter(numbered(1)));
  await bundleHoldsNoSecret(vm, () => rig.front.tap.seen);
});

test("plan shows the change and the quota and writes nothing; apply carries it out", async (rig, vm) => {
  await vm.announce(["192.168.0.0/24"]);
  const first = await vm.command("plan", "-output", "json");
  assert.equal(first.code, 2, first.stderr);
  assert.deepEqual(rig.front.calls.filter(isWrite), []);
  assert.equal((await vm.command("apply")).code, 0);
  assert.deepEqual(await vm.summary(), ["192.168.0.0/24 router"]);
  rig.front.calls.length = 0;
  const second = await vm.command("plan", "-output", "json");
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, /"limit":\s*500/);
  assert.equal(rig.front.count("DescribeRouteTables"), 2, "it reads our table once, and its former tables");
});

test(
  "the executable waits for a table with the tag, keeps all that have it, and none of them where it would loop",
  async (rig, vm) => {
    const { vpc } = rig;
    const tag = (id: string): Promise<string> =>
      rig.admin("CreateTags", { "ResourceId.1": id, "Tag.1.Key": "crs", "Tag.1.Value": "yes=*" });
    const flags = ["-route-table", "tag:crs=yes=*"];
    const clients = await rig.createTable(vpc.vpcId, { crs: "yes=or so" });
    await vm.namespace.ip("route add 198.51.100.7/32 via 10.0.1.1 dev eth0");
    await vm.announce(["192.168.0.0/24", "198.51.100.0/24"]);
    const run = vm.start(...flags);
    await run.untilLog(
      /Cannot find a route table in vpc-\w+ with the tag crs=yes=\*: none has it; give one that tag; retrying in/,
    );
    await tag(clients);
    await until("the table is kept", async () => (await rig.routes(clients)).length === 2);
    await vm.stop();
    assert.deepEqual(routeWrites(rig), ["CreateRoute", "CreateRoute"]);

    // The main table is that of the router's own subnet.
    await tag(vpc.mainTableId);
    const plan = await vm.command("plan", ...flags);
    assert.match(plan.stdout, /! 198\.51\.100\.0\/24 +would loop: this VM sends 198\.51\.100\.7\/32/);
    await vm.command("apply", ...flags);
    const prefixes = async (id: string): Promise<string[]> =>
      (await rig.routes(id)).map(({ destination }) => destination).sort();
    assert.deepEqual(await prefixes(vpc.mainTableId), ["0.0.0.0/0", "192.168.0.0/24"]);
    assert.deepEqual(await prefixes(clients), ["192.168.0.0/24", "198.51.100.0/24"]);
    assert.equal((await vm.command("cleanup", ...flags)).code, 0);
    assert.deepEqual(await prefixes(clients), []);
    assert.deepEqual(await prefixes(vpc.mainTableId), ["0.0.0.0/0"]);
  },
);

test(
  "plan names what would turn the router's own packets back to it, and apply leaves it out",
  async (_rig, vm) => {
    await vm.namespace.ip("route add 198.51.100.7/32 via 10.0.1.1 dev eth0");
    await vm.announce(["192.168.0.0/24", "198.51.100.0/24"]);
    const plan = await vm.command("plan");
    assert.equal(plan.code, 2, `${plan.stdout}\n${plan.stderr}`);
    assert.match(plan.stdout, /\* copy route 0\.0\.0\.0\/0 +→ igw-/);
    assert.match(
      plan.stdout,
      /! 198\.51\.100\.0\/24 +would loop: this VM sends 198\.51\.100\.7\/32 by the subnet's router/,
    );
    await vm.command("apply");
    assert.deepEqual(await vm.summary(), ["192.168.0.0/24 router"]);
    assert.match((await vm.command("explain", "198.51.100.0/24")).stdout, /would-loop/);
    await vm.namespace.ip("route del 198.51.100.7/32");
    assert.equal((await vm.command("apply")).code, 0);
    assert.deepEqual(await vm.summary(), ["192.168.0.0/24 router", "198.51.100.0/24 router"]);
  },
);
