import assert from "node:assert/strict";
import { sdkLogger } from "../../../../src/clouds/aws/sdk_client.ts";
import { captureLog } from "../../../fakes/captured_log.ts";

Deno.test("sdkLogger takes the SDK's warnings to the log, on one line, and nothing else", () => {
  using log = captureLog();
  sdkLogger.warn("The AWS SDK for JavaScript\n  no longer", new Error("is old"), { secret: "s" });
  for (const say of [sdkLogger.debug, sdkLogger.info, sdkLogger.error]) say({ commandName: "CreateRoute" });
  assert.equal(log.lines.length, 1);
  assert.match(log.lines[0] ?? "", /The AWS SDK says: The AWS SDK for JavaScript no longer Error: is old$/);
});
