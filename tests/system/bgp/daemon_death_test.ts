/** FRR dies on the router and does not come back: what the cloud keeps, for how long, and what the program says meanwhile. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Daemon } from "../../demo/bgp_daemons.ts";
import type { BgpScene } from "../../demo/bgp_scene.ts";
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

/** With the loopback 21: more than the guard's ten, so that losing them is a mass withdrawal. */
const networks = numbered(20);
const prefixes = [...networks, `${loopback}/32`];

/** FRR on both machines, and the program in step. @returns the router's FRR, and the VM's. */
async function inStep(scene: BgpScene, ...flags: readonly string[]): Promise<[router: Daemon, vm: Daemon]> {
  await scene.stage.setLoopback(true);
  const daemons: [Daemon, Daemon] = [await scene.startRouter("frr"), await scene.startVm("frr", networks)];
  scene.program.start(...listening, ...flags);
  await untilCarries(scene, listed(prefixes, scene.cloud.addresses.vm));
  await untilInStep(scene);
  return daemons;
}

azureTest("FRR is killed and leaves its routes in the kernel: the cloud keeps them", async (scene, rig) => {
  // Read anew each second: that the kernel says nothing is not what keeps them.
  const [router, vm] = await inStep(scene, "-netlink", "1s");
  await using _router = router;
  await using _vm = vm;
  const before = carriedBy(scene);
  const writes = rig.arm.writes().length;
  await using ping = new LivePing(scene.stage.vm, loopback, beyond);
  await router.end("SIGKILL");
  await sleep(3000);
  for (const prefix of prefixes) await scene.untilInKernel(prefix, true);
  const { sent, lost } = await ping.stop();
  tell(`FRR killed: ${sent} pings, ${lost} lost`);
  assert.equal(lost, 0);
  assert.deepEqual(carriedBy(scene), before);
  assert.equal(rig.arm.writes().length, writes);
  assert.equal((await statusOf(scene))?.state, "ok");
});

azureTest("FRR ends for good: the guard holds its 21 routes, then they go", async (scene, rig) => {
  // The log is told of a worse state within 10 s.
  const [router, vm] = await inStep(scene, "-hold", "12s");
  await using _router = router;
  await using _vm = vm;
  const before = carriedBy(scene);
  const writes = rig.arm.writes().length;
  await using ping = new LivePing(scene.stage.vm, loopback, beyond);
  await router.end("SIGTERM");
  for (const prefix of prefixes) await scene.untilInKernel(prefix, false);
  await until("the guard holds", async () => (await statusOf(scene))?.tables[0]?.held === prefixes.length);
  const held = await statusOf(scene);
  assert.equal(held?.state, "degraded");
  assert.match(
    held?.why ?? "",
    /21 withdrawals are held: 21 of 21 owned routes would go within 12 s, more than 30 %/,
  );
  assert.ok(!await isReady(scene));
  // Half of the hold; the other half is for slow machines.
  await sleep(6000);
  const { sent, lost } = await ping.stop();
  assert.deepEqual(carriedBy(scene), before);
  assert.equal(rig.arm.writes().length, writes, "nothing is written during the hold");
  tell(`FRR ended: ${sent} pings while its routes were held, ${lost} lost`);
  assert.equal(lost, 0);

  await untilCarries(scene, []);
  assert.equal(await scene.stage.ping(), 0, "it was the cloud's table that carried the pings");
  assert.equal(rig.arm.writes().length, writes + 1, "one write takes all");
  await untilInStep(scene);
  const { code, log } = await scene.program.stop();
  assert.equal(code, 0);
  assert.match(log, /degraded: .*21 withdrawals are held/);
  assert.equal(log.match(/delete \S+ in /g)?.length, prefixes.length);
});
