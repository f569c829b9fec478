import assert from "node:assert/strict";
import * as v from "valibot";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { parseAnswer } from "../../../../src/clouds/kit/answer.ts";

const schema = v.object({ routes: v.array(v.object({ destination: v.string() })) });

Deno.test("parseAnswer() gives back an answer that fits, without what the schema does not name", () => {
  const answer = { routes: [{ destination: "10.0.0.0/8", more: 1 }] };
  assert.deepEqual(parseAnswer(schema, answer, "read router r-1"), {
    routes: [{ destination: "10.0.0.0/8" }],
  });
});

Deno.test("parseAnswer() names where an answer is odd, three places at most", () => {
  const odd = { routes: [{}, {}, {}, {}] };
  assert.throws(() => parseAnswer(schema, odd, "read router r-1", { status: 200 }), (error) => {
    assert.ok(error instanceof CloudError);
    assert.deepEqual([error.kind, error.status], ["malformed", 200]);
    assert.match(error.message, /^Cannot read router r-1: the answer is not as documented: routes\.0\.dest/);
    assert.equal(error.message.split("; ").length, 3);
    return true;
  });
});

Deno.test("parseAnswer() says of a change that nobody knows whether it took effect", () => {
  assert.throws(
    () => parseAnswer(schema, "<html>", "add 2 routes to router r-1", { kind: "unavailable" }),
    (error) =>
      error instanceof CloudError && error.kind === "unavailable" &&
      /^Cannot add 2 routes to router r-1: the answer is not as documented: Invalid type/.test(error.message),
  );
});
