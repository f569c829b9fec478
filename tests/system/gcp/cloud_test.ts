/** Google Cloud's side of the Cloud interface against the fake API and metadata server. */

import assert from "node:assert/strict";
import type {
  Change,
  Cloud,
  CloudQuota,
  CloudRoute,
  CloudTable,
  TableState,
} from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { CloudOptions } from "../../../src/clouds/cloud_options.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import type { Fault } from "../../fakes/gcp_compute.ts";
import { addresses, GcpRig, type GcpRigOptions } from "../../fakes/gcp_rig.ts";

const signal = new AbortController().signal;
const self = "projects/prod/zones/europe-west1-b/instances/router-a";

/** A cloud opened on a rig of its own. */
interface Bench {
  readonly rig: GcpRig;
  readonly cloud: Cloud;
  readonly table: CloudTable;
  read(): Promise<TableState>;
  write(...changes: readonly Change[]): Promise<readonly (CloudErrorKind | null)[]>;
}

function test(
  name: string,
  body: (bench: Bench) => Promise<void>,
  rigOptions: GcpRigOptions = {},
  options: Partial<CloudOptions> = {},
): void {
  Deno.test(name, async () => {
    await using rig = GcpRig.start(rigOptions);
    const cloud = openGcp(rig.options(options));
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
  return { ...first, nextHops: own.flatMap((route) => route.nextHops).sort() };
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
  assert.deepEqual(identity.subnets.map(({ text }) => text), ["10.0.0.0/24", "fd20:0:0:1::/64"]);
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

test("identify() knows the subnet's routers, where a route would loop", async ({ cloud }) => {
  const { subnetRouters } = await cloud.identify(signal);
  assert.deepEqual(subnetRouters.map(({ text }) => text), ["10.0.0.1", "fe80::4001:aff:fe00:1"]);
});

Deno.test("identify() says that IPv6 routes cannot point here when the VM has no IPv6", async () => {
  await using rig = GcpRig.start();
  const [leg] = rig.metadata.instance.interfaces;
  assert.ok(leg !== undefined);
  const { ipv6Address: _, ...ipv4 } = leg;
  Object.assign(rig.metadata.instance, { interfaces: [ipv4] });
  const identity = await openGcp(rig.options()).identify(signal);
  assert.deepEqual(identity.self, { 4: self, 6: null });
});

Deno.test("identify() is unavailable while the metadata server is down", async () => {
  await using rig = GcpRig.start();
  rig.metadata.isUp = false;
  assert.equal((await rejection(openGcp(rig.options()).identify(signal))).kind, "unavailable");
});

Deno.test("identify() does not believe what is no metadata server of Google's", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("hi"),
  );
  await using rig = GcpRig.start();
  const cloud = openGcp(rig.options({ imdsEndpoint: `http://127.0.0.1:${server.addr.port}` }));
  assert.match((await rejection(cloud.identify(signal))).message, /no Google metadata server/);
});

Deno.test("identify() names the permission that it lacks", async () => {
  await using rig = GcpRig.start();
  rig.compute.project("prod").denied.add("compute.instances.get");
  const error = await rejection(openGcp(rig.options()).identify(signal));
  assert.deepEqual([error.kind, error.action], ["denied", "compute.instances.get"]);
});

Deno.test("identify() gives up as soon as its signal says so", async () => {
  await using rig = GcpRig.start();
  rig.compute.faults.push(fault("/instances/", "hang"));
  const controller = new AbortController();
  const identity = openGcp(rig.options()).identify(controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(identity, /enough/);
});

test("locate() finds the VM's own network, which is not ours", async ({ rig, table }) => {
  await Promise.resolve();
  assert.deepEqual(table, { id: rig.network, name: "net", ours: false });
});

Deno.test("prepare() refuses a network that the VM is not in", async () => {
  await using rig = GcpRig.start();
  const error = await rejection(openGcp(rig.options({ routeTables: ["other"] })).prepare(signal));
  assert.equal(error.kind, "invalid");
  assert.match(error.message, /"other".*only in net/);
});

test("resolve() finds the VMs of the network, and no other address", async ({ rig, cloud }) => {
  const interfaces = [{ subnetProject: "prod", subnet: "south", networkIP: "10.0.0.77" }];
  rig.project.instances.push({ name: "elsewhere", zone: "europe-west1-c", canIpForward: true, interfaces });
  const gateways = [addresses.neighbour, addresses.neighbourIpv6, "10.0.0.77"].map(parseAddress);
  const found = await cloud.resolve(gateways, signal);
  assert.deepEqual([...found], [
    [addresses.neighbour, addresses.neighbour],
    [addresses.neighbourIpv6, addresses.neighbourIpv6],
    ["10.0.0.77", null],
  ]);
}, { pageSize: 1 });

test("resolve() asks once for what it knows", async ({ rig, cloud }) => {
  for (let index = 0; index < 3; index++) await cloud.resolve([parseAddress(addresses.neighbour)], signal);
  assert.equal(rig.compute.calls.filter(({ path }) => path.endsWith("/aggregated/instances")).length, 1);
});

test("resolve() fails rather than call a VM of an unreachable zone a stranger", async ({ rig, cloud }) => {
  rig.compute.unreachable.add("europe-west1-b");
  assert.equal(
    (await rejection(cloud.resolve([parseAddress(addresses.neighbour)], signal))).kind,
    "unavailable",
  );
  rig.compute.unreachable.clear();
  const found = await cloud.resolve([parseAddress(addresses.neighbour)], signal);
  assert.equal(found.get(addresses.neighbour), addresses.neighbour);
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

test("read() tells the project's quota, which counts the static routes of all its networks", async ({ rig, read }) => {
  rig.addForeign("static", "192.168.0.0/24");
  rig.project.routeLimit = 250;
  assert.deepEqual((await read()).quotas, [routeQuota(3, 250)]);
});

test("read() learns the limit from an error when the project does not tell it", async ({ rig, read, write }) => {
  rig.project.tellsQuota = false;
  assert.deepEqual((await read()).quotas, [routeQuota(1, null)]);
  rig.project.routeLimit = 2;
  assert.deepEqual(await write(add("192.168.0.0/24", self)), ["quota"]);
  assert.deepEqual((await read()).quotas, [routeQuota(1, 2)]);
});

test("read() works without the permission to read quotas", async ({ rig, read }) => {
  rig.project.denied.add("compute.projects.get");
  assert.deepEqual((await read()).quotas, [routeQuota(1, null)]);
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

test("write() replaces without a moment in which the prefix has no route", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await replace(bench, "192.168.0.0/24", addresses.neighbour);
  let least = Infinity;
  const watch = setInterval(() => least = Math.min(least, rig.summary.length), 1);
  assert.deepEqual(await write(change), [null]);
  clearInterval(watch);
  assert.equal(least, 1);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 10.0.0.3"]);
}, { operationMs: 40 });

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

test("write() counts a route that somebody else deleted meanwhile as deleted", async (bench) => {
  await bench.write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const state = await bench.read();
  for (const { name } of bench.rig.routes) bench.rig.project.routes.delete(name);
  const { outcomes } = await bench.cloud.write(bench.table, [change], state, signal);
  assert.deepEqual(outcomes, [null]);
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

test("write() meets its own route when it sends one twice", async ({ rig, cloud, table, read }) => {
  const stale = await read();
  for (let times = 0; times < 2; times++) {
    const { outcomes } = await cloud.write(table, [add("192.168.0.0/24", self)], stale, signal);
    assert.deepEqual(outcomes, [null]);
  }
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
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
  const other = openGcp(rig.options({ priority: 900, instanceTags: ["b", "a"] }));
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

test("write() makes the more specific route before the one that covers it", async ({ rig, write }) => {
  const seen: string[] = [];
  const watch = setInterval(() => {
    for (const { destRange } of rig.routes) if (!seen.includes(destRange)) seen.push(destRange);
  }, 1);
  await write(add("192.168.0.0/24", self), add("192.168.0.0/16", self));
  clearInterval(watch);
  assert.deepEqual(seen.slice(0, 1), ["192.168.0.0/24"]);
}, { operationMs: 40 });

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
    rig.project.routeLimit = rig.project.staticRoutes.length;
    const changes = [add("192.168.1.0/24", self), old];
    const { outcomes } = await cloud.write(table, changes, await read(), signal);
    assert.deepEqual(outcomes.map((outcome) => [outcome?.kind, outcome?.limit]), [["quota", 3], [
      undefined,
      undefined,
    ]]);
    assert.deepEqual(rig.summary, []);
  });
}

test("write() lets adds that were put behind deletes use the room they leave", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const old = await remove(bench, "192.168.0.0/24");
  rig.project.routeLimit = rig.project.staticRoutes.length;
  assert.deepEqual(await write(old, add("192.168.1.0/24", self)), [null, null]);
});

for (const told of ["answer", "operation"] as const) {
  test(`write() lets adds use the room of deletes though the ${told} told of a full quota before`, async (bench) => {
    const { rig, write } = bench;
    await write(add("192.168.0.0/24", self));
    const old = await remove(bench, "192.168.0.0/24");
    rig.compute.quotaIsTold = told;
    rig.project.routeLimit = rig.project.staticRoutes.length;
    const outcomes = await write(add("192.168.1.0/24", self), old, add("192.168.2.0/24", self));
    assert.deepEqual(outcomes, ["quota", null, null]);
  });
}

/** 40 routes to this VM, and the changes that point them at a neighbour. */
async function fortyReplaces(bench: Bench): Promise<readonly Change[]> {
  const prefixes = Array.from({ length: 40 }, (_, index) => `192.168.${index}.0/24`);
  await bench.write(...prefixes.map((prefix) => add(prefix, self)));
  return await Promise.all(prefixes.map((prefix) => replace(bench, prefix, addresses.neighbour)));
}

/** How many inserts were sent since a call. */
function insertsSince(rig: GcpRig, start: number): number {
  return rig.compute.calls.slice(start).filter(({ method, path }) =>
    method === "POST" && path.endsWith("/routes")
  ).length;
}

for (const told of ["answer", "operation"] as const) {
  test(
    `write() makes all replaces by turns when the ${told} says that few places are spare`,
    async (bench) => {
      const { rig, write } = bench;
      const changes = await fortyReplaces(bench);
      rig.project.tellsQuota = false;
      rig.compute.quotaIsTold = told;
      rig.project.routeLimit = rig.project.staticRoutes.length + 2;
      const start = rig.compute.calls.length;
      assert.deepEqual(new Set(await write(...changes)), new Set([null]));
      assert.equal(rig.summary.filter((route) => route.endsWith(` ${addresses.neighbour}`)).length, 40);
      // Those that find no room are sent once, all together; from then on no more are sent than there is room for.
      assert.ok(insertsSince(rig, start) <= 2 * 40, `${insertsSince(rig, start)} inserts`);
    },
    { operationMs: 10 },
  );
}

test(
  "write() makes replaces by turns and then adds where the quota tells how few places are spare",
  async (bench) => {
    const { rig, write } = bench;
    const changes = await fortyReplaces(bench);
    rig.project.routeLimit = rig.project.staticRoutes.length + 2;
    const start = rig.compute.calls.length;
    const outcomes = await write(...changes, add("192.168.100.0/24", self), add("192.168.101.0/24", self));
    assert.deepEqual(new Set(outcomes), new Set([null]));
    assert.equal(insertsSince(rig, start), 42, "none was sent in vain");
  },
  { operationMs: 10 },
);

test(
  "write() makes replaces with several next hops one by one where there is room for one only",
  async (bench) => {
    const { rig, write } = bench;
    const prefixes = ["192.168.0.0/24", "192.168.1.0/24"];
    await write(...prefixes.map((prefix) => add(prefix, self, addresses.router)));
    const changes = await Promise.all(
      prefixes.map((prefix) => replace(bench, prefix, addresses.neighbour, addresses.client)),
    );
    rig.project.routeLimit = rig.project.staticRoutes.length + 2;
    assert.deepEqual(await write(...changes), [null, null]);
  },
  { operationMs: 10 },
);

test("write() gives up replaces for which no place is spare", async (bench) => {
  const { rig, write } = bench;
  const prefixes = ["192.168.0.0/24", "192.168.1.0/24"];
  await write(...prefixes.map((prefix) => add(prefix, self)));
  rig.project.routeLimit = rig.project.staticRoutes.length;
  const changes = await Promise.all(prefixes.map((prefix) => replace(bench, prefix, addresses.neighbour)));
  assert.deepEqual(await write(...changes), ["quota", "quota"]);
  assert.deepEqual(rig.summary, prefixes.map((prefix) => `${prefix} router-a`));
});

test("write() does not send adds again that found no room: none of them makes any", async (bench) => {
  const { rig, write } = bench;
  rig.project.routeLimit = rig.project.staticRoutes.length + 1;
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

test("write() names the permission that it lacks", async ({ rig, cloud, table, read }) => {
  rig.project.denied.add("compute.routes.create");
  const { outcomes } = await cloud.write(table, [add("192.168.0.0/24", self)], await read(), signal);
  assert.deepEqual([outcomes[0]?.kind, outcomes[0]?.action], ["denied", "compute.routes.create"]);
});

test("write() is patient with an operation whose wait comes back early", async ({ rig, write }) => {
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

test("a token that the API does not take is forgotten", async ({ rig, read }) => {
  rig.compute.tokens.clear();
  rig.compute.tokens.add("ya29.second");
  rig.metadata.token = "ya29.second";
  assert.equal((await rejection(read())).kind, "unavailable");
  assert.equal((await read()).routes.length, 3);
});

test("write() calls a network that another operation holds unavailable, not hopeless", async ({ rig, write }) => {
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
  const found = await cloud.resolve([parseAddress(addresses.neighbour)], signal);
  assert.equal(found.get(addresses.neighbour), addresses.neighbour);
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
  const cloud = openGcp(rig.options({ routeTables: ["net", "other"] }));
  await cloud.identify(signal);
  const ids = await cloud.resolve([parseAddress(addresses.neighbour)], signal);
  const to = ids.get(addresses.neighbour) ?? self;
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

Deno.test("resolve() takes no VM of another network for the gateway of its own", async () => {
  await using rig = GcpRig.start();
  addInterface(rig);
  addNamesake(rig);
  const without = rig.project.instances.filter(({ name }) => name !== "router-b");
  rig.project.instances.splice(0, Infinity, ...without);
  const cloud = openGcp(rig.options({ routeTables: ["net", "other"] }));
  const ids = await cloud.resolve([parseAddress(addresses.neighbour)], signal);
  assert.deepEqual([...ids], [[addresses.neighbour, null]]);
});

Deno.test("a route that names another network's VM of the same address is replaced", async () => {
  await using rig = GcpRig.start();
  addInterface(rig);
  addNamesake(rig);
  const alone = openGcp(rig.options({ routeTables: ["other"] }));
  const [table] = await alone.prepare(signal);
  assert.ok(table !== undefined);
  const change = add("192.168.0.0/24", addresses.neighbour);
  await alone.write(table, [change], await alone.read(table, signal), signal);
  const both = openGcp(rig.options({ routeTables: ["net", "other"] }));
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
    "network: ok",
    "IP forwarding: ok",
    "access scopes: ok",
    "permissions in prod: ok",
    "route quota: ok",
  ]);
});

test("check() says what is wrong and how to mend it", async ({ rig, cloud }) => {
  rig.metadata.instance.canIpForward = false;
  rig.metadata.scopes = ["https://www.googleapis.com/auth/devstorage.read_only"];
  rig.project.denied.add("compute.routes.delete");
  rig.project.routeLimit = 2;
  await cloud.identify(signal);
  const findings = new Map(
    (await cloud.check({ fix: false }, signal)).map((finding) => [finding.name, finding]),
  );
  const expected: readonly [string, RegExp][] = [
    ["IP forwarding", /cannot be changed later/],
    ["access scopes", /set-service-account router-a/],
    ["permissions in prod", /doctor -policy/],
    ["route quota", /IAM, Quotas/],
  ];
  for (const [name, remedy] of expected) {
    assert.equal(findings.get(name)?.status, "bad", name);
    assert.match(findings.get(name)?.remedy ?? "", remedy);
  }
  assert.match(findings.get("permissions in prod")?.detail ?? "", /lacks compute\.routes\.delete$/);
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

Deno.test("check() does not throw when not even the VM is known", async () => {
  await using rig = GcpRig.start();
  rig.compute.project("prod").denied.add("compute.instances.get");
  const findings = await openGcp(rig.options()).check({ fix: false }, signal);
  assert.deepEqual(findings.map(({ name, status, remedy }) => [name, status, remedy]), [
    ["network", "bad", "Grant compute.instances.get: cloudroutesync doctor -policy"],
  ]);
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
