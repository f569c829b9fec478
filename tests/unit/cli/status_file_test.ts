/** What a running instance leaves for `explain`. */

import assert from "node:assert/strict";
import { leftBehind, writeStatusFile } from "../../../src/cli/status_file.ts";
import { syncStatus } from "../../fakes/observations.ts";

Deno.test("leftBehind() tells a prefix' error, else the table's, and until when it waits since it flapped", async () => {
  const path = await Deno.makeTempFile();
  try {
    await writeStatusFile(
      path,
      syncStatus({
        errors: new Map([["", new Error("no answer")], ["10.1.0.0/16", new Error("refused")]]),
        damped: [{ prefix: "10.2.0.0/16", until: 5_000 }],
      }),
    );
    assert.deepEqual(await leftBehind(path, "10.1.0.0/16"), { lastError: "refused", dampedUntil: null });
    assert.deepEqual(await leftBehind(path, "10.2.0.0/16"), { lastError: "no answer", dampedUntil: 5_000 });
    await Deno.writeTextFile(path, '{"pid": 1, "errors": {}}');
    assert.deepEqual(await leftBehind(path, "10.2.0.0/16"), { lastError: null, dampedUntil: null });
    await Deno.writeTextFile(path, "{");
    assert.deepEqual(await leftBehind(path, "10.2.0.0/16"), { lastError: null, dampedUntil: null });
  } finally {
    await Deno.remove(path);
  }
});
