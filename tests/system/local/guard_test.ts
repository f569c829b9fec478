/** The guard in the whole program: a routing daemon's death is not the network's. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { numbered } from "../router_vm.ts";
import { type Router, routerTest, tableOf } from "./router.ts";

const routes = numbered(20);
const markerPrefix = "192.0.2.0/24";

/** A router in step with 20 routes. */
async function inStep(router: Router, ...flags: readonly string[]): Promise<void> {
  await router.announce(routes);
  router.start(...flags);
  await router.untilTable(tableOf(routes));
}

routerTest("routes that vanish at once stay; when they come back nothing was written", async (router) => {
  await inStep(router);
  const { version } = await router.readFile();
  await router.ip("route flush proto bgp");
  await sleep(3000);
  assert.equal((await router.readFile()).version, version);
  assert.equal((await router.document("plan")).code, 2);
  await router.announce(routes);
  await router.announce([markerPrefix]);
  await router.untilTable(tableOf([...routes, markerPrefix]));
  assert.equal((await router.readFile()).version, version + 1);
});

routerTest("adds and replaces go on while withdrawals are held", async (router) => {
  await inStep(router);
  await router.ip("route flush proto bgp");
  await router.announce(routes.slice(0, 1), "10.0.0.8");
  await router.announce([markerPrefix]);
  const expected = { ...tableOf([...routes, markerPrefix]), [routes[0] ?? ""]: "10.0.0.8" };
  await router.untilTable(expected);
  await sleep(1500);
  assert.deepEqual(await router.table(), expected);
});

routerTest("routes that stay away go when the hold is over", async (router) => {
  await inStep(router, "-hold", "3s");
  await router.ip("route flush proto bgp");
  await sleep(1500);
  assert.deepEqual(await router.table(), tableOf(routes));
  await router.untilTable({});
});

routerTest("a small withdrawal goes at once, and -max-withdraw says what is small", async (router) => {
  await inStep(router, "-hold", "10m");
  await router.withdraw(routes.slice(0, 6));
  await router.untilTable(tableOf(routes.slice(6)));
  await router.withdraw(routes.slice(6, 12));
  await sleep(1500);
  assert.deepEqual(await router.table(), tableOf(routes.slice(6)));
});

routerTest("-max-withdraw 100 holds nothing", async (router) => {
  await inStep(router, "-hold", "10m", "-max-withdraw", "100");
  await router.ip("route flush proto bgp");
  await router.untilTable({});
});

routerTest("a start with an empty kernel holds what stands in the table", async (router) => {
  const owner = "cloudroutesync";
  await router.writeFile(routes.map((prefix) => ({ prefix, nextHop: "10.0.0.7", owner })));
  const run = router.start();
  await run.untilLog(/degraded: .*20 withdrawals are held/);
  assert.equal((await router.readFile()).version, 1);
});
