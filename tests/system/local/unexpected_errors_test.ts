/** What a dependency or a defect throws where nobody catches it ends no run: it is logged with its stack and counted. */

import assert from "node:assert/strict";
import { compile } from "../../../.ci/compile.ts";
import { until } from "../until.ts";
import { ignore, Router, tableOf } from "./router.ts";

const entry = new URL("faulty_main.ts", import.meta.url).pathname;
const listen = "127.0.0.1:9155";

Deno.test({ name: "errors that nobody catches end no run", ignore }, async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-faulty-" });
  const binary = `${folder}/cloudroutesync`;
  await compile({ entry, output: binary, target: `${Deno.build.arch}-unknown-linux-gnu` });
  try {
    await t.step(
      "a rejection, an exception in a callback and an event without listener",
      (t) =>
        withRouter(binary, async (router) => {
          const run = router.start("-listen", listen);
          await router.announce(["198.51.100.0/24"]);
          await router.untilTable(tableOf(["198.51.100.0/24"]));
          Deno.kill(run.pid, "SIGUSR1");
          for (
            const error of [
              "a promise that nobody waits for",
              "an exception in a timer",
              "an event that nobody hears",
            ]
          ) {
            await run.untilLog(
              new RegExp(`Unexpected error in a .*; the program goes on\\. Error: ${error}\n +at `),
            );
          }
          await router.announce(["192.0.2.0/24"]);
          await router.untilTable(tableOf(["198.51.100.0/24", "192.0.2.0/24"]));
          assert.equal(await unexpectedErrors(router), 3, t.name);
          assert.equal((await run.stop()).code, 0);
        }),
    );

    await t.step("a defect in the loop, which begins anew", () =>
      withRouter(binary, async (router) => {
        const run = router.start("-listen", listen);
        await router.announce(["198.51.100.0/24"]);
        await router.untilTable(tableOf(["198.51.100.0/24"]));
        Deno.kill(run.pid, "SIGUSR2");
        // The signal's listener loads a module first; until then a round is as it should be.
        for (let number = 0; !run.log.includes("a defect in the loop"); number++) {
          await router.announce([`100.64.${number}.0/24`]);
          await new Promise((wake) => setTimeout(wake, 200));
        }
        await run.untilLog(
          /Unexpected error in the loop, which starts again in \d+ s; .*TypeError: a defect in the loop\n +at /,
        );
        await router.announce(["192.0.2.0/24"]);
        await until("the new route is in the table", async () => "192.0.2.0/24" in await router.table());
        assert.equal(await unexpectedErrors(router), 2);
        assert.equal((await run.stop()).code, 0);
      }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function withRouter(binary: string, test: (router: Router) => Promise<void>): Promise<void> {
  await using router = await Router.create(binary);
  await router.telling(() => test(router));
}

/** The metric, as Prometheus reads it. */
async function unexpectedErrors(router: Router): Promise<number> {
  const { stdout } = await router.namespace.run(["curl", "-s", `http://${listen}/metrics`]);
  return Number(/^cloudroutesync_unexpected_errors_total (\d+)$/m.exec(stdout)?.[1] ?? NaN);
}
