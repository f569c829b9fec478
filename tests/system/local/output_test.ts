/** What becomes of what the executable prints: readers that go away, full disks and closed descriptors. */

import assert from "node:assert/strict";
import type { CommandResult } from "../namespace.ts";
import { binaryPath } from "../binary.ts";
import { type Router, routerTest, tableOf } from "./router.ts";

const prefix = "198.51.100.0/24";

/**
 * Runs the executable with its standard output going where the shell says; `$BIN` is the executable.
 *
 * @returns its own exit code, and what all said on standard error.
 */
async function shell(router: Router, script: string): Promise<CommandResult> {
  const lines = `BIN=${await binaryPath()}; cd ${router.folder} || exit 99\n${script}`;
  return await router.namespace.run(["bash", "-c", lines]);
}

/** The executable's exit code where the reader of its output is gone before it says anything. */
function intoClosedPipe(args: string): string {
  return `{ sleep 0.3; $BIN ${args}; } | true; exit \${PIPESTATUS[0]}`;
}

routerTest("a reader that went away is no error", async (router) => {
  await router.announce([prefix]);
  const local = `-cloud local -local-file ${router.file}`;
  const codes: Readonly<Record<string, number>> = {
    "routes": 0,
    "routes -output json": 0,
    "-help": 0,
    "version": 0,
    "version -debug": 0,
    [`plan ${local}`]: 2,
    [`doctor -policy ${local}`]: 0,
    [`explain ${prefix} ${local}`]: 0,
  };
  for (const [args, expected] of Object.entries(codes)) {
    const { code, stderr } = await shell(router, intoClosedPipe(args));
    assert.deepEqual({ code, stderr }, { code: expected, stderr: "" }, args);
  }
});

routerTest("status -watch ends when its reader went away", async (router) => {
  const watch = `timeout 20 $BIN status -watch -cloud local -local-file ${router.file}`;
  const { code, stderr } = await shell(router, `${watch} | head -1 >/dev/null; exit \${PIPESTATUS[0]}`);
  assert.deepEqual({ code, stderr }, { code: 1, stderr: "" });
});

routerTest("a sync whose reader went away is done, and says so by its exit code", async (router) => {
  await router.announce([prefix]);
  const { code, stderr } = await shell(
    router,
    intoClosedPipe(`apply -cloud local -local-file ${router.file}`),
  );
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /pipe/i);
  await router.untilTable(tableOf([prefix]));
});

routerTest("output that cannot be written is told in one sentence, with exit code 1", async (router) => {
  const local = `-cloud local -local-file ${router.file}`;
  for (const args of ["routes", "-help", "version", "version -event", `plan ${local}`]) {
    const { code, stderr } = await shell(router, `exec $BIN ${args} >/dev/full`);
    const sentence = "cloudroutesync: Cannot write to standard output: no space left on device\n";
    assert.deepEqual({ code, stderr }, { code: 1, stderr: sentence }, args);
  }
});

routerTest("a closed standard output or error leaves no trace of the program's insides", async (router) => {
  for (const args of ["routes", "-help", "version"]) {
    const { code, stderr } = await shell(router, `exec $BIN ${args} >&-`);
    assert.ok(code === 0 || code === 1, args);
    assert.doesNotMatch(stderr, /^ +at /m, args);
  }
  for (const target of ["2>&-", "2>/dev/full"]) {
    assert.equal((await shell(router, `exec $BIN -no-such-flag ${target}`)).code, 2, target);
  }
});

routerTest("a log that nobody can take stops no sync", async (router) => {
  await router.announce([prefix]);
  const { code } = await shell(
    router,
    `exec $BIN apply -debug -cloud local -local-file ${router.file} 2>/dev/full`,
  );
  assert.equal(code, 0);
  await router.untilTable(tableOf([prefix]));
});
