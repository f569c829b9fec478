/** A full table: as many prefixes at once by BGP as Azure's limit lets a route table have. */

import assert from "node:assert/strict";
import type { DaemonName } from "../../demo/bgp_daemons.ts";
import { loopback } from "../../demo/bgp_stage.ts";
import { publishedLimit } from "../../../src/clouds/azure/quota.ts";
import { numbered } from "../router_vm.ts";
import { azureTest, listed, listening, statusOf, tell, untilCarries, untilInStep } from "./play.ts";

/** With the VM's loopback and the foreign route the table is full. */
const networks = numbered(publishedLimit - 2);
const prefixes = [...networks, `${loopback}/32`];
/** A fraction of what Azure takes for a write, so that writes are spent as there: what arrives meanwhile joins the next. */
const writeMs = 500;
/** Enough for a machine on which a daemon needs ten seconds for a thousand routes; one write each would be a thousand. */
const mostWrites = 20;

for (const daemon of ["frr", "bird"] satisfies DaemonName[]) {
  azureTest(
    `${prefixes.length} prefixes at once from ${daemon} fill the table in few writes`,
    async (scene, rig) => {
      rig.arm.operationMs = writeMs;
      const { vm } = scene.cloud.addresses;
      await scene.stage.setLoopback(true);
      await using _router = await scene.startRouter(daemon);
      const run = scene.program.start(...listening);
      await untilCarries(scene, []);
      await untilInStep(scene);
      const before = rig.arm.writes().length;

      const startedAt = performance.now();
      await using _vm = await scene.startVm(daemon, networks);
      await scene.untilInKernel(networks[0] ?? "", true);
      const firstAt = performance.now();
      await untilCarries(scene, listed(prefixes, vm));
      const carriedAt = performance.now();
      await untilInStep(scene);

      const status = await statusOf(scene);
      const [table] = status?.tables ?? [];
      const writes = rig.arm.writes().length - before;
      const seconds = (from: number): string => ((carriedAt - from) / 1000).toFixed(1);
      const megabytes = Math.round(await run.residentBytes() / 2 ** 20);
      tell(
        `${prefixes.length} prefixes (${daemon}): carried ${
          seconds(firstAt)
        } s after the first was in the kernel, ` +
          `${seconds(startedAt)} s after the daemon's start; ${writes} writes, RSS ${megabytes} MB`,
      );
      assert.ok(writes <= mostWrites, `${writes} writes`);
      assert.equal(status?.state, "ok");
      assert.deepEqual({ ...table?.writes }, { add: prefixes.length, replace: 0, delete: 0 });
      assert.deepEqual([table?.owned, table?.foreign, table?.pending, table?.held], [
        prefixes.length,
        1,
        0,
        0,
      ]);
      const { code, log } = await scene.program.stop();
      assert.equal(code, 0);
      assert.doesNotMatch(log, /\[(WRN|ERR)\]/);
    },
  );
}
