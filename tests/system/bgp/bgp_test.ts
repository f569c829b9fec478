/** The seed's demo with real daemons as a test: BGP, cloud, ping; and a daemon that restarts while its routes are in use. */

import assert from "node:assert/strict";
import { daemonsMissing } from "../../demo/bgp_daemons.ts";
import { type BgpCloud, openBgpCloud } from "../../demo/bgp_clouds.ts";
import { BgpScene } from "../../demo/bgp_scene.ts";
import { loopback } from "../../demo/bgp_stage.ts";
import { binaryPath } from "../binary.ts";

const missing = await daemonsMissing();
if (missing !== null && Deno.env.get("CI") !== undefined) {
  throw new Error(`Cannot test with daemons: ${missing}`);
}
const ignore = missing !== null;
/** More than the guard's ten, so that a restart counts as a mass withdrawal. */
const networks = Array.from({ length: 20 }, (_, index) => `100.64.${index}.0/24`);

async function sceneOn(
  name: BgpCloud["name"],
): Promise<{ scene: BgpScene; cloud: BgpCloud; told: string[] }> {
  const told: string[] = [];
  const cloud = await openBgpCloud(name);
  const scene = await BgpScene.create(cloud, await binaryPath(), (line) => void told.push(line));
  return { scene, cloud, told };
}

for (const name of ["aws", "openstack"] as const) {
  Deno.test({
    name: `a prefix announced by FRR, then by BIRD, reaches ${name} and the ping is answered`,
    ignore,
    fn: async () => {
      const { scene, cloud, told } = await sceneOn(name);
      try {
        for (const daemon of ["frr", "bird"] as const) await scene.play(daemon);
        assert.equal(told.filter((line) => line.includes("ping: answered")).length, 2);
      } finally {
        await scene[Symbol.asyncDispose]();
        await cloud[Symbol.asyncDispose]();
      }
    },
  });
}

Deno.test({
  name: "FRR restarts on the router: the cloud's table does not move and no ping is lost",
  ignore,
  fn: async () => {
    const { scene, cloud } = await sceneOn("azure");
    try {
      const router = await scene.startRouter("frr");
      await using _vm = await scene.startVm("frr", networks);
      await scene.stage.setLoopback(true);
      for (const prefix of [...networks, `${loopback}/32`]) await scene.untilInKernel(prefix, true);
      scene.startProgram();
      await scene.untilCarried(`${loopback}/32`, cloud.addresses.vm);
      await scene.until(
        "all networks are carried",
        () => Promise.resolve(networks.every((prefix) => scene.stage.carried.has(prefix))),
      );
      const before = [...scene.stage.carried].sort();
      const pings = scene.stage.ping(30, 300);
      await router[Symbol.asyncDispose]();
      await scene.untilInKernel(`${loopback}/32`, false);
      await using _again = await scene.startRouter("frr");
      assert.equal(await pings, 30, "pings were lost while the daemon was away");
      await scene.untilInKernel(`${loopback}/32`, true);
      assert.deepEqual([...scene.stage.carried].sort(), before);
      assert.equal(await scene.stopProgram(), 0);
    } finally {
      await scene[Symbol.asyncDispose]();
      await cloud[Symbol.asyncDispose]();
    }
  },
});
