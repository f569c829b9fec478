/** SIGTERM and SIGINT end a run with exit code 0, whatever is under way; the routes stay unless told otherwise. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { numbered } from "../router_vm.ts";
import type { Run } from "../run.ts";
import { routerTest, tableOf } from "./router.ts";

/** Well above the 5 s that a run may take to end, and well below the 30 s of the slow call. */
const patienceMs = 15_000;
const routes = numbered(12);
const foreign = { prefix: "203.0.113.0/24", nextHop: "10.0.0.99", owner: "operator" };

/** The exit code, or null if the process did not end long before the slow call would have. */
async function codeOf(run: Run, signal: Deno.Signal): Promise<number | null> {
  const tooLong = new AbortController();
  const end = await Promise.race([
    run.stop(signal),
    sleep(patienceMs, null, { signal: tooLong.signal }),
  ]);
  tooLong.abort();
  return end?.code ?? null;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  routerTest(`${signal} ends a run with 0, and the routes stay`, async (router) => {
    await router.announce(routes);
    const run = router.start();
    await router.untilTable(tableOf(routes));
    assert.equal(await codeOf(run, signal), 0);
    assert.match(run.log, /Stopped\n$/);
    assert.deepEqual(await router.table(), tableOf(routes));
  });

  routerTest(`${signal} ends a run with 0 while the first call is under way`, async (router) => {
    const run = router.start("-local-latency", "30s");
    await run.untilLog(/Keeping local in step/);
    assert.equal(await codeOf(run, signal), 0);
  });
}

routerTest("SIGTERM gives up a reading that takes too long, and nothing is half-done", async (router) => {
  await router.announce(routes);
  const run = router.start("-local-latency", "6s");
  await run.untilLog(/Keeping local in step/);
  // To identify takes the first slow call, to read the next: the signal comes amid that.
  await sleep(7_000);
  assert.equal(await codeOf(run, "SIGTERM"), 0);
  assert.deepEqual(await router.table(), {});
});

routerTest("SIGTERM ends a periodic run between two comparisons", async (router) => {
  const run = router.spawn(["-cloud", "local", "-local-file", router.file, "-sync", "1h", "-netlink", "1h"]);
  await router.announce(routes);
  await run.untilLog(/Keeping local in step .*periodic/);
  assert.equal(await codeOf(run, "SIGTERM"), 0);
});

routerTest("-withdraw-on-exit takes its own routes along, past the guard, and no others", async (router) => {
  await router.writeFile([foreign]);
  await router.announce(routes);
  const run = router.start("-withdraw-on-exit");
  await router.untilTable({ ...tableOf(routes), [foreign.prefix]: foreign.nextHop });
  assert.equal(await codeOf(run, "SIGTERM"), 0);
  assert.deepEqual((await router.readFile()).routes, [foreign]);
});

routerTest("-withdraw-on-exit brings nothing back when a link changes meanwhile", async (router) => {
  await router.announce(routes);
  const run = router.start("-withdraw-on-exit", "-local-latency", "500ms");
  await router.untilTable(tableOf(routes));
  const code = codeOf(run, "SIGTERM");
  await run.untilLog(/delete /);
  await router.ip("link add late type veth peer name later", "link set late up", "link set later up");
  assert.equal(await code, 0);
  assert.match(run.log, /Withdrew all routes of ours/);
  assert.deepEqual(await router.table(), {});
});

routerTest("-withdraw-on-exit does not say that all is gone before it knew the table", async (router) => {
  const ours = { prefix: "192.0.2.0/24", nextHop: "10.0.0.2", owner: "cloudroutesync" };
  await router.writeFile([ours]);
  const run = router.start("-withdraw-on-exit", "-local-latency", "30s");
  await run.untilLog(/Keeping local in step/);
  assert.equal(await codeOf(run, "SIGTERM"), 0);
  assert.match(
    run.log,
    /Cannot withdraw all routes of ours: what .* stays .*: the cloud has not answered yet/,
  );
  assert.deepEqual((await router.readFile()).routes, [ours]);
});

routerTest("a second SIGTERM gives up a withdrawal that takes too long", async (router) => {
  await router.announce(routes);
  const run = router.start("-withdraw-on-exit", "-local-latency", "3s");
  await router.untilTable(tableOf(routes));
  const code = codeOf(run, "SIGTERM");
  await sleep(500);
  Deno.kill(run.pid, "SIGTERM");
  assert.equal(await code, 0);
  assert.match(run.log, /Cannot withdraw all routes of ours: a second signal to stop came/);
  assert.deepEqual(await router.table(), tableOf(routes));
});

routerTest(
  "SIGHUP takes what the file has now, names what it cannot take, and ends no run",
  async (router) => {
    const config = `${router.folder}/config.json`;
    const write = (values: object | string): Promise<void> =>
      Deno.writeTextFile(config, typeof values === "string" ? values : JSON.stringify(values));
    await write({ exclude: ["100.64.1.0/24+"] });
    await router.announce(routes);
    const run = router.start("-config", config, "-local-latency", "100ms");
    // It may come before there is anything that could be changed.
    await run.untilLog(/Keeping local in step/);
    Deno.kill(run.pid, "SIGHUP");
    await run.untilLog(/SIGHUP: read .*; no setting changed/);
    const excluded: readonly string[] = routes.filter((prefix) => prefix === "100.64.1.0/24");
    assert.equal(excluded.length, 1);
    const rest = routes.filter((prefix) => !excluded.includes(prefix));
    await router.untilTable(tableOf(rest));

    await write({
      include: "100.64.1.0/24",
      exclude: [],
      owner: "other",
      "max-withdraw": 100,
      debug: true,
    });
    Deno.kill(run.pid, "SIGHUP");
    await router.untilTable(tableOf(excluded));
    assert.match(
      run.log,
      /-owner other: a running service cannot change this; systemctl restart cloudroutesync does/,
    );

    await write('{"include": "nonsense", "adopt": true}');
    Deno.kill(run.pid, "SIGHUP");
    await run.untilLog(/SIGHUP: no setting is changed: "include" in .*nonsense/);
    await write({ "max-withdraw": 100 });
    Deno.kill(run.pid, "SIGHUP");
    await router.untilTable(tableOf(routes));
    assert.equal(await codeOf(run, "SIGTERM"), 0);
  },
);

routerTest("a one-shot command that waits ends at SIGTERM too", async (router) => {
  const run = router.spawn(["apply", "-cloud", "local", "-local-file", router.file, "-local-latency", "30s"]);
  await sleep(1000);
  assert.notEqual(await codeOf(run, "SIGTERM"), null);
});
