/** Google Cloud's side of the Cloud interface against the fake API and metadata server. */

import { alone } from "../../fakes/groups.ts";
import assert from "node:assert/strict";
import type { Change, CloudQuota, CloudRoute, CloudTable, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import type { SyncStatus } from "../../../src/sync/sync_status.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { parseAddress, parseInterfaceAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import type { Fault } from "../../fakes/gcp/compute.ts";
import { neighbourForIpv4, neighbours } from "../../fakes/neighbours.ts";
import { addresses, GcpRig, type GcpRigOptions } from "../../fakes/gcp/rig.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";

const signal = new AbortController().signal;
const self = "projects/prod/zones/europe-west1-b/instances/router-a";

/** A cloud opened on a rig of its own. */
interface Bench {
  readonly rig: GcpRig;
  readonly cloud: ConnectedCloud;
  readonly table: CloudTable;
  read(): Promise<TableState>;
  write(...changes: readonly Change[]): Promise<readonly (CloudErrorKind | null)[]>;
}

function test(
  name: string,
  body: (bench: Bench) => Promise<void>,
  rigOptions: GcpRigOptions = {},
  options: Partial<AnyCloudOptions> = {},
): void {
  Deno.test(name, async () => {
    await using rig = GcpRig.start(rigOptions);
    const cloud = new ConnectedCloud(openGcp(rig.options(options)));
    const [table] = await cloud.prepare(signal);
    assert.ok(table !== undefined);
    const read = (): Promise<TableState> => cloud.read(table, signal);
    const write = async (...changes: readonly Change[]): Promise<readonly (CloudErrorKind | null)[]> => {
      const { outcomes } = await cloud.write(table, changes, await read(), signal);
      return outcomes.map((outcome) => outcome?.kind ?? null);
    };
    await body({ rig, cloud, table, read, write });
    assert.deepEqual(rig.compute.violations, []);
  });
}

function add(prefix: string, ...to: readonly string[]): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to };
}

/** Google's quota as it is told. */
function routeQuota(used: number, limit: number | null): CloudQuota {
  return { families: [4, 6], used, limit, perNextHop: true, immutable: true };
}

/** The owned routes of a prefix as the reconciler folds them. */
function folded(state: TableState, prefix: string): CloudRoute {
  const own = state.routes.filter((route) => route.owner === "edge" && route.prefix.text === prefix);
  const [first] = own;
  assert.ok(first !== undefined, `no route of ours to ${prefix}`);
  const ids = own.flatMap(({ id }) => id ?? []);
  return { ...first, nextHops: own.flatMap((route) => route.nextHops).sort(), ids };
}

async function replace(bench: Bench, prefix: string, ...to: readonly string[]): Promise<Change> {
  return { action: "replace", prefix: parsePrefix(prefix), from: folded(await bench.read(), prefix), to };
}

async function remove(bench: Bench, prefix: string): Promise<Change> {
  return {
    action: "delete",
    prefix: parsePrefix(prefix),
    from: folded(await bench.read(), prefix),
    to: null,
  };
}

function fault(path: string, show: Fault["show"], times = 1, method?: string): Fault {
  return { path, show, times, ...(method === undefined ? {} : { method }) };
}

async function rejection(promise: Promise<unknown>): Promise<CloudError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
  return assert.fail("it did not throw");
}

test("identify() takes the subnet from Google, not from the interface", async ({ cloud }) => {
  const identity = await cloud.identify(signal);
  assert.equal(identity.instance, "router-a");
  assert.deepEqual(identity.addresses.map(({ text }) => text), [addresses.router, addresses.routerIpv6]);
  assert.deepEqual(identity.attachments.map(({ networks }) => networks.map(({ text }) => text)), [[
    "10.0.0.0/24",
    "fd20:0:0:1::/64",
    "10.64.0.0/16",
    "10.1.0.0/24",
  ]]);
  assert.deepEqual(identity.subnetRouters.map(({ text }) => text).slice(0, 2), [
    addresses.gateway,
    "10.1.0.1",
  ]);
  assert.equal(identity.linkLocalIsRouter, true);
  assert.deepEqual(identity.self, { 4: self, 6: self });
});

test("identify() counts all subnets of the network with their secondary ranges", async ({ cloud }) => {
  const { networks } = await cloud.identify(signal);
  const texts = networks.map(({ text }) => text).sort();
  assert.deepEqual(texts, ["10.0.0.0/24", "10.1.0.0/24", "10.64.0.0/16", "fd20:0:0:1::/64"]);
}, { pageSize: 1 });

test("identify() makes do with its own subnet when it may not list them", async ({ rig, cloud }) => {
  rig.project.denied.add("compute.subnetworks.list");
  const { networks } = await cloud.identify(signal);
  assert.deepEqual(networks.map(({ text }) => text), ["10.0.0.0/24", "fd20:0:0:1::/64", "10.64.0.0/16"]);
});

/** A network that `net` is peered with; it does not import the public range. */
function peer({ net }: GcpRig): void {
  net.peerings.push(
    {
      name: "to-services",
      network: "projects/services/global/networks/services",
      state: "ACTIVE",
      routes: [
        { destRange: "10.200.0.0/20", type: "SUBNET_PEERING_ROUTE", imported: true },
        { destRange: "fd20:0:0:9::/64", type: "SUBNET_PEERING_ROUTE", imported: true },
        { destRange: "192.0.2.0/24", type: "SUBNET_PEERING_ROUTE", imported: false },
        { destRange: "198.51.100.0/24", type: "STATIC_PEERING_ROUTE", imported: true },
      ],
    },
    { name: "half-made", network: "projects/p/global/networks/n", state: "INACTIVE", routes: [] },
  );
}

test("identify() counts the subnets of peered networks as the network's own", async ({ rig, cloud }) => {
  peer(rig);
  const { networks, attachments } = await cloud.identify(signal);
  const texts = networks.map(({ text }) => text);
  for (const range of ["10.200.0.0/20", "fd20:0:0:9::/64"]) assert.ok(texts.includes(range), range);
  for (const range of ["192.0.2.0/24", "198.51.100.0/24"]) assert.ok(!texts.includes(range), range);
  const reached = attachments[0]?.networks.map(({ text }) => text) ?? [];
  assert.ok(reached.includes("10.200.0.0/20"), "a gateway in there is named, not replaced by this VM");
}, { pageSize: 1 });

test("identify() counts what Google makes subnets in as the network's own", async ({ rig, cloud }) => {
  rig.net.autoCreateSubnetworks = true;
  const { networks, attachments } = await cloud.identify(signal);
  assert.ok(networks.some(({ text }) => text === "10.128.0.0/9"));
  assert.ok(!attachments[0]?.networks.some(({ text }) => text === "10.128.0.0/9"), "no VM is in all of it");
});

for (const permission of ["compute.networks.get", "compute.networks.listPeeringRoutes"]) {
  test(`identify() makes do without peers where ${permission} is missing`, async ({ rig, cloud }) => {
    peer(rig);
    rig.project.denied.add(permission);
    const { networks } = await cloud.identify(signal);
    assert.equal(networks.length, 4);
  });
}

test("write() tells a destination in a peer's subnet as invalid", async ({ rig, write }) => {
  peer(rig);
  assert.deepEqual(await write(add("10.200.1.0/24", self), add("192.0.2.0/25", self)), ["invalid", null]);
});

test("write() reports a next hop in a peer's subnet, which Google refuses", async ({ rig, write }) => {
  peer(rig);
  assert.deepEqual(await write(add("192.168.0.0/24", "10.200.0.9")), ["invalid"]);
});

test("identify() knows the subnet's routers, where a route would loop", async ({ cloud }) => {
  const { subnetRouters } = await cloud.identify(signal);
  assert.deepEqual(subnetRouters.map(({ text }) => text), ["10.0.0.1", "10.1.0.1", "fe80::4001:aff:fe00:1"]);
});

Deno.test("identify() says that IPv6 routes cannot point here when the VM has no IPv6", async () => {
  await using rig = GcpRig.start();
  const [leg] = rig.metadata.instance.interfaces;
  assert.ok(leg !== undefined);
  const { ipv6Address: _, ...ipv4 } = leg;
  Object.assign(rig.metadata.instance, { interfaces: [ipv4] });
  const identity = await new ConnectedCloud(openGcp(rig.options())).identify(signal);
  assert.deepEqual(identity.self, { 4: self, 6: null });
});

Deno.test("identify() does not believe what is no metadata server of Google's", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("hi"),
  );
  await using rig = GcpRig.start();
  const cloud = new ConnectedCloud(
    openGcp(rig.options({ imdsEndpoint: `http://127.0.0.1:${server.addr.port}` })),
  );
  assert.match((await rejection(cloud.identify(signal))).message, /not a Google metadata server/);
});

test("locate() finds the VM's own network, which is not ours", async ({ rig, table }) => {
  await Promise.resolve();
  assert.deepEqual(table, { id: rig.network, name: "net", ours: false });
});

Deno.test("prepare() refuses a network that the VM is not in", async () => {
  await using rig = GcpRig.start();
  const error = await rejection(
    new ConnectedCloud(openGcp(rig.options({ routeTables: ["other"] }))).prepare(signal),
  );
  assert.equal(error.kind, "invalid");
  assert.match(error.message, /"other".*only in net/);
});

test("resolve() names each gateway by its own address, in any subnet, and asks nobody", async ({ rig, cloud }) => {
  rig.compute.calls.length = 0;
  const asked = neighbours(addresses.neighbour, addresses.neighbourIpv6, "10.1.0.77", "10.64.3.4");
  const found = await cloud.resolve([...asked, neighbourForIpv4(addresses.neighbourIpv6)], signal);
  assert.deepEqual(found, [addresses.neighbour, addresses.neighbourIpv6, "10.1.0.77", "10.64.3.4", null]);
  assert.deepEqual(rig.compute.calls, []);
});

test("write() points a route at a router in another region", async ({ rig, write }) => {
  assert.deepEqual(await write(add("192.168.0.0/24", addresses.elsewhere)), [null]);
  assert.deepEqual(rig.summary, [`192.168.0.0/24 ${addresses.elsewhere}`]);
});

test("write() reports a next hop that Google refuses, and points nothing at this VM instead", async (bench) => {
  const { rig, cloud, table, read } = bench;
  const changes = [
    add("192.168.0.0/24", addresses.alias),
    add("192.168.1.0/24", addresses.loadBalancer),
    add("192.168.2.0/24", addresses.neighbour),
  ];
  const { outcomes } = await cloud.write(table, changes, await read(), signal);
  assert.deepEqual(outcomes.map((outcome) => outcome?.kind ?? null), ["invalid", "invalid", null]);
  assert.match(outcomes[0]?.message ?? "", /nextHopIp.*10\.64\.0\.9/);
  assert.deepEqual(rig.summary, [`192.168.2.0/24 ${addresses.neighbour}`]);
});

test("read() returns all pages and keeps other networks' routes out", async ({ rig, read }) => {
  for (let index = 0; index < 25; index++) rig.addForeign(`static-${index}`, `192.168.${index}.0/24`);
  const { routes } = await read();
  assert.equal(routes.length, 25 + 3);
  assert.ok(routes.every(({ owner }) => owner === null));
}, { pageSize: 10 });

test("read() and identify() keep other networks out though the lists are not filtered", async ({ rig, cloud, read }) => {
  rig.compute.heedsFilters = false;
  assert.equal((await read()).routes.length, 3);
  assert.ok(!(await cloud.identify(signal)).networks.some(({ text }) => text.startsWith("172.20.")));
});

test("read() tells what foreign routes point at", async ({ rig, read }) => {
  rig.addForeign("static", "192.168.0.0/24");
  const { routes } = await read();
  const hops = Object.fromEntries(routes.map(({ id, nextHops }) => [id, nextHops[0]]));
  assert.deepEqual(hops, {
    "default-route-net": "projects/prod/global/gateways/default-internet-gateway",
    "default-route-west": rig.network,
    "default-route-east": rig.network,
    "static": addresses.client,
  });
});

test("read() does not take a route for ours whose name alone, or description alone, says so", async (bench) => {
  await bench.write(add("192.168.0.0/24", self));
  const [ours] = bench.rig.routes;
  assert.ok(ours?.description !== undefined);
  bench.rig.addForeign("crs-edge-by-hand", "192.168.1.0/24");
  bench.rig.addForeign("copied", "192.168.0.0/24", { description: ours.description });
  bench.rig.addForeign("crs-edge-pasted", "192.168.2.0/24", { description: ours.description });
  const owned = (await bench.read()).routes.filter(({ owner }) => owner !== null);
  assert.deepEqual(owned.map(({ id }) => id), [ours.name]);
});

test("read() counts the static routes of the network, and asks nobody for a quota", async ({ rig, read }) => {
  rig.addForeign("static", "192.168.0.0/24");
  rig.compute.calls.length = 0;
  assert.deepEqual((await read()).quotas, [routeQuota(2, null)]);
  assert.equal(rig.compute.calls.length, 1);
});

test("read() learns the limit of the network from an error", async ({ rig, read, write }) => {
  rig.net.staticLimit = 1;
  assert.deepEqual(await write(add("192.168.0.0/24", self)), ["quota"]);
  assert.deepEqual((await read()).quotas, [routeQuota(1, 1)]);
});

test("read() learns the limit of the peering group from an error, and counts the peers' routes in it", async (bench) => {
  const { rig, cloud, read, write } = bench;
  peer(rig);
  await cloud.identify(signal);
  rig.net.peeringGroupLimit = 2;
  assert.deepEqual(await write(add("192.168.0.0/24", self)), ["quota"]);
  assert.deepEqual((await read()).quotas, [routeQuota(1, null), routeQuota(2, 2)]);
});

test("write() makes routes to this VM and to a neighbour, IPv4 and IPv6", async ({ rig, read, write }) => {
  const outcomes = await write(
    add("192.168.0.0/24", self),
    add("192.168.1.0/24", addresses.neighbour),
    add("2001:db8::/32", self),
    add("2001:db8:1::/48", addresses.neighbourIpv6),
  );
  assert.deepEqual(outcomes, [null, null, null, null]);
  assert.deepEqual(rig.summary, [
    "192.168.0.0/24 router-a",
    "192.168.1.0/24 10.0.0.3",
    "2001:db8:1::/48 fd20:0:0:1::3",
    "2001:db8::/32 router-a",
  ]);
  const own = (await read()).routes.filter(({ owner }) => owner === "edge");
  assert.deepEqual(own.map(({ prefix, nextHops }) => `${prefix.text} ${nextHops}`).sort(), [
    `192.168.0.0/24 ${self}`,
    `192.168.1.0/24 ${addresses.neighbour}`,
    `2001:db8:1::/48 ${addresses.neighbourIpv6}`,
    `2001:db8::/32 ${self}`,
  ]);
});

test("write() says in words and in a line who made a route", async ({ rig, write }) => {
  await write(add("192.168.0.0/24", self));
  const [route] = rig.routes;
  assert.match(route?.name ?? "", /^crs-edge-[0-9a-f]{20}$/);
  assert.match(
    route?.description ?? "",
    /^Made by cloudroutesync on router-a .* \[cloudroutesync owner=edge prefix=192/,
  );
});

test("write() makes a route for each of several next hops, all of one priority", async (bench) => {
  const { rig, read, write } = bench;
  assert.deepEqual(await write(add("192.168.0.0/24", addresses.neighbour, addresses.client)), [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 10.0.0.3", "192.168.0.0/24 10.0.0.4"]);
  assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [addresses.neighbour, addresses.client]);
  assert.deepEqual(await write(await replace(bench, "192.168.0.0/24", addresses.client)), [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 10.0.0.4"]);
});

test("write() keeps the old route when the new one's operation ends in error", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await replace(bench, "192.168.0.0/24", addresses.neighbour);
  rig.compute.faults.push(
    fault("/routes", { operation: { code: "INTERNAL_ERROR", message: "oops" } }, 1, "POST"),
  );
  assert.deepEqual(await write(change), ["unavailable"]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
  assert.deepEqual(await write(change), [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 10.0.0.3"]);
});

test("write() deletes all routes of ours to a prefix, and nobody else's", async (bench) => {
  const { rig, write } = bench;
  rig.addForeign("static", "192.168.0.0/24");
  await write(add("192.168.0.0/24", self, addresses.neighbour));
  assert.deepEqual(await write(await remove(bench, "192.168.0.0/24")), [null]);
  assert.deepEqual(rig.routes.map(({ name }) => name), ["static"]);
});

test("write() does not take a lost operation for a deleted route", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const message = "The resource 'projects/prod/global/operations/operation-1' was not found";
  rig.compute.faults.push(fault("/global/operations/", { status: 404, reason: "notFound", message }));
  assert.deepEqual(await write(change), ["unavailable"]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
}, { operationMs: 100 });

test("write() does not take a 404 of something else for a deleted route", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const message = "The resource 'projects/prod' was not found";
  rig.compute.faults.push(fault("/routes", { status: 404, reason: "notFound", message }, 1, "DELETE"));
  assert.deepEqual(await write(change), ["gone"]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
});

test("write() does not take a VM without a service account for a deleted route", async (bench) => {
  const { rig, write, cloud, table } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const state = await bench.read();
  rig.compute.tokens.clear();
  rig.metadata.token = null;
  const kinds: (CloudErrorKind | undefined)[] = [];
  // The first call finds the token refused, the second finds that there is none.
  for (let times = 0; times < 2; times++) {
    const { outcomes } = await cloud.write(table, [change], state, signal);
    kinds.push(outcomes[0]?.kind);
  }
  assert.deepEqual(kinds, ["unavailable", "denied"]);
});

test("write() counts a route as deleted that its operation did not find any more", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const [route] = rig.routes;
  const message = `The resource 'projects/prod/global/routes/${route?.name}' was not found`;
  const operation = { code: "RESOURCE_NOT_FOUND", message };
  rig.compute.faults.push(fault("/routes", { operation }, 1, "DELETE"));
  assert.deepEqual(await write(change), [null]);
});

test("write() is in conflict when another route has its name", async ({ rig, cloud, table, read, write }) => {
  const stale = await read();
  await write(add("192.168.0.0/24", self));
  const [route] = rig.routes;
  assert.ok(route !== undefined);
  rig.addForeign(route.name, "192.168.0.0/24");
  const { outcomes } = await cloud.write(table, [add("192.168.0.0/24", self)], stale, signal);
  assert.equal(outcomes[0]?.kind, "conflict");
  assert.equal(rig.project.routes.get(route.name)?.nextHopIp, addresses.client);
});

test("read() shows a route of ours as changed when priority or tags differ from what is set", async (bench) => {
  const { rig, read, write } = bench;
  await write(add("192.168.0.0/24", self));
  const other = new ConnectedCloud(openGcp(rig.options({ priority: 900, instanceTags: ["b", "a"] })));
  const state = await other.read(bench.table, signal);
  const { nextHops } = folded(state, "192.168.0.0/24");
  assert.deepEqual(nextHops, [`${self} priority=1000 tags=`]);
  const from = folded(state, "192.168.0.0/24");
  const change: Change = { action: "replace", prefix: from.prefix, from, to: [self] };
  const { outcomes } = await other.write(bench.table, [change], state, signal);
  assert.deepEqual(outcomes, [null]);
  assert.deepEqual(rig.routes.map(({ priority, tags }) => [priority, tags]), [[900, ["b", "a"]]]);
  assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [`${self} priority=900 tags=a,b`]);
});

test("write() has hundreds of operations under way together", async ({ rig, write }) => {
  const changes = Array.from({ length: 100 }, (_, index) => add(`192.168.${index}.0/24`, self));
  const start = rig.compute.calls.length;
  assert.deepEqual(new Set(await write(...changes)), new Set([null]));
  assert.equal(rig.routes.length, 100);
  const calls = rig.compute.calls.slice(start).map(({ path }) => path);
  // Were they waited for one by one, each wait would come right behind its insert.
  assert.ok(calls.findIndex((path) => path.endsWith("/wait")) < calls.length - 50);
  assert.equal(calls.filter((path) => path.endsWith("/wait")).length, 100);
}, { operationMs: 300 });

test("write() tells a destination inside a subnet as invalid, and makes the others", async ({ rig, write }) => {
  const outcomes = await write(
    add("10.0.0.128/25", self),
    add("10.64.1.0/24", self),
    add("192.168.0.0/24", self),
  );
  assert.deepEqual(outcomes, ["invalid", "invalid", null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
});

for (const told of ["answer", "operation"] as const) {
  test(`write() tells a full quota by the ${told} with its limit, and deletes all the same`, async (bench) => {
    const { rig, cloud, table, read, write } = bench;
    await write(add("192.168.0.0/24", self));
    const old = await remove(bench, "192.168.0.0/24");
    rig.compute.quotaIsTold = told;
    rig.net.staticLimit = rig.project.staticRoutesOf("net").length;
    const changes = [add("192.168.1.0/24", self), old];
    const { outcomes } = await cloud.write(table, changes, await read(), signal);
    assert.deepEqual(outcomes.map((outcome) => [outcome?.kind, outcome?.limit]), [["quota", 2], [
      undefined,
      undefined,
    ]]);
    assert.deepEqual(rig.summary, []);
  });
}

/** Next hops by prefix; null is this VM. */
type Wanted = Readonly<Record<string, readonly (string | null)[]>>;

/** Lets a reconciler bring the network to what is wanted, without waiting for the time that it asks for. */
async function reconcile({ cloud, table }: Bench, wanted: Wanted): Promise<SyncStatus> {
  const connection = await cloud.connection(signal);
  const routes = Object.entries(wanted).map(([prefix, hops]): [string, WantedRoute] => {
    const nextHops = hops.map((hop) => {
      const address = hop === null ? null : parseAddress(hop);
      return { neighbour: address, gateway: address };
    });
    return [prefix, { prefix: parsePrefix(prefix), nextHops, metric: 20, protocol: 186 }];
  });
  const reconciler = new Reconciler({
    isActive: () => true,
    cloud: cloud.cloud,
    connection: () => connection,
    table,
    owner: "edge",
    identity: () => connection.identity,
    wanted: new Map(routes),
    ledger: null,
    clock: new SteppingClock(),
    budget: new ApiBudget(cloud.cloud, new SteppingClock()),
    settings: {
      coalesceMs: 1,
      withdrawDelayMs: 0,
      auditMs: 300_000,
      guard: { maxWithdraw: 1, holdMs: 0 },
      adopt: false,
      group: alone,
    },
  });
  await reconciler.settle(signal, 30_000);
  return reconciler.status;
}

test("a plan makes the more specific route before the one that covers it", async (bench) => {
  const { rig } = bench;
  const seen: string[] = [];
  const watch = setInterval(() => {
    for (const { destRange } of rig.routes) if (!seen.includes(destRange)) seen.push(destRange);
  }, 1);
  await reconcile(bench, { "192.168.0.0/16": [null], "192.168.0.0/24": [null] });
  clearInterval(watch);
  assert.deepEqual(seen, ["192.168.0.0/24", "192.168.0.0/16"]);
}, { operationMs: 40 });

for (const told of ["answer", "operation"] as const) {
  test(
    `a plan gives an add the place of a delete where the ${told} says that the network is full`,
    async (bench) => {
      const { rig, write } = bench;
      await write(add("192.168.0.0/24", self));
      rig.compute.quotaIsTold = told;
      rig.net.staticLimit = rig.project.staticRoutesOf("net").length;
      assert.equal((await reconcile(bench, { "192.168.1.0/24": [null] })).inStep, true);
      assert.deepEqual(rig.summary, ["192.168.1.0/24 router-a"]);
    },
  );
}

/** 40 prefixes with a route to this VM each. */
async function fortyRoutes({ write }: Bench): Promise<readonly string[]> {
  const prefixes = Array.from({ length: 40 }, (_, index) => `192.168.${index}.0/24`);
  await write(...prefixes.map((prefix) => add(prefix, self)));
  return prefixes;
}

/** How many inserts were sent since a call. */
function insertsSince(rig: GcpRig, start: number): number {
  return rig.compute.calls.slice(start).filter(({ method, path }) =>
    method === "POST" && path.endsWith("/routes")
  ).length;
}

function wantedBy(prefixes: readonly string[], ...hops: readonly (string | null)[]): Wanted {
  return Object.fromEntries(prefixes.map((prefix) => [prefix, hops]));
}

for (const told of ["answer", "operation"] as const) {
  test(
    `a plan makes all replaces by turns once the ${told} has said that few places are spare`,
    async (bench) => {
      const { rig } = bench;
      const prefixes = await fortyRoutes(bench);
      rig.compute.quotaIsTold = told;
      rig.net.staticLimit = rig.project.staticRoutesOf("net").length + 2;
      const start = rig.compute.calls.length;
      assert.equal((await reconcile(bench, wantedBy(prefixes, addresses.neighbour))).inStep, true);
      assert.equal(rig.summary.filter((route) => route.endsWith(` ${addresses.neighbour}`)).length, 40);
      // Those over the quota are sent once, all together; from then on no more are sent than there seem to be places for.
      const rounds = 40 / 2;
      assert.ok(insertsSince(rig, start) <= 2 * 40 + rounds, `${insertsSince(rig, start)} inserts`);
    },
    { operationMs: 10 },
  );
}

/** Leaves so many places, and has a refusal tell the limit: nothing else does. */
async function learnLimit({ rig, write }: Bench, places: number): Promise<void> {
  const fillers = Array.from({ length: places }, (_, index) => `filler-${index}`);
  rig.net.staticLimit = rig.project.staticRoutesOf("net").length + places;
  for (const [index, name] of fillers.entries()) rig.addForeign(name, `203.0.113.${index}/32`);
  assert.deepEqual(await write(add("198.51.100.0/24", self)), ["quota"]);
  for (const name of fillers) rig.project.routes.delete(name);
}

test(
  "a plan makes replaces by turns and then adds where it is known how few places are spare",
  async (bench) => {
    const { rig } = bench;
    const prefixes = await fortyRoutes(bench);
    await learnLimit(bench, 2);
    const start = rig.compute.calls.length;
    const more = wantedBy(["192.168.100.0/24", "192.168.101.0/24"], null);
    const status = await reconcile(bench, { ...wantedBy(prefixes, addresses.neighbour), ...more });
    assert.equal(status.inStep, true);
    assert.equal(insertsSince(rig, start), 42, "none was sent in vain");
  },
  { operationMs: 10 },
);

test(
  "a plan makes replaces with several next hops one by one where there are places for one only",
  async (bench) => {
    const { rig, write } = bench;
    const prefixes = ["192.168.0.0/24", "192.168.1.0/24"];
    await write(...prefixes.map((prefix) => add(prefix, self, addresses.router)));
    await learnLimit(bench, 2);
    const start = rig.compute.calls.length;
    const status = await reconcile(bench, wantedBy(prefixes, addresses.neighbour, addresses.client));
    assert.equal(status.inStep, true);
    assert.equal(insertsSince(rig, start), 4, "none was sent in vain");
  },
  { operationMs: 10 },
);

test("a plan leaves replaces out for which no place is spare", async (bench) => {
  const { rig, write } = bench;
  const prefixes = ["192.168.0.0/24", "192.168.1.0/24"];
  await write(...prefixes.map((prefix) => add(prefix, self)));
  await learnLimit(bench, 0);
  const start = rig.compute.calls.length;
  const { overQuota } = await reconcile(bench, wantedBy(prefixes, addresses.neighbour));
  assert.deepEqual(overQuota, prefixes);
  assert.equal(insertsSince(rig, start), 0);
  assert.deepEqual(rig.summary, prefixes.map((prefix) => `${prefix} router-a`));
});

test("write() does not send adds again that were over the quota: none of them frees a place", async (bench) => {
  const { rig, write } = bench;
  rig.net.staticLimit = rig.project.staticRoutesOf("net").length + 1;
  const outcomes = await write(add("192.168.0.0/24", self), add("192.168.1.0/24", self));
  assert.deepEqual([...outcomes].sort(), [null, "quota"].sort());
  assert.equal(insertsSince(rig, 0), 2);
});

test("write() stops sending when it is throttled and passes Retry-After on", async ({ rig, cloud, table, read }) => {
  const show = { status: 403, reason: "rateLimitExceeded", message: "Rate Limit Exceeded", retryAfter: "3" };
  rig.compute.faults.push(fault("/routes", show, Infinity, "POST"));
  const changes = Array.from({ length: 100 }, (_, index) => add(`192.168.${index}.0/24`, self));
  const state = await read();
  const { outcomes } = await cloud.write(table, changes, state, signal);
  assert.ok(outcomes.every((outcome) => outcome?.kind === "throttled" && outcome.retryAfterMs === 3000));
  assert.ok(rig.compute.calls.filter(({ method }) => method === "POST").length <= 16);
});

test("write() stops sending when the API is out of reach, but not for one answer in three", async (bench) => {
  const { rig, write } = bench;
  const down = { status: 503, reason: "backendError", message: "Backend Error" };
  const changes = Array.from({ length: 60 }, (_, index) => add(`192.168.${index}.0/24`, self));
  rig.compute.faults.push(fault("/routes", down, 1, "POST"));
  assert.equal((await write(...changes)).filter((kind) => kind === "unavailable").length, 1);
  const before = rig.compute.calls.length;
  rig.compute.faults.push(fault("/routes", down, Infinity, "DELETE"));
  const deletes = await Promise.all(rig.routes.map(({ destRange }) => remove(bench, destRange)));
  assert.ok((await write(...deletes)).every((kind) => kind === "unavailable"));
  assert.ok(rig.compute.calls.slice(before).filter(({ method }) => method === "DELETE").length <= 20);
});

test("write() waits on for an operation whose wait comes back early", async ({ rig, write }) => {
  rig.compute.operations.waitMs = 20;
  assert.deepEqual(await write(add("192.168.0.0/24", self)), [null]);
}, { operationMs: 120 });

test("write() gives up as soon as its signal says so", async ({ rig, cloud, table, read }) => {
  const state = await read();
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(cloud.write(table, [add("192.168.0.0/24", self)], state, controller.signal), /enough/);
  assert.deepEqual(rig.summary, []);
}, { operationMs: 60_000 });

test("write() calls a network that another operation holds unavailable, so that it is tried again", async ({ rig, write }) => {
  const message = "There is a peering operation in progress on the local or peer network. Try again later.";
  rig.compute.faults.push(fault("/routes", { status: 400, reason: "badRequest", message }, 1, "POST"));
  assert.deepEqual(await write(add("192.168.0.0/24", self)), ["unavailable"]);
  assert.deepEqual(await write(add("192.168.0.0/24", self)), [null]);
});

test("a token is asked for once while it is good", async ({ rig, read }) => {
  for (let times = 0; times < 3; times++) await read();
  assert.equal(rig.metadata.calls.filter((path) => path.endsWith("/token")).length, 1);
});

test("in a Shared VPC routes go to the host project and point at the VM's address", async (bench) => {
  const { rig, cloud, table, read, write } = bench;
  assert.equal(table.id, "projects/host/global/networks/net");
  const identity = await cloud.identify(signal);
  assert.deepEqual(identity.self, { 4: self, 6: self });
  assert.deepEqual(await write(add("192.168.0.0/24", self), add("2001:db8::/32", self)), [null, null]);
  assert.deepEqual(rig.summary, [
    `192.168.0.0/24 ${addresses.router}`,
    `2001:db8::/32 ${addresses.routerIpv6}`,
  ]);
  assert.equal(rig.compute.project("prod").routes.size, 0);
  assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [self]);
}, { sharedVpc: true });

test("in a Shared VPC routes name routers of other service projects by their addresses", async (bench) => {
  const { rig, cloud, read, write } = bench;
  const neighbour = "10.1.0.9";
  rig.compute.project("other-service").instances.push({
    name: "router-z",
    zone: "us-east1-b",
    canIpForward: true,
    interfaces: [{ subnetProject: "host", subnet: "east", networkIP: neighbour }],
  });
  const [id = null] = await cloud.resolve(neighbours(neighbour), signal);
  assert.equal(id, neighbour);
  assert.deepEqual(await write(add("192.168.0.0/24", neighbour)), [null]);
  assert.deepEqual(rig.summary, [`192.168.0.0/24 ${neighbour}`]);
  assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [neighbour]);
}, { sharedVpc: true });

/** A second interface for the VM that the program runs on, in network `other`. */
function addInterface(rig: GcpRig): void {
  const interfaces = [...rig.metadata.instance.interfaces, {
    subnetProject: rig.project.id,
    subnet: "south",
    networkIP: "172.20.0.2",
  }];
  Object.assign(rig.metadata.instance, { interfaces });
}

/** A VM of network `other` in another region, with an address that a VM of network `net` has too. */
function addNamesake(rig: GcpRig): void {
  rig.project.subnets.push({
    name: "north",
    region: "us-east1",
    network: "other",
    ipCidrRange: "10.0.0.0/24",
    gatewayAddress: addresses.gateway,
  });
  const interfaces = [{ subnetProject: "prod", subnet: "north", networkIP: addresses.neighbour }];
  rig.project.instances.push({ name: "namesake", zone: "us-east1-b", canIpForward: true, interfaces });
}

Deno.test("in a network that the neighbour is not in, its routes point at this VM", async () => {
  await using rig = GcpRig.start();
  addInterface(rig);
  addNamesake(rig);
  const cloud = new ConnectedCloud(openGcp(rig.options({ routeTables: ["net", "other"] })));
  await cloud.identify(signal);
  const [to = null] = await cloud.resolve(neighbours(addresses.neighbour), signal);
  assert.ok(to !== null);
  for (const table of await cloud.prepare(signal)) {
    const write = async (change: Change): Promise<void> => {
      const { outcomes } = await cloud.write(table, [change], await cloud.read(table, signal), signal);
      assert.deepEqual(outcomes, [null]);
    };
    await write(add("192.168.0.0/24", to));
    const standing = folded(await cloud.read(table, signal), "192.168.0.0/24");
    assert.deepEqual(standing.nextHops, [to], "as read it must be as wanted");
    await write({ action: "replace", prefix: standing.prefix, from: standing, to: [to, self] });
    assert.deepEqual(folded(await cloud.read(table, signal), "192.168.0.0/24").nextHops, [to, self].sort());
  }
  const hops = rig.routes.map(({ network, nextHopIp, nextHopInstance }) =>
    `${network.replace(/^.*\//, "")} ${nextHopIp ?? nextHopInstance?.replace(/^.*\//, "")}`
  );
  assert.deepEqual(hops.sort(), ["net 10.0.0.3", "net router-a", "other router-a", "other router-a"]);
  assert.deepEqual(rig.compute.violations, []);
});

Deno.test("identify() tells networks apart: what two have is reached by the interface alone whose subnet it is", async () => {
  await using rig = GcpRig.start();
  addInterface(rig);
  addNamesake(rig);
  const { attachments } =
    (await openGcp(rig.options({ routeTables: ["net", "other"] })).identify(signal)).identity;
  const seen = attachments.map((
    { addresses: own, networks },
  ) => [own[0]?.text, networks.map(({ text }) => text)]);
  assert.deepEqual(seen, [
    [addresses.router, ["10.0.0.0/24", "fd20:0:0:1::/64", "10.64.0.0/16", "10.1.0.0/24"]],
    ["172.20.0.2", ["172.20.0.0/24"]],
  ]);
});

Deno.test("-self picks the interface, and so the network", async () => {
  await using rig = GcpRig.start();
  addInterface(rig);
  const self = [parseInterfaceAddress("172.20.0.2/32")];
  const cloud = new ConnectedCloud(openGcp(rig.options({ self })));
  const identity = await cloud.identify(signal);
  assert.deepEqual(identity.self, { 4: "projects/prod/zones/europe-west1-b/instances/router-a", 6: null });
  assert.deepEqual((await cloud.prepare(signal)).map(({ name }) => name), ["other"]);
  const wrong = openGcp(rig.options({ self: [parseInterfaceAddress("172.20.0.9/32")] }));
  const error = await rejection(wrong.identify(signal));
  assert.equal(error.kind, "invalid");
  assert.match(
    error.message,
    /-self 172\.20\.0\.9: no interface of this VM has that address, they have 10\.0\.0\.2/,
  );
});

Deno.test("a route that names another network's VM of the same address is replaced", async () => {
  await using rig = GcpRig.start();
  addInterface(rig);
  addNamesake(rig);
  const alone = new ConnectedCloud(openGcp(rig.options({ routeTables: ["other"] })));
  const [table] = await alone.prepare(signal);
  assert.ok(table !== undefined);
  const change = add("192.168.0.0/24", addresses.neighbour);
  await alone.write(table, [change], await alone.read(table, signal), signal);
  const both = new ConnectedCloud(openGcp(rig.options({ routeTables: ["net", "other"] })));
  const state = await both.read(table, signal);
  const from = folded(state, "192.168.0.0/24");
  assert.deepEqual(from.nextHops, ["10.0.0.3 of another network"]);
  const replaced: Change = { action: "replace", prefix: from.prefix, from, to: [addresses.neighbour] };
  const { outcomes } = await both.write(table, [replaced], state, signal);
  assert.deepEqual(outcomes, [null]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
  assert.deepEqual(folded(await both.read(table, signal), "192.168.0.0/24").nextHops, [addresses.neighbour]);
  assert.deepEqual(folded(await alone.read(table, signal), "192.168.0.0/24").nextHops, [self]);
});

const rule = "projects/prod/regions/europe-west1/forwardingRules/routers";
test(
  "with -next-hop-ilb routes to this VM point at the forwarding rule",
  async ({ rig, cloud, read, write }) => {
    assert.equal((await cloud.identify(signal)).self[4], rule);
    await write(add("192.168.0.0/24", rule), add("192.168.1.0/24", addresses.neighbour));
    assert.deepEqual(rig.summary, ["192.168.0.0/24 routers", `192.168.1.0/24 ${addresses.neighbour}`]);
    assert.deepEqual(folded(await read(), "192.168.0.0/24").nextHops, [rule]);
  },
  {},
  { nextHopIlb: "routers" },
);

test(
  "with -no-ecmp a route has one next hop",
  async ({ cloud }) => {
    await Promise.resolve();
    assert.equal(cloud.traits.nextHopsPerRoute, 1);
  },
  {},
  { noEcmp: true },
);

test("remove() removes nothing", async ({ rig, cloud }) => {
  const before = rig.compute.calls.length;
  await cloud.remove(signal);
  assert.equal(rig.compute.calls.length, before);
});

test("check() finds all well on a VM that is set up well", async ({ cloud }) => {
  const findings = await cloud.check({ fix: false }, signal);
  assert.deepEqual(findings.map(({ name, status }) => `${name}: ${status}`), [
    "identity: ok",
    "access scopes: ok",
    "network: ok",
    "IP forwarding: ok",
    "permissions in prod: ok",
    "route quota of net: unknown",
  ]);
});

test("check() says what is wrong and how to fix it", async ({ rig, cloud }) => {
  rig.metadata.instance.canIpForward = false;
  rig.metadata.scopes = ["compute.readonly", "cloud-platform.read-only"].map((scope) =>
    `https://www.googleapis.com/auth/${scope}`
  );
  rig.project.denied.add("compute.routes.delete");
  await cloud.identify(signal);
  const findings = new Map(
    (await cloud.check({ fix: false }, signal)).map((finding) => [finding.name, finding]),
  );
  const expected: readonly [string, RegExp][] = [
    ["IP forwarding", /cannot be changed later/],
    ["access scopes", /set-service-account router-a/],
    ["permissions in prod", /doctor -policy/],
  ];
  for (const [name, remedy] of expected) {
    assert.equal(findings.get(name)?.status, "bad", name);
    assert.match(findings.get(name)?.remedy ?? "", remedy);
  }
  assert.match(findings.get("permissions in prod")?.detail ?? "", /lacks compute\.routes\.delete$/);
});

test("check() counts the network's static routes, whose limit Google tells by a refusal alone", async (bench) => {
  const { rig, cloud } = bench;
  const seen = async (): Promise<string> => {
    const findings = await cloud.check({ fix: false }, signal);
    const { status, detail } = findings.find(({ name }) => name === "route quota of net") ?? {};
    return `${status}: ${detail}`;
  };
  peer(rig);
  await cloud.identify(signal);
  assert.match(
    await seen(),
    /^unknown: 1 route; 200 static routes fit .*, and 1 in the networks that it is peered/,
  );
  for (let index = 0; index < 199; index++) rig.addForeign(`static-${index}`, `192.168.${index}.0/24`);
  assert.match(await seen(), /^unknown: 200 routes; /);
  rig.net.staticLimit = 200;
  const self = (await cloud.identify(signal)).self[4] ?? "";
  assert.deepEqual(await bench.write(add("192.168.240.0/24", self)), ["quota"]);
  assert.match(await seen(), /^bad: 200 of 200 routes/, "the refusal has told it");
});

test("check() tests host and service project apart in a Shared VPC", async ({ rig, cloud }) => {
  rig.project.denied.add("compute.networks.updatePolicy");
  const findings = await cloud.check({ fix: false }, signal);
  const permissions = findings.filter(({ name }) => name.startsWith("permissions"));
  assert.deepEqual(permissions.map(({ name, status }) => `${name}: ${status}`), [
    "permissions in host: bad",
    "permissions in prod: ok",
  ]);
}, { sharedVpc: true });

Deno.test("identify() that is denied becomes a finding with the permission that is missing", async () => {
  await using rig = GcpRig.start();
  rig.compute.project("prod").denied.add("compute.instances.get");
  const findings = await new ConnectedCloud(openGcp(rig.options())).check({ fix: false }, signal);
  assert.deepEqual(findings.map(({ name, status }) => [name, status]), [["identity", "bad"]]);
  assert.match(findings[0]?.remedy ?? "", /^allow compute\.instances\.get /);
});

test("policy() is a custom role with the permissions that the calls need", async ({ cloud }) => {
  await Promise.resolve();
  const policy = cloud.policy();
  assert.match(policy, /^includedPermissions:\n( {2}- compute\.[a-zA-Z.]+\n)+$/m);
  for (
    const permission of ["compute.routes.create", "compute.networks.updatePolicy", "compute.instances.use"]
  ) {
    assert.ok(policy.includes(`- ${permission}\n`), permission);
  }
});

test("describe() shortens what is long", async ({ cloud }) => {
  await Promise.resolve();
  assert.equal(cloud.describe(self), "router-a (europe-west1-b)");
  assert.equal(cloud.describe(addresses.neighbour), addresses.neighbour);
  assert.equal(cloud.describe(`${self} priority=900`), "router-a (europe-west1-b) priority=900");
});
