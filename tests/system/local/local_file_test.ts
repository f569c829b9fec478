/** What `-local-file` may name: a file, one that is not there yet, or a link to either; and what is said of all else. */

import assert from "node:assert/strict";
import { type Router, routerTest, tableOf } from "./router.ts";

const prefix = "198.51.100.0/24";

/** Runs `apply` on a file, and measures how long it took in milliseconds. */
async function applyTo(
  router: Router,
  file: string,
): Promise<{ readonly code: number; readonly stderr: string; readonly ms: number }> {
  const started = performance.now();
  const { code, stderr } = await router.bare(["apply", "-cloud", "local", "-local-file", file]);
  return { code, stderr, ms: performance.now() - started };
}

routerTest("what is no file is told at once, and not tried again and again", async (router) => {
  const fifo = `${router.folder}/fifo`;
  await router.namespace.must(["mkfifo", fifo]);
  const sentences: Readonly<Record<string, string>> = {
    [router.folder]: "it is a directory",
    [fifo]: "it is no regular file",
    "/dev/full": "it is no regular file",
    [`${router.folder}/none/cloud.json`]: "no such file or directory",
  };
  for (const [file, why] of Object.entries(sentences)) {
    const { code, stderr, ms } = await applyTo(router, file);
    assert.equal(code, 2, file);
    assert.match(stderr, new RegExp(`^cloudroutesync: Cannot (read|write) local file ${file}: ${why}`, "m"));
    assert.doesNotMatch(stderr, /Requires|allow-all|os error|^ +at /m);
    assert.ok(ms < 10_000, `${file} took ${ms} ms`);
  }
});

routerTest("an empty -local-file is a configuration error", async (router) => {
  const { code, stderr } = await router.bare(["plan", "-cloud", "local", "-local-file", ""]);
  assert.equal(code, 2);
  assert.match(stderr, /^cloudroutesync: -local-file: the name of a file is empty$/m);
});

routerTest("a link stays a link: what it points at is written and locked", async (router) => {
  const link = `${router.folder}/link.json`;
  await Deno.mkdir(`${router.folder}/elsewhere`);
  await Deno.symlink("elsewhere/table.json", link);
  const target = `${router.folder}/elsewhere/table.json`;
  await router.announce([prefix]);
  assert.equal((await applyTo(router, link)).code, 0);
  assert.equal((await Deno.lstat(link)).isSymlink, true);
  assert.equal((await Deno.lstat(target)).isFile, true);
  const { routes } = JSON.parse(await Deno.readTextFile(target)) as { routes: { prefix: string }[] };
  assert.deepEqual(routes.map((route) => route.prefix), Object.keys(tableOf([prefix])));
  const run = router.spawn(["-cloud", "local", "-local-file", target]);
  await run.untilLog(/Keeping local in step/);
  await run.untilLog(/in step/);
  const second = await applyTo(router, link);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`process ${run.pid} does so already`));
});
