/** Routes that a virtual private gateway propagates into the table: never ours, and never in the way. */

import { alone } from "../../fakes/groups.ts";
import assert from "node:assert/strict";
import { systemClock } from "../../../src/async/system_clock.ts";
import type { CloudTable } from "../../../src/clouds/cloud.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { Ledger } from "../../../src/sync/ledger.ts";
import { memoryStore } from "../../../src/sync/ledger_store.ts";
import { ApiBudget } from "../../../src/sync/api_budget.ts";
import { Reconciler } from "../../../src/sync/reconciler.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";
import { isWrite } from "../../fakes/aws/strict_front.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { add, endMoto, prepared, replace, rigTest, routeOf, signal, withdraw, write } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

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
  const wanted = new WantedRoutes([[prefix, route]]);
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

rigTest("write() creates a route beside one that a gateway propagates", async ({ rig, open }) => {
  const cloud = open();
  const { table } = await prepared(cloud);
  const prefix = "198.51.100.0/24";
  rig.front.addPropagatedRoute(table.id, { prefix, gatewayId: "vgw-1" });
  const at = { table, state: await cloud.read(table, signal) };
  assert.deepEqual([routeOf(at.state, prefix).nextHops, routeOf(at.state, prefix).fixed], [["vgw-1"], true]);
  const self = rig.vpc.router.interfaceId;
  for (const change of [replace(at.state, prefix, self), withdraw(at.state, prefix), add(prefix, self)]) {
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
