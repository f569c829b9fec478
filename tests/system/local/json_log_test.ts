/** `-log-format json`: each line of standard error is an object, and says what the text says. */

import assert from "node:assert/strict";
import { routerTest } from "./router.ts";

const prefix = "198.51.100.0/24";

/** The lines of a log for machines, each an object. */
function linesOf(log: string): readonly Record<string, unknown>[] {
  return log.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
}

routerTest("the JSON log says what the text log says, and gives each value a field", async (router) => {
  await router.announce([prefix]);
  const { code, stderr } = await router.command("apply", "-log-format", "json");
  assert.equal(code, 0);
  const added = linesOf(stderr).find((line) => String(line["message"]).startsWith("add "));
  assert.equal(added?.["message"], `add ${prefix} in ${router.file}: none -> 10.0.0.7 (start)`);
  assert.equal(added?.["prefix"], prefix);
  assert.deepEqual([added?.["event"], added?.["cause"], added?.["why"]], ["change", "start", "missing"]);
});

routerTest("the last sentence is a line of the JSON log too", async (router) => {
  await Deno.writeTextFile(router.file, "{garbage");
  const failed = await router.command("plan", "-log-format", "json");
  assert.equal(failed.code, 1);
  const last = linesOf(failed.stderr).at(-1);
  assert.equal(last?.["level"], "ERROR");
  assert.match(String(last?.["message"]), /^Cannot read local file .*: it is not valid JSON/);
  const refused = await router.command("explain 10.0.0.0/33", "-log-format", "json");
  assert.equal(refused.code, 2);
  assert.deepEqual(linesOf(refused.stderr).map((line) => line["message"]), [
    'Cannot parse prefix "10.0.0.0/33": length is over 32',
  ]);
});
