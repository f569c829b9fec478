/** How far hundreds of changes have come: a line on a terminal (a pty of `script`), and nothing anywhere else. */

import assert from "node:assert/strict";
import { programMissing } from "../../needs.ts";
import { numbered } from "../router_vm.ts";
import { binaryPath } from "../binary.ts";
import { type Router, routerTest } from "./router.ts";

const routes = numbered(300);
const green = "\x1b[32m";
const missing = programMissing("script", "bsdutils");

/** What a command writes to a terminal that is both its standard output and its standard error. */
async function onTerminal(router: Router, command: string, environment = ""): Promise<string> {
  const line =
    `${environment} ${await binaryPath()} ${command} -cloud local -local-file ${router.file} -local-latency 1s`;
  return (await router.namespace.run(["script", "-qec", line, "/dev/null"])).stdout;
}

routerTest(
  "apply and cleanup show on a terminal how far they have come, and take the line away",
  async (router) => {
    await router.announce(routes);
    const applied = await onTerminal(router, "apply", "env -u NO_COLOR");
    assert.ok(applied.includes(`\r\x1b[K[${green}\x1b[0m${"-".repeat(30)}] 0 of 300 changes`), applied);
    const [last = ""] = applied.trimEnd().split("\n").slice(-1);
    assert.match(last, /in step; 300 routes of ours; 0 foreign; 300 added/);
    assert.doesNotMatch(last.split("\x1b[K").at(-1) ?? "", /of 300 changes/);
    const cleaned = await onTerminal(router, "cleanup", "env NO_COLOR=1");
    assert.ok(cleaned.includes(`\r\x1b[K[${"-".repeat(30)}] 0 of 300 changes`), cleaned);
    assert.ok(!cleaned.includes(green), cleaned);
  },
  missing,
);

routerTest("nothing of it is in a log for machines, nor where the log is piped", async (router) => {
  await router.announce(routes);
  assert.doesNotMatch(await onTerminal(router, "apply -log-format json"), /of 300 changes/);
  const { stdout, stderr } = await router.command("cleanup", "-local-latency", "1s");
  assert.doesNotMatch(stdout + stderr, /of 300 changes/);
}, missing);
