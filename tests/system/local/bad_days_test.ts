/** Bad days: each gets one clear sentence, and nothing is lost. */

import assert from "node:assert/strict";
import { numbered } from "../router_vm.ts";
import { until } from "../until.ts";
import { routerTest, tableOf } from "./router.ts";

const prefix = "198.51.100.0/24";
const foreign = { prefix: "203.0.113.0/24", nextHop: "10.0.0.99", owner: "operator" };

/** Files that are not what they should be, and what is said of them. */
const corrupt: Readonly<Record<string, readonly [text: string, sentence: RegExp]>> = {
  "that is no JSON": ["{garbage", /Cannot read local file .*JSON/],
  "that is empty": ["", /Cannot read local file .*JSON/],
  "of another shape": ['{"version": 1, "routes": "many"}', /Cannot read local file .*routes is not a list/],
  "of a bad version": ['{"version": -1, "routes": []}', /Cannot read local file .*version is less than 0/],
  "with host bits in a prefix": [
    '{"version": 1, "routes": [{"prefix": "10.0.0.1/24", "nextHop": "10.0.0.7", "owner": "x"}]}',
    /Cannot read local file .*routes\.0\.prefix is not a canonical prefix/,
  ],
  "with a prefix twice": [
    `{"version": 1, "routes": [${JSON.stringify(foreign)}, ${JSON.stringify(foreign)}]}`,
    /Cannot read local file .*prefix 203\.0\.113\.0\/24 stands in it twice/,
  ],
};

for (const [what, [text, sentence]] of Object.entries(corrupt)) {
  routerTest(`a file ${what} is told, and stays byte for byte`, async (router) => {
    await Deno.writeTextFile(router.file, text);
    await router.announce([prefix]);
    for (const command of ["plan", "apply", "cleanup"]) {
      const { code, stdout, stderr } = await router.command(command);
      assert.equal(code, 1, command);
      assert.match(stderr + stdout, sentence);
      assert.equal(await Deno.readTextFile(router.file), text);
    }
    const run = router.start();
    await run.untilLog(sentence);
    assert.equal(await Deno.readTextFile(router.file), text);
    await router.writeFile([]);
    await router.untilTable({ [prefix]: "10.0.0.7" });
    assert.doesNotMatch(run.log, /^ +at /m);
  });
}

routerTest("a file that is corrupted while it runs is left alone until it is mended", async (router) => {
  await router.announce([prefix]);
  const run = router.start("-audit", "1s");
  await router.untilTable({ [prefix]: "10.0.0.7" });
  const good = await Deno.readTextFile(router.file);
  await Deno.writeTextFile(router.file, "{garbage");
  await run.untilLog(/Cannot read local file/);
  await router.announce(["192.0.2.0/24"]);
  assert.equal(await Deno.readTextFile(router.file), "{garbage");
  await Deno.writeTextFile(router.file, good);
  await router.untilTable(tableOf([prefix, "192.0.2.0/24"]));
});

routerTest("a file whose folder is not there is a configuration error", async (router) => {
  for (const command of ["run", "apply"]) {
    const args = [command, "-cloud", "local", "-local-file", `${router.folder}/none/cloud.json`];
    const { code, stderr } = await router.bare(args);
    assert.equal(code, 2);
    assert.match(stderr, /^cloudroutesync: Cannot write local file .*none\/cloud\.json: no such file/m);
  }
});

routerTest("a read-only file system ends apply, and a run waits until it can be written", async (router) => {
  const sealed = `${router.folder}/sealed`;
  await router.namespace.must(["mkdir", sealed]);
  await router.namespace.must(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", sealed]);
  const flags = ["-cloud", "local", "-event", "-local-file", `${sealed}/cloud.json`];
  const { code, stderr } = await router.bare(["apply", ...flags]);
  assert.equal(code, 1);
  assert.match(stderr, /^cloudroutesync: Cannot write local file .*read-only/m);
  await router.announce([prefix]);
  const run = router.spawn(["run", ...flags]);
  await run.untilLog(
    /Cannot write local file .*read-only .*; mount it writable, or name another file with -local-file; retrying in/,
  );
  await router.namespace.must(["mount", "-o", "remount,rw", sealed]);
  await run.untilLog(/add 198\.51\.100\.0\/24/);
});

routerTest("a run that may no longer write its folder stops as told, with one sentence", async (router) => {
  const folder = `${router.folder}/folder`;
  await Deno.chmod(router.folder, 0o755);
  await Deno.mkdir(folder);
  await Deno.chmod(folder, 0o777);
  router.through = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
  const run = router.spawn(["-cloud", "local", "-event", "-local-file", `${folder}/cloud.json`]);
  await run.untilLog(/is in step/);
  await Deno.chmod(folder, 0o555);
  const { code, log } = await run.stop();
  assert.equal(code, 0, log);
  assert.match(log, /Cannot remove the socket .*\.sock: permission denied; it does no harm/);
  assert.match(log, /Stopped/);
  assert.doesNotMatch(log, /^ +at /m);
});

routerTest(
  "a full disk costs no route: what could not be written follows when there is room",
  async (router) => {
    const disk = `${router.folder}/disk`;
    await router.namespace.must(["mkdir", disk]);
    await router.namespace.must(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]);
    const run = router.spawn(["-cloud", "local", "-event", "-local-file", `${disk}/cloud.json`]);
    const written = (): Promise<string> => router.namespace.must(["cat", `${disk}/cloud.json`]);
    await router.announce([prefix]);
    await run.untilLog(/add 198\.51\.100\.0\/24/);
    const before = await written();
    // Whatever is left is filled up.
    await router.namespace.run(["dd", "if=/dev/zero", `of=${disk}/ballast`, "bs=1k"]);
    await router.announce(numbered(100));
    const sentence =
      /Cannot write local file .*no space left on device; free space there, or name another file/;
    await run.untilLog(new RegExp(`${sentence.source} with -local-file; retrying in \\d`));
    const status =
      (await router.bare(["status", "-cloud", "local", "-local-file", `${disk}/cloud.json`])).stdout;
    assert.match(status, new RegExp(`^degraded .*${sentence.source}.*; next try`, "m"));
    assert.match(status, /^ {2}100\.64\.0\.0\/24 and 99 more: unavailable: .*no space left/m);
    assert.equal(await written(), before);
    await router.namespace.must(["rm", `${disk}/ballast`]);
    await router.namespace.must(["mount", "-o", "remount,size=1m", disk]);
    await until("all routes are written", async () => JSON.parse(await written()).routes.length === 101);
  },
);

routerTest("a second instance on the same table refuses and names the first's process", async (router) => {
  await router.announce([prefix]);
  const first = router.start();
  await router.untilTable({ [prefix]: "10.0.0.7" });
  for (const command of ["run", "apply", "cleanup"]) {
    const { code, stderr } = await router.command(command);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`^cloudroutesync: Cannot keep table .*: process ${first.pid} does so`, "m"),
    );
  }
  assert.equal((await router.document("plan")).code, 0);
  await first.kill();
  assert.equal((await router.command("apply")).code, 0);
});

routerTest("a foreign route at a wanted prefix is told and left alone", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([foreign.prefix, prefix]);
  const run = router.start();
  await run.untilLog(/degraded: .*foreign route/);
  await router.untilTable({ [foreign.prefix]: foreign.nextHop, [prefix]: "10.0.0.7" });
  await router.withdraw([foreign.prefix, prefix]);
  await router.untilTable({ [foreign.prefix]: foreign.nextHop });
  assert.deepEqual((await router.readFile()).routes, [foreign]);
});

routerTest("a wanted route takes its place once the foreign one goes", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([foreign.prefix]);
  const run = router.start();
  await run.untilLog(/degraded: .*foreign route/);
  await router.writeFile([], 500, 2);
  await router.untilTable({ [foreign.prefix]: "10.0.0.7" });
});

routerTest("-adopt takes a foreign route over, and later withdraws it as its own", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([foreign.prefix]);
  router.start("-adopt");
  await router.untilTable({ [foreign.prefix]: "10.0.0.7" });
  assert.equal((await router.readFile()).routes[0]?.owner, "cloudroutesync");
  await router.withdraw([foreign.prefix]);
  await router.untilTable({});
});

routerTest("two owners keep one file without touching each other's routes", async (router) => {
  const flags = ["-cloud", "local", "-event", "-local-file", router.file];
  router.spawn([...flags, "-owner", "east", "-include", "100.64.0.0/16+"]);
  const west = router.spawn([...flags, "-owner", "west", "-include", "198.51.100.0/24"]);
  const pods = numbered(15);
  await router.announce([...pods, prefix]);
  await router.untilTable(tableOf([...pods, prefix]));
  await router.announce(pods.slice(0, 5), "10.0.0.8");
  await router.withdraw([prefix]);
  await router.untilTable({ ...tableOf(pods), ...tableOf(pods.slice(0, 5), "10.0.0.8") });
  assert.ok((await router.readFile()).routes.every(({ owner }) => owner === "east"));
  await west.stop();
  assert.equal((await router.command("cleanup", "-owner", "west")).code, 0);
  assert.equal((await router.readFile()).routes.length, 15);
});

routerTest("a route beyond the quota waits for room, and gets it", async (router) => {
  await router.writeFile([foreign], 3);
  await router.announce(["198.18.0.0/24", "198.18.1.0/24"]);
  const run = router.start();
  await until("the quota is used up", async () => (await router.readFile()).routes.length === 3);
  await router.announce(["198.18.2.0/24"]);
  await run.untilLog(/degraded: .*1 wanted route is over the quota/);
  const { code, document } = await router.document("plan");
  assert.equal(code, 2);
  const [plan] = (document as { tables: Record<string, unknown>[] }).tables;
  const { quota, verdict, why } = plan ?? {};
  assert.deepEqual({ quota, verdict }, { quota: { used: 3, limit: 3 }, verdict: "refuse" });
  assert.match(String(why), /198\.18\.2\.0\/24/);
  await router.withdraw(["198.18.0.0/24"]);
  const hops = tableOf(["198.18.1.0/24", "198.18.2.0/24"]);
  await router.untilTable({ ...hops, [foreign.prefix]: foreign.nextHop });
});

routerTest("a quota that an operator raises is used without a restart", async (router) => {
  await router.writeFile([], 1);
  await router.announce([prefix, "192.0.2.0/24"]);
  const run = router.start();
  await run.untilLog(/degraded: .*over the quota/);
  const { routes, version } = await router.readFile();
  assert.equal(routes.length, 1);
  await router.writeFile(routes, 2, version + 1);
  await router.untilTable(tableOf([prefix, "192.0.2.0/24"]));
});

routerTest("what an operator edits by hand is mended at the audit, their own routes kept", async (router) => {
  await router.announce(numbered(3));
  router.start("-audit", "2s");
  await router.untilTable(tableOf(numbered(3)));
  const { routes, version } = await router.readFile();
  const [first, second] = routes;
  assert.ok(first !== undefined && second !== undefined);
  const stray = { prefix: "192.0.2.0/24", nextHop: "10.0.0.7", owner: "cloudroutesync" };
  await router.writeFile([foreign, first, { ...second, nextHop: "10.0.0.66" }, stray], 500, version + 1);
  await router.untilTable({ ...tableOf(numbered(3)), [foreign.prefix]: foreign.nextHop });
  assert.deepEqual((await router.readFile()).routes.find((route) => route.owner === "operator"), foreign);
});

routerTest("fields that it does not know survive its writes", async (router) => {
  const noted = { ...foreign, note: "do not touch" };
  const text = JSON.stringify({ version: 7, quota: 9, region: "eu", routes: [noted] });
  await Deno.writeTextFile(router.file, text);
  await router.announce([prefix]);
  assert.equal((await router.command("apply")).code, 0);
  const ours = { prefix, nextHop: "10.0.0.7", owner: "cloudroutesync" };
  assert.deepEqual(JSON.parse(await Deno.readTextFile(router.file)), {
    version: 8,
    quota: 9,
    region: "eu",
    routes: [noted, ours],
  });
});

routerTest("a cloud that fails a fifth of its calls ends in step all the same", async (router) => {
  await router.writeFile([foreign]);
  router.start("-local-faults", "0.2", "-local-latency", "5ms", "-max-withdraw", "100");
  await router.announce(numbered(30));
  await router.untilTable({ ...tableOf(numbered(30)), [foreign.prefix]: foreign.nextHop });
  await router.withdraw(numbered(15));
  await router.untilTable({ ...tableOf(numbered(30).slice(15)), [foreign.prefix]: foreign.nextHop });
});

routerTest("a cloud that always fails loses nothing, and SIGTERM ends the waiting", async (router) => {
  await router.writeFile([foreign]);
  await router.announce([prefix]);
  const run = router.start("-local-faults", "1");
  await run.untilLog(/\(fault\)/);
  assert.equal((await run.stop()).code, 0);
  assert.deepEqual((await router.readFile()).routes.filter(({ owner }) => owner === "operator"), [foreign]);
});
