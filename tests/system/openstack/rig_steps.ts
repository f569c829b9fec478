/** Tests that share one run of the real servers, which take long to start. */

import { openstackMissing, type OpenstackRig, startOpenstack } from "../../fakes/openstack/rig.ts";
import { skips } from "../../needs.ts";

/** Tests by name. Each finds the rig as {@linkcode OpenstackRig.reset} leaves it. */
export type RigSteps = Readonly<Record<string, (rig: OpenstackRig) => Promise<void>>>;

/** Makes a test of each. The servers start with the first, and end after all tests of the file. */
export function testOnRig(steps: RigSteps): void {
  const ignore = skips(openstackMissing());
  let started: Promise<OpenstackRig> | null = null;
  Deno.test.afterAll(async () => {
    await (await started)?.[Symbol.asyncDispose]();
  });
  for (const [name, test] of Object.entries(steps)) {
    Deno.test({
      name,
      ignore,
      // The servers live on from one test to the next.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        const rig = await (started ??= startOpenstack());
        await rig.reset();
        await test(rig);
      },
    });
  }
}
