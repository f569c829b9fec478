/** Replays the inputs that `deno task fuzz` has kept: each has an outcome that callers are prepared for. */

import assert from "node:assert/strict";
import { readCorpus } from "../fuzz/corpus.ts";
import { outcomeOfMessage } from "../fuzz/netlink_outcome.ts";
import { targets } from "../fuzz/targets.ts";

for (const { name, seeds, outcome } of targets) {
  Deno.test(`${name}: good and damaged input end in a result or in the error that callers expect`, async () => {
    const kept = await readCorpus(name);
    assert.ok(kept.length > 2, `${name} has ${kept.length} inputs`);
    const outcomes = new Set<string>();
    for (const input of [...seeds(), ...kept]) {
      try {
        outcomes.add(await outcome(input));
      } catch (cause) {
        throw new Error(`Failed on ${input.toHex()}`, { cause });
      }
    }
    // Inputs that all ended alike would show nothing.
    assert.ok(outcomes.size > 2, [...outcomes].join("; "));
  });
}

Deno.test("netlink: what lies behind a message makes no difference", async () => {
  for (const input of await readCorpus("netlink")) {
    assert.equal(outcomeOfMessage(input, 0), outcomeOfMessage(input, 0xff), input.toHex());
  }
});
