/** A network with few free places, as the reconciler fills it. */

import { alone } from "../../fakes/groups.ts";
import assert from "node:assert/strict";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import type { SyncStatus } from "../../../src/sync/sync_status.ts";
import { SteppingClock } from "../../fakes/stepping_clock.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { add, type Bench, self, signal, test } from "./gcp_bench.ts";

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
    wanted: new WantedRoutes(routes),
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

/** Leaves so many places, and has a refusal tell the limit: nothing else does. */
async function learnLimit({ rig, write }: Bench, places: number): Promise<void> {
  const fillers = Array.from({ length: places }, (_, index) => `filler-${index}`);
  rig.net.staticLimit = rig.project.staticRoutesOf("net").length + places;
  for (const [index, name] of fillers.entries()) rig.addForeign(name, `203.0.113.${index}/32`);
  assert.deepEqual(await write(add("198.51.100.0/24", self)), ["quota"]);
  for (const name of fillers) rig.project.routes.delete(name);
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
      rig.compute.quotaRefusedBy = told;
      rig.net.staticLimit = rig.project.staticRoutesOf("net").length;
      assert.equal((await reconcile(bench, { "192.168.1.0/24": [null] })).inStep, true);
      assert.deepEqual(rig.summary, ["192.168.1.0/24 router-a"]);
    },
  );
}

for (const told of ["answer", "operation"] as const) {
  test(
    `a plan makes all replaces by turns once the ${told} has said that few places are spare`,
    async (bench) => {
      const { rig } = bench;
      const prefixes = await fortyRoutes(bench);
      rig.compute.quotaRefusedBy = told;
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
