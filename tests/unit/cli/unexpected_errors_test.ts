import assert from "node:assert/strict";
import { UnexpectedErrors } from "../../../src/cli/unexpected_errors.ts";
import { captureLog } from "../../fakes/captured_log.ts";

Deno.test("UnexpectedErrors logs an error with its stack and its causes, and counts it", () => {
  using log = captureLog();
  const errors = new UnexpectedErrors();
  errors.report("in a callback", new TypeError("a bug", { cause: new Error("its root") }));
  errors.report("in a callback", "only a text");
  assert.equal(errors.count, 2);
  const [first = "", second] = log.lines;
  assert.match(
    first,
    /^error: Unexpected error in a callback; the program goes on\. TypeError: a bug\n +at /,
  );
  assert.match(first, /\nCaused by: Error: its root\n +at .*unexpected_errors_test/);
  assert.equal(second, "error: Unexpected error in a callback; the program goes on. only a text");
});

Deno.test("UnexpectedErrors counts each error, and logs one that comes again and again once a minute", () => {
  using log = captureLog();
  let now = 0;
  const errors = new UnexpectedErrors(() => now);
  const flood = new Error("again");
  for (; now < 120_000; now += 100) errors.report("in a callback", flood);
  errors.report("in a callback", new Error("another"));
  assert.equal(errors.count, 1201);
  assert.deepEqual(log.lines.map((line) => line.split(". ")[0]), [
    "error: Unexpected error in a callback; the program goes on",
    "error: Unexpected error in a callback (599 more of it in between); the program goes on",
    "error: Unexpected error in a callback; the program goes on",
  ]);
});
