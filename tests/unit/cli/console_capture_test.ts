/** What a dependency prints becomes a line of the log. */

import assert from "node:assert/strict";
import { captureConsole } from "../../../src/cli/console_capture.ts";
import { captureLog } from "../../fakes/captured_log.ts";

Deno.test("a dependency's warning is a warning of the log, in one line, without what an object holds", () => {
  using log = captureLog("debug");
  // A console of its own: the test runner prints by the real one.
  const printed: unknown[] = [];
  const own = { ...console, warn: (...words: unknown[]) => printed.push(words) };
  const captured = captureConsole(own);
  own.warn("NodeDeprecationWarning:\n  the SDK will no longer", new Error("no"), { token: "s3cret" });
  own.error("failed");
  own.log("chatter");
  captured[Symbol.dispose]();
  own.warn("as before");
  assert.deepEqual(log.lines, [
    "warning: A dependency says: NodeDeprecationWarning: the SDK will no longer Error: no [Object]",
    "error: A dependency says: failed",
    "debug: A dependency says: chatter",
  ]);
  assert.deepEqual(printed, [["as before"]]);
});
