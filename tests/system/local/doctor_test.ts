/** `doctor` when it is told to stop. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { routerTest } from "./router.ts";

routerTest("SIGTERM ends doctor as it ends the others, and is nothing to mend", async (router) => {
  const args = ["-cloud", "local", "-local-file", router.file, "-local-latency", "20s"];
  const run = router.spawn(["doctor", ...args]);
  await sleep(1_500);
  const { code } = await run.stop();
  const { stdout, stderr } = await run.result();
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.equal(stderr, "cloudroutesync: Told to stop\n");
});
