/** Tests that share one run of the real servers, which take long to start. */

import { openstackMissing, type OpenstackRig, startOpenstack } from "../../fakes/openstack/rig.ts";
import { skips } from "../../needs.ts";

/** Tests by name. Each finds the rig as {@linkcode OpenstackRig.reset} leaves it. */
export type RigSteps = Readonly<Record<string, (rig: OpenstackRig) => Promise<void>>>;

/** Makes one test of them, a step each. */
export function testOnRig(name: string, steps: RigSteps): void {
  Deno.test({ name, ignore: skips(openstackMissing()) }, async (t) => {
    await using rig = await startOpenstack();
    for (const [step, test] of Object.entries(steps)) {
      await t.step(step, async () => {
        await rig.reset();
        await test(rig);
      });
    }
  });
}
