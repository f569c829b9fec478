/** `-listen` where nobody can listen: one sentence that names address, flag and cause, while the run goes on. */

import assert from "node:assert/strict";
import { type Router, routerTest, tableOf } from "./router.ts";

const prefix = "198.51.100.0/24";

/** Runs with `-listen` as a user would start it, and has it end by itself. */
async function ending(
  router: Router,
  address: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly stderr: string }> {
  const args = ["-cloud", "local", "-local-file", router.file, "-listen", address];
  return await router.bare(args, env);
}

routerTest("a run goes on where nobody can listen, and says so once", async (router) => {
  await router.announce([prefix]);
  for (const address of ["192.0.2.1:9155", "[2001:db8::77]:9155"]) {
    const run = router.start("-listen", address);
    await run.untilLog(/Keeping local in step/);
    await router.untilTable(tableOf([prefix]));
    const { code, log } = await run.stop();
    assert.equal(code, 0, address);
    const told = log.split("\n").filter((line) => line.includes("Cannot listen"));
    assert.equal(told.length, 1, log);
    assert.ok(
      told[0]?.endsWith(
        `Cannot listen on ${address} (-listen): this machine does not have the address; retrying`,
      ),
    );
    assert.doesNotMatch(log, /^ +at /m);
  }
});

routerTest("a port that is taken is served as soon as it is free", async (router) => {
  const other = ["-cloud", "local", "-local-file", `${router.folder}/other.json`, "-listen", ":9155"];
  const holder = router.spawn(other);
  await holder.untilLog(/Keeping local in step/);
  const run = router.start("-listen", "127.0.0.1:9155");
  await run.untilLog(/Cannot listen on 127\.0\.0\.1:9155 \(-listen\): the address is in use; retrying/);
  await router.announce([prefix]);
  await router.untilTable(tableOf([prefix]));
  await holder.stop();
  await run.untilLog(/Listening on 127\.0\.0\.1:9155, which could not be had before/);
  const { stdout } = await router.namespace.run(["curl", "-s", "http://127.0.0.1:9155/metrics"]);
  assert.match(stdout, /^cloudroutesync_unexpected_errors_total 0$/m);
  assert.equal(run.log.match(/Cannot listen/g)?.length, 1);
  assert.equal((await run.stop()).code, 0);
});

routerTest("what is no address is refused before anything is looked up", async (router) => {
  for (const address of ["300.1.1.1:80", "[:::::]:80"]) {
    const started = performance.now();
    const { code, stderr } = await ending(router, address);
    assert.equal(code, 2, address);
    assert.match(
      stderr,
      /^cloudroutesync: -listen: Cannot parse address .* neither an IPv4 nor an IPv6 address$/m,
    );
    assert.ok(performance.now() - started < 5_000, address);
  }
});

routerTest("a NOTIFY_SOCKET that is no socket's name stops no run", async (router) => {
  const args = ["-cloud", "local", "-local-file", router.file];
  const run = router.spawn(args, { NOTIFY_SOCKET: "notify" });
  await run.untilLog(/Keeping local in step/);
  assert.equal((await run.stop()).code, 0);
});

routerTest("-listen with a name that nobody knows holds up neither the start nor a stop", async (router) => {
  const run = router.start("-listen", "nobody.invalid:9155");
  await run.untilLog(/is in step/);
  assert.doesNotMatch(run.log, /Cannot listen/, "the name was waited for");
  const { code, log } = await run.stop();
  assert.equal(code, 0, log);
  for (const line of log.trimEnd().split("\n")) assert.match(line, /^\d{4}-/, "it is a line of the log");
});
