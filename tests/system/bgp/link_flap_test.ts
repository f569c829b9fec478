/** The router's link to the fabric flaps: what the cloud keeps, and that it is right when the link and BGP are back. */

import assert from "node:assert/strict";
import { beyond, loopback } from "../../demo/bgp_stage.ts";
import { numbered } from "../router_vm.ts";
import { until } from "../until.ts";
import { LivePing } from "./live_ping.ts";
import {
  azureTest,
  carriedBy,
  isReady,
  listed,
  listening,
  statusOf,
  tell,
  untilCarries,
  untilInStep,
} from "./play.ts";

/** Fewer than the guard's ten: the withdraw delay alone stands before their withdrawal. */
const few = numbered(2);

azureTest(
  "a link that goes down takes 21 routes of FRR's: they are held until BGP is back",
  async (scene, rig) => {
    const networks = numbered(20);
    const prefixes = [...networks, `${loopback}/32`];
    const expected = listed(prefixes, scene.cloud.addresses.vm);
    await scene.stage.setLoopback(true);
    await using _router = await scene.startRouter("frr");
    await using _vm = await scene.startVm("frr", networks);
    scene.program.start(...listening);
    await untilCarries(scene, expected);
    await untilInStep(scene);
    const before = carriedBy(scene);
    const writes = rig.arm.writes().length;
    await using ping = new LivePing(scene.stage.vm, loopback, beyond);

    await scene.stage.setRouterLink(false);
    await until("the guard holds", async () => (await statusOf(scene))?.tables[0]?.held === prefixes.length);
    await scene.stage.setRouterLink(true);
    for (const prefix of prefixes) await scene.untilInKernel(prefix, true);
    await untilInStep(scene);
    const { sent, lost } = await ping.stop();
    tell(`link down with 21 routes: ${sent} pings, ${lost} lost`);
    assert.equal(lost, 0);
    assert.deepEqual(carriedBy(scene), before);
    assert.equal(rig.arm.writes().length, writes);
  },
);

azureTest("a carrier that blinks for less than the withdraw delay moves nothing", async (scene, rig) => {
  const { router, vm } = scene.cloud.addresses;
  await scene.stage.setLoopback(true);
  await using _router = await scene.startRouter("bird");
  await using _vm = await scene.startVm("bird", few);
  const routes = listed([...few, `${loopback}/32`], vm);
  scene.program.start(...listening, "-withdraw-delay", "10s");
  await untilCarries(scene, routes);
  await untilInStep(scene);
  const writes = rig.arm.writes().length;

  await scene.stage.setCarrier(router, false);
  // BIRD gives up a session over a link without carrier, and its routes.
  for (const prefix of few) await scene.untilInKernel(prefix, false);
  await until("the program sees it", async () => !await isReady(scene));
  await scene.stage.setCarrier(router, true);
  for (const prefix of few) await scene.untilInKernel(prefix, true);
  await untilInStep(scene);
  assert.equal(rig.arm.writes().length, writes);
  assert.deepEqual((await statusOf(scene))?.tables[0]?.writes, { add: 3, replace: 0, delete: 0 });
});

azureTest("a carrier that stays away withdraws a small table, and comes back with it", async (scene) => {
  const { router, vm } = scene.cloud.addresses;
  await scene.stage.setLoopback(true);
  await using _router = await scene.startRouter("bird");
  await using _vm = await scene.startVm("bird", few);
  const routes = listed([...few, `${loopback}/32`], vm);
  scene.program.start(...listening);
  await untilCarries(scene, routes);

  await scene.stage.setCarrier(router, false);
  await untilCarries(scene, []);
  await scene.stage.setCarrier(router, true);
  await untilCarries(scene, routes);
  await untilInStep(scene);
  const status = await statusOf(scene);
  assert.equal(status?.state, "ok");
  assert.deepEqual(status?.tables[0]?.writes, { add: 6, replace: 0, delete: 3 });
  assert.equal(status?.tables[0]?.foreign, 1);
});
