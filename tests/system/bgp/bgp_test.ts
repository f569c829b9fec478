/** The seed's demo with real daemons as a test: BGP, cloud, ping; and a daemon that restarts while its routes are in use. */

import assert from "node:assert/strict";
import { type BgpCloud, openBgpCloud } from "../../demo/bgp_clouds.ts";
import { beyond, loopback } from "../../demo/bgp_stage.ts";
import { numbered } from "../router_vm.ts";
import { LivePing } from "./live_ping.ts";
import { azureTest, bgpTest, carriedBy, listed, untilCarries } from "./play.ts";

for (const name of ["aws", "openstack"] as const) {
  const open = async (): Promise<{ readonly cloud: BgpCloud }> => ({ cloud: await openBgpCloud(name) });
  bgpTest(
    `a prefix announced by FRR, then by BIRD, reaches ${name} and the ping is answered`,
    open,
    async (scene) => {
      for (const daemon of ["frr", "bird"] as const) await scene.play(daemon);
    },
    name,
  );
}

azureTest(
  "FRR restarts on the router: the cloud's table does not move and no ping is lost",
  async (scene) => {
    /** With the loopback more than the guard's ten, so that a restart counts as a mass withdrawal. */
    const networks = numbered(20);
    const router = await scene.startRouter("frr");
    await using _vm = await scene.startVm("frr", networks);
    await scene.stage.setLoopback(true);
    scene.program.start();
    await untilCarries(scene, listed([...networks, `${loopback}/32`], scene.cloud.addresses.vm));
    const before = carriedBy(scene);
    await using ping = new LivePing(scene.stage.vm, loopback, beyond);
    await router[Symbol.asyncDispose]();
    await scene.untilInKernel(`${loopback}/32`, false);
    await using _again = await scene.startRouter("frr");
    await scene.untilInKernel(`${loopback}/32`, true);
    assert.equal((await ping.stop()).lost, 0, "pings were lost while the daemon was away");
    assert.deepEqual(carriedBy(scene), before);
    assert.equal((await scene.program.stop()).code, 0);
  },
);
