/** The executable as a router VM on Compute Engine runs it. */

import assert from "node:assert/strict";
import { addresses, GcpRig, type GcpRigOptions } from "../../fakes/gcp/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { numbered } from "../router_vm.ts";
import { until, untilSame } from "../until.ts";
import { GcpVm } from "./gcp_vm.ts";

const ignore = skips(namespacesMissing(), await binaryMissing());

function test(
  name: string,
  body: (rig: GcpRig, vm: GcpVm) => Promise<void>,
  options: GcpRigOptions = {},
): void {
  Deno.test({ name, ignore }, async () => {
    await using rig = GcpRig.start(options);
    await using vm = await GcpVm.create(rig, await binaryPath());
    await vm.telling(() => body(rig, vm));
    assert.deepEqual(rig.compute.violations, []);
  });
}

async function untilRoutes(rig: GcpRig, expected: readonly string[]): Promise<void> {
  await untilSame(expected, () => rig.summary);
}

test("the executable follows a route that comes, changes its next hop and goes", async (rig, vm) => {
  vm.start();
  await vm.announce(["192.168.0.0/24"]);
  await untilRoutes(rig, ["192.168.0.0/24 router-a"]);
  await vm.announce(["192.168.0.0/24"], addresses.neighbour);
  await untilRoutes(rig, [`192.168.0.0/24 ${addresses.neighbour}`]);
  await vm.withdraw(["192.168.0.0/24"]);
  await untilRoutes(rig, []);
  assert.equal((await vm.stop()).code, 0);
});

test("the executable handles three routes together, one withdrawn, a fourth added", async (rig, vm) => {
  vm.start("-netlink", "1", "-sync", "1");
  const [one, two, three, four] = numbered(4);
  assert.ok(one && two && three && four);
  await vm.announce([one, two, three]);
  await untilRoutes(rig, [one, two, three].map((prefix) => `${prefix} router-a`));
  await vm.withdraw([two]);
  await untilRoutes(rig, [one, three].map((prefix) => `${prefix} router-a`));
  await vm.announce([four]);
  await untilRoutes(rig, [one, three, four].map((prefix) => `${prefix} router-a`));
  const names = rig.routes.map(({ name }) => name);
  await new Promise((wake) => setTimeout(wake, 2500));
  assert.deepEqual(rig.routes.map(({ name }) => name), names, "a route that was right was touched");
});

test(
  "the executable names a gateway of the network by its address, whether or not it is a VM",
  async (rig, vm) => {
    await vm.announce(["192.168.0.0/24"], "10.0.0.99");
    vm.start();
    await untilRoutes(rig, ["192.168.0.0/24 10.0.0.99"]);
  },
);

test(
  "the executable reports a next hop that Google refuses, and points nothing at itself",
  async (rig, vm) => {
    const run = vm.start();
    await vm.announce(["192.168.0.0/24"], addresses.alias);
    await vm.announce(["192.168.1.0/24"], addresses.elsewhere);
    await untilRoutes(rig, [`192.168.1.0/24 ${addresses.elsewhere}`]);
    await until(
      "the refusal is logged",
      () => /Cannot add route 192\.168\.0\.0\/24 .*nextHopIp.*10\.64\.0\.9/.test(run.log),
    );
  },
);

test("the executable makes several next hops several routes, and follows when one goes", async (rig, vm) => {
  vm.start();
  await vm.namespace.ip(
    `route add 192.168.0.0/24 proto bgp nexthop via ${addresses.neighbour} dev eth0 onlink ` +
      `nexthop via ${addresses.client} dev eth0 onlink`,
  );
  await untilRoutes(rig, [`192.168.0.0/24 ${addresses.neighbour}`, `192.168.0.0/24 ${addresses.client}`]);
  await vm.announce(["192.168.0.0/24"], addresses.client);
  await untilRoutes(rig, [`192.168.0.0/24 ${addresses.client}`]);
});

test("the executable writes IPv6 routes with -ipv6", async (rig, vm) => {
  vm.start("-ipv6");
  await vm.namespace.batch([
    "address add 2001:db8:f::1/64 dev wan0 nodad",
    "route add 2001:db8:1::/48 via 2001:db8:f::5 dev wan0 proto bgp",
    `route add 2001:db8:2::/48 via ${addresses.neighbourIpv6} dev eth0 onlink proto bgp`,
  ]);
  await untilRoutes(rig, ["2001:db8:1::/48 router-a", `2001:db8:2::/48 ${addresses.neighbourIpv6}`]);
  await vm.namespace.ip("-6 route del 2001:db8:1::/48 proto bgp");
  await untilRoutes(rig, [`2001:db8:2::/48 ${addresses.neighbourIpv6}`]);
});

// The lists have two pages. All writes fit the burst of a minute: what comes after it is paced to the API's quota.
test("the executable keeps 250 routes of its own among 600 foreign ones", async (rig, vm) => {
  rig.net.staticLimit = 5000;
  for (let index = 0; index < 600; index++) {
    rig.addForeign(`static-${index}`, `172.${16 + (index >> 8)}.${index & 255}.0/24`);
  }
  const foreign = new Set(rig.summary);
  const own = numbered(250);
  await vm.announce(own);
  vm.start("-audit", "2s");
  await until("250 routes", () => rig.routes.length === 850);
  await vm.withdraw(own.slice(210));
  await until("210 routes", () => rig.routes.length === 810);
  assert.deepEqual(rig.summary.filter((route) => !foreign.has(route)).length, 210);
  assert.equal(rig.summary.filter((route) => foreign.has(route)).length, 600);
  const [lost] = rig.routes.filter(({ name }) => name.startsWith("crs-edge-"));
  assert.ok(lost !== undefined);
  rig.project.routes.delete(lost.name);
  await until("the lost route is back", () => rig.project.routes.has(lost.name));
}, { operationMs: 50 });

test(
  "the executable puts right what somebody deletes or retargets, and leaves foreign routes alone",
  async (rig, vm) => {
    rig.addForeign("static", "203.0.113.0/24");
    rig.addForeign("in-the-way", "192.168.5.0/24");
    await vm.announce(["192.168.0.0/24", "192.168.1.0/24", "192.168.5.0/24"]);
    vm.start("-audit", "1s");
    const foreign = ["203.0.113.0/24 10.0.0.4", "192.168.5.0/24 10.0.0.4"];
    const wanted = [...foreign, "192.168.0.0/24 router-a", "192.168.1.0/24 router-a"];
    await untilRoutes(rig, wanted);
    const [first, second] = rig.routes.filter(({ name }) => name.startsWith("crs-"));
    assert.ok(first !== undefined && second !== undefined);
    rig.project.routes.delete(first.name);
    const { nextHopInstance: _, ...rest } = second;
    rig.project.routes.set(second.name, { ...rest, nextHopIp: addresses.client });
    await until(
      "both are as they were",
      () => JSON.stringify(rig.summary) === JSON.stringify([...wanted].sort()),
    );
    await vm.withdraw(["192.168.0.0/24", "192.168.1.0/24", "192.168.5.0/24"]);
    await untilRoutes(rig, foreign);
  },
);

test("the executable tries again when an operation ends in error", async (rig, vm) => {
  const operation = { code: "INTERNAL_ERROR", message: "An internal error occurred" };
  rig.compute.faults.push({ method: "POST", path: "/global/routes", times: 2, show: { operation } });
  vm.start();
  await vm.announce(["192.168.0.0/24"]);
  await untilRoutes(rig, ["192.168.0.0/24 router-a"]);
  assert.match((await vm.stop()).log, /INTERNAL_ERROR/);
});

test("the executable gets through throttling and an API that is down", async (rig, vm) => {
  const busy = { status: 403, reason: "rateLimitExceeded", message: "Rate Limit Exceeded", retryAfter: "1" };
  const down = { status: 503, reason: "backendError", message: "Backend Error" };
  rig.compute.faults.push(
    { method: "POST", path: "/global/routes", times: 1, show: busy },
    { path: "/global/", times: 4, show: down },
  );
  vm.start();
  await vm.announce(["192.168.0.0/24"]);
  await untilRoutes(rig, ["192.168.0.0/24 router-a"]);
});

test("the executable waits for a metadata server that is down at start", async (rig, vm) => {
  rig.metadata.isUp = false;
  await vm.announce(["192.168.0.0/24"]);
  vm.start();
  await until("it has asked", () => rig.metadata.calls.length > 0);
  rig.metadata.isUp = true;
  await untilRoutes(rig, ["192.168.0.0/24 router-a"]);
});

test("the executable removes routes that went while it was not running", async (rig, vm) => {
  await vm.announce(["192.168.0.0/24", "192.168.1.0/24"]);
  assert.equal((await vm.command("apply")).code, 0);
  assert.equal(rig.routes.length, 2);
  await vm.withdraw(["192.168.1.0/24"]);
  vm.start();
  await untilRoutes(rig, ["192.168.0.0/24 router-a"]);
});

test("the executable follows a new -priority without a gap", async (rig, vm) => {
  await vm.announce(["192.168.0.0/24"]);
  assert.equal((await vm.command("apply")).code, 0);
  let least = Infinity;
  const watch = setInterval(() => least = Math.min(least, rig.routes.length), 1);
  assert.equal((await vm.command("apply", "-priority", "900", "-instance-tag", "inside")).code, 0);
  clearInterval(watch);
  assert.equal(least, 1);
  assert.deepEqual(rig.routes.map(({ priority, tags }) => [priority, tags]), [[900, ["inside"]]]);
  assert.equal((await vm.command("plan", "-priority", "900", "-instance-tag", "inside")).code, 0);
}, { operationMs: 30 });

test("the executable writes to the host project in a Shared VPC", async (rig, vm) => {
  vm.start();
  await vm.announce(["192.168.0.0/24"]);
  await untilRoutes(rig, [`192.168.0.0/24 ${addresses.router}`]);
  await vm.announce(["192.168.0.0/24"], addresses.neighbour);
  await untilRoutes(rig, [`192.168.0.0/24 ${addresses.neighbour}`]);
}, { sharedVpc: true });

test(
  "the executable keeps two networks in step though the neighbour is in one of them only",
  async (rig, vm) => {
    const second = { subnetProject: "prod", subnet: "south", networkIP: "172.20.0.2" };
    Object.assign(rig.metadata.instance, { interfaces: [...rig.metadata.instance.interfaces, second] });
    const networks = ["-route-table", "net", "-route-table", "other"];
    await vm.announce(["192.168.0.0/24"], addresses.neighbour);
    vm.start(...networks);
    await untilRoutes(rig, [`192.168.0.0/24 ${addresses.neighbour}`, "192.168.0.0/24 router-a"]);
    const [here] = rig.routes.filter(({ nextHopIp }) => nextHopIp === addresses.neighbour);
    assert.match(here?.network ?? "", /\/net$/);
    assert.equal((await vm.command("plan", ...networks)).code, 0, "it is in step");
  },
);

test("the executable drops what lies in the network's subnets and says so", async (rig, vm) => {
  rig.net.autoCreateSubnetworks = true;
  rig.net.peerings.push({
    name: "to-services",
    network: "projects/services/global/networks/services",
    state: "ACTIVE",
    routes: [{ destRange: "10.100.0.0/20", type: "SUBNET_PEERING_ROUTE", imported: true }],
  });
  const own = ["10.1.0.0/25", "10.64.3.0/24", "10.130.0.0/16", "10.100.1.0/24"];
  const reserved = ["199.36.153.8/30", "34.126.1.0/24", "2600:2d00:2:1000::/64", "2600:2d00:2:2000::/56"];
  await vm.announce([...own, ...reserved.filter((prefix) => !prefix.includes(":")), "192.168.0.0/24"]);
  await vm.namespace.batch([
    "address add 2001:db8:f::1/64 dev wan0 nodad",
    ...reserved.filter((prefix) => prefix.includes(":")).map((prefix) =>
      `route add ${prefix} via 2001:db8:f::5 dev wan0 proto bgp`
    ),
  ]);
  const { stdout } = await vm.command("plan", "-ipv6", "-dropped", "-output", "json");
  const { changes, dropped } = JSON.parse(stdout).tables[0];
  assert.deepEqual(changes.map((change: { prefix: string }) => change.prefix), ["192.168.0.0/24"]);
  const reasons = new Map(
    dropped.map((drop: { prefix: string; reason: string }) => [drop.prefix, drop.reason]),
  );
  for (const prefix of own) assert.equal(reasons.get(prefix), "own-network", prefix);
  for (const prefix of reserved) assert.equal(reasons.get(prefix), "reserved", prefix);
  assert.equal(rig.routes.length, 0);
});

test("30 routes take the executable an insert and a wait each, and a few calls besides", async (rig, vm) => {
  await vm.announce(["192.168.0.0/24"]);
  vm.start();
  await untilRoutes(rig, ["192.168.0.0/24 router-a"]);
  const start = rig.compute.calls.length;
  await vm.announce(numbered(30));
  await until("31 routes", () => rig.routes.length === 31);
  const calls = rig.compute.calls.slice(start).map(({ method, path }) =>
    `${method} ${path.replace(/operation-.*/, "")}`
  );
  assert.equal(calls.filter((call) => call.endsWith("/global/routes") && call.startsWith("POST")).length, 30);
  assert.ok(calls.length <= 70, calls.join("\n"));
}, { operationMs: 100 });

test("cleanup removes all routes of this owner and none of another", async (rig, vm) => {
  rig.addForeign("static", "203.0.113.0/24");
  await vm.announce(numbered(20));
  assert.equal((await vm.command("apply")).code, 0);
  assert.equal((await vm.command("apply", "-owner", "other", "-protocol", "ospf")).code, 0);
  assert.equal(rig.routes.length, 21);
  assert.equal((await vm.command("cleanup")).code, 0);
  assert.deepEqual(rig.summary, ["203.0.113.0/24 10.0.0.4"]);
});

test("doctor finds a well set up VM well, and tells what is not", async (rig, vm) => {
  const well = await vm.command("doctor", "-output", "json");
  assert.match(well.stdout, /canIpForward/);
  rig.metadata.instance.canIpForward = false;
  rig.project.denied.add("compute.routes.create");
  const bad = await vm.command("doctor");
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /cannot be changed later/);
  assert.match(bad.stdout, /lacks compute\.routes\.create/);
  assert.match((await vm.command("doctor", "-next-hop-ilb", "routers")).stdout, /cannot be changed later/);
  rig.metadata.scopes = ["https://www.googleapis.com/auth/devstorage.read_only"];
  const scopes = await vm.command("doctor");
  assert.match(
    scopes.stdout,
    /^\[bad\] +identity: .*insufficient authentication scopes.*\n.*--scopes=cloud-platform$/m,
  );
  assert.doesNotMatch(scopes.stdout, /lacks/);
  const policy = await vm.command("doctor", "-policy");
  assert.equal(policy.code, 0);
  assert.match(policy.stdout, /includedPermissions:/);
});

test("the executable stops though an operation is under way", async (rig, vm) => {
  await vm.announce(["192.168.0.0/24"]);
  vm.start();
  await until(
    "the operation is waited for",
    () => rig.compute.calls.some(({ path }) => path.endsWith("/wait")),
  );
  assert.equal((await vm.stop()).code, 0);
}, { operationMs: 60_000 });
