import assert from "node:assert/strict";
import fc from "fast-check";
import type { Change } from "../../src/clouds/cloud.ts";
import { stagesOf } from "../../src/clouds/gcp/stages.ts";
import { prefixContains, prefixOf } from "../../src/routes/prefix.ts";

/** Few bits, so that prefixes often cover one another. */
const prefixes = fc.tuple(fc.nat({ max: 15 }), fc.integer({ min: 1, max: 5 }))
  .map(([bits, length]) => prefixOf(4, [(bits << 27) >>> 0, 0, 0, 0], length));
const changes: fc.Arbitrary<Change> = fc.tuple(prefixes, fc.boolean()).map(([prefix, adds]) =>
  adds
    ? { action: "add", prefix, from: null, to: ["10.0.0.3"] }
    : { action: "delete", prefix, from: { prefix, nextHops: ["10.0.0.3"], owner: "edge" }, to: null }
);

Deno.test("stagesOf() keeps all changes in their order", () => {
  fc.assert(fc.property(fc.array(changes), (list) => assert.deepEqual(stagesOf(list).flat(), list)));
});

Deno.test("stagesOf() never puts prefixes that cover one another, or an add after a delete, into one stage", () => {
  fc.assert(fc.property(fc.array(changes), (list) => {
    for (const stage of stagesOf(list)) {
      stage.forEach((change, index) => {
        for (const earlier of stage.slice(0, index)) {
          assert.ok(
            !prefixContains(change.prefix, earlier.prefix) && !prefixContains(earlier.prefix, change.prefix),
          );
          assert.ok(!(earlier.action === "delete" && change.action === "add"));
        }
      });
    }
  }));
});

Deno.test("stagesOf() puts adds of distinct prefixes of one length into one stage", () => {
  const list = Array.from({ length: 100 }, (_, index): Change => ({
    action: "add",
    prefix: prefixOf(4, [(10 << 24) + (index << 8), 0, 0, 0], 24),
    from: null,
    to: ["10.0.0.3"],
  }));
  assert.equal(stagesOf(list).length, 1);
});
