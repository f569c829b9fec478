/** `-listen` where nobody can listen: one sentence that names address, flag and cause. */

import assert from "node:assert/strict";
import { type Router, routerTest } from "./router.ts";

/** Runs with `-listen` as a user would start it, and has it end by itself. */
async function ending(
  router: Router,
  address: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly last: string; readonly stderr: string }> {
  const args = ["-cloud", "local", "-local-file", router.file, "-listen", address];
  const { code, stderr } = await router.bare(args, env);
  return { code, stderr, last: stderr.trimEnd().split("\n").at(-1) ?? "" };
}

routerTest("an address where nobody can listen ends a run with 1 and no trace", async (router) => {
  const held = router.spawn([
    "-cloud",
    "local",
    "-local-file",
    `${router.folder}/other.json`,
    "-listen",
    ":9155",
  ]);
  await held.untilLog(/Keeping local in step/);
  const sentences: Readonly<Record<string, string>> = {
    "127.0.0.1:9155": "127.0.0.1:9155 (-listen): the address is in use",
    "192.0.2.1:9155": "192.0.2.1:9155 (-listen): this machine does not have the address",
    "[2001:db8::77]:9155": "[2001:db8::77]:9155 (-listen): this machine does not have the address",
  };
  for (const [address, sentence] of Object.entries(sentences)) {
    const { code, last, stderr } = await ending(router, address);
    assert.equal(code, 1, address);
    assert.equal(last, `cloudroutesync: Cannot listen on ${sentence}`);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
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
