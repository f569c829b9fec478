import assert from "node:assert/strict";
import { logTables } from "../../../src/cli/start_lines.ts";
import { captureLog } from "../../fakes/captured_log.ts";

const settings = { owner: "crs", listen: null };
const cloud = { name: "aws" as const, describe: (hop: string): string => `${hop} (10.0.1.10)` };

Deno.test("logTables() names an interface once that carries both families", () => {
  using log = captureLog();
  logTables(settings, cloud, ["rtb-1"], { instance: "i-1", self: { 4: "eni-1", 6: "eni-1" } });
  logTables(settings, cloud, ["rtb-1"], { instance: "i-1", self: { 4: "eni-1", 6: "eni-2" } });
  const hops = log.lines.map((line) => /next hop (.*); no -listen$/.exec(line)?.[1]);
  assert.deepEqual(hops, ["eni-1 (10.0.1.10)", "eni-1 (10.0.1.10), eni-2 (10.0.1.10)"]);
});
