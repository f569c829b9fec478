/** The routes of a network as they are read: whose they are, what they point at. */

import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { addresses } from "../../fakes/gcp/rig.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { add, folded, self, signal, test } from "./gcp_bench.ts";

test("read() returns all pages and keeps other networks' routes out", async ({ rig, read }) => {
  for (let index = 0; index < 25; index++) rig.addForeign(`static-${index}`, `192.168.${index}.0/24`);
  const { routes } = await read();
  assert.equal(routes.length, 25 + 3);
  assert.ok(routes.every(({ owner }) => owner === null));
}, { pageSize: 10 });

test("read() and identify() keep other networks out though the lists are not filtered", async ({ rig, cloud, read }) => {
  rig.compute.obeysFilters = false;
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
