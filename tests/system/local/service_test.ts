/** What a running service leaves for other commands: its status, the release of what it holds, its settings. */

import assert from "node:assert/strict";
import { numbered } from "../router_vm.ts";
import { until } from "../until.ts";
import { type Router, routerTest, tableOf } from "./router.ts";

const routes = numbered(20);

async function statusOf(router: Router): Promise<{ code: number; document: Record<string, unknown> }> {
  const { code, stdout } = await router.command("status", "-output", "json");
  return { code, document: JSON.parse(stdout) };
}

routerTest(
  "status tells verdict, service and flow, and exits with 0 only while all is well",
  async (router) => {
    const before = await router.command("status");
    assert.equal(before.code, 1);
    assert.match(before.stdout, /^not running: nobody listens on its socket \(.*\.sock\)$/m);
    await router.announce(routes);
    const run = router.start("-hold", "1h");
    await router.untilTable(tableOf(routes));
    const { code, stdout } = await router.command("status");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok since \d{4}-.*: 20 routes in the cloud, 0 pending, 0 held$/m);
    assert.match(stdout, new RegExp(`version \\S+, pid ${run.pid}, up `));
    assert.match(stdout, /cloud local, instance 10\.0\.0\.2, owner cloudroutesync/);
    assert.match(stdout, /-hold 1h \(from -hold\)/);
    assert.match(stdout, /20 wanted; dropped: .*no-gateway/);
    assert.match(stdout, /in step since \S+; 20 ours, 0 foreign, quota 20 of 500/);
    await router.stop();
    assert.equal((await router.command("status")).code, 1);
  },
);

routerTest("release lets held withdrawals go at once", async (router) => {
  await router.announce(routes);
  router.start("-hold", "1h");
  await router.untilTable(tableOf(routes));
  assert.match((await router.command("release")).stdout, /^Nothing is held$/m);
  await router.ip("route flush proto bgp");
  await until("the guard holds", async () => (await statusOf(router)).document["state"] === "degraded");
  const held = await router.command("status");
  assert.equal(held.code, 1);
  assert.match(held.stdout, /^held in .*: 20 withdrawals .*; let them go now with: cloudroutesync release$/m);
  const released = await router.command("release");
  assert.equal(released.code, 0);
  assert.match(released.stdout, /^Released 20 withdrawals/);
  await router.untilTable({});
  assert.equal((await statusOf(router)).code, 0);
});

routerTest("plan takes the running service's settings where none are given, and says so", async (router) => {
  await router.announce(routes);
  router.start("-exclude", "0.0.0.0/0+");
  await until("the service answers", async () => (await statusOf(router)).code === 0);
  const like = await router.command("plan");
  assert.equal(like.code, 0, like.stdout);
  assert.match(
    like.stderr,
    /Using the settings of the running service \(process \d+\): .*-exclude 0\.0\.0\.0\/0\+/,
  );
  const other = await router.command("plan", "-include", "0.0.0.0/0+", "-exclude", "10.0.0.0/8+");
  assert.equal(other.code, 2, other.stdout);
  await router.stop("SIGKILL");
  const alone = await router.command("plan");
  assert.equal(alone.code, 2, alone.stdout);
  assert.doesNotMatch(alone.stderr, /Using the settings/);
});

routerTest("a second instance does not take the first one's socket", async (router) => {
  const first = router.start();
  await until("the service answers", async () => (await statusOf(router)).code === 0);
  const second = await router.command("run");
  assert.notEqual(second.code, 0);
  const { document } = await statusOf(router);
  assert.equal((document["service"] as { pid: number }).pid, first.pid);
});

routerTest(
  "a service that starts while a former one is stopping opens its socket once that one's is gone",
  async (router) => {
    // The former one, which still answers when the next one starts.
    const former = Deno.serve(
      { path: `${router.file}.cloudroutesync.sock`, onListen: () => {} },
      () => Response.json({ state: "ok" }),
    );
    const run = router.start();
    await run.untilLog(/is in step/);
    await former.shutdown();
    await Deno.remove(`${router.file}.cloudroutesync.sock`).catch(() => {});
    await until("the service answers", async () => (await statusOf(router)).code === 0);
    assert.doesNotMatch(run.log, /was deleted/);
  },
);

routerTest("a service whose socket is deleted makes it anew, and status finds it again", async (router) => {
  const run = router.start();
  await until("the service answers", async () => (await statusOf(router)).code === 0);
  const socket = `${router.file}.cloudroutesync.sock`;
  await Deno.remove(socket);
  assert.equal((await statusOf(router)).document["state"], "not running");
  await run.untilLog(/The socket .* was deleted while in use; it is made again/);
  await until("the service answers again", async () => (await statusOf(router)).code === 0);
});

/** The verdict's moment, which must not be later than now. */
async function sinceOf(router: Router, state: string): Promise<number> {
  // Whatever the program does at the moment of its log line is done when another process has started and ended.
  await router.command("version");
  const now = Date.now();
  const { document } = await statusOf(router);
  assert.equal(document["state"], state, JSON.stringify(document["why"]));
  const since = Date.parse(String(document["since"]));
  assert.ok(
    since <= now,
    `${state} since ${document["since"]}, but it was so at ${new Date(now).toISOString()}`,
  );
  return since;
}

routerTest(
  "status tells since when the verdict is what it is, though nobody looked at it then",
  async (router) => {
    const [prefix = ""] = routes;
    await router.writeFile([{ prefix, nextHop: "10.0.0.99", owner: "operator" }]);
    const run = router.start();
    await run.untilLog(/is in step/);
    const ok = await sinceOf(router, "ok");
    await router.announce([prefix]);
    await run.untilLog(/blocked by a foreign route/);
    const degraded = await sinceOf(router, "degraded");
    assert.ok(ok <= degraded);
    await router.withdraw([prefix]);
    await run.untilLog(/no foreign route blocks a wanted prefix any more/);
    assert.ok(degraded <= await sinceOf(router, "ok"));
  },
);

routerTest("a kernel that cannot be read is a verdict and a log line, and so is its end", async (router) => {
  const run = router.start("-netlink", "1");
  await run.untilLog(/is in step/);
  const limit = (files: string): Promise<string> =>
    router.namespace.must(["prlimit", `--pid=${run.pid}`, `--nofile=${files}:`]);
  await limit("1");
  await run.untilLog(/failing: Cannot open a routing netlink socket: EMFILE/);
  await limit("1024");
  await run.untilLog(/The kernel is read well again, after /);
  await sinceOf(router, "ok");
  assert.equal(run.log.match(/failing:/g)?.length, 1, run.log);
});

routerTest("to a user who may not ask the service, whether it runs is unknown", async (router) => {
  const own = `${router.folder}/own`;
  await Deno.chmod(router.folder, 0o755);
  await Deno.mkdir(own, { mode: 0o700 });
  const flags = ["-cloud", "local", "-local-file", `${own}/cloud.json`];
  const run = router.spawn(["-event", ...flags, "-exclude", "0.0.0.0/0+"]);
  await run.untilLog(/is in step/);
  assert.equal((await router.bare(["status", ...flags])).code, 0);
  router.through = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
  for (const command of ["status", "release"]) {
    const { code, stdout } = await router.bare([command, ...flags]);
    assert.equal(code, 1);
    assert.match(stdout, /^unknown: this user may not open the service's socket \(.*\.sock\)\n.*sudo/);
  }
  const { stdout } = await router.bare(["status", "-output", "json", ...flags]);
  assert.equal(JSON.parse(stdout).state, "unknown");
  const looked = await router.bare(["routes", ...flags]);
  assert.equal(looked.code, 0);
  assert.match(
    looked.stderr,
    /The settings of the service, if it runs, are not used: this user may not read /,
  );
});
