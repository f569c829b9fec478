import assert from "node:assert/strict";
import { findingText } from "../../../src/cli/commands/doctor.ts";

Deno.test("findingText() parts the verdict from the name, however long it is, and puts what helps below the name", () => {
  const texts = (["ok", "bad", "unknown"] as const).map((status) =>
    findingText({ name: "identity", status, detail: "no answer", remedy: "wait" })
  );
  assert.deepEqual(texts, [
    "[ok]      identity: no answer\n          wait\n",
    "[bad]     identity: no answer\n          wait\n",
    "[unknown] identity: no answer\n          wait\n",
  ]);
});
