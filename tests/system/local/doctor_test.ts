/** `doctor` when it is told to stop. */

import assert from "node:assert/strict";
import { routerTest } from "./router.ts";

routerTest("SIGTERM ends doctor as it ends the others, and is no finding", async (router) => {
  const args = ["-cloud", "local", "-local-file", router.file, "-local-latency", "20s", "-debug"];
  const run = router.spawn(["doctor", ...args]);
  await run.untilLog(/Gave up/);
  const { code } = await run.stop();
  const { stdout, stderr } = await run.result();
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^cloudroutesync: A signal to stop came$/m);
});
