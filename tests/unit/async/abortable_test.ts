import assert from "node:assert/strict";
import { abortable } from "../../../src/async/abortable.ts";

const never = new AbortController().signal;

Deno.test("abortable() hands on what became of the work", async () => {
  assert.equal(await abortable(Promise.resolve(7), never), 7);
  await assert.rejects(abortable(Promise.reject(new Error("no answer")), never), /no answer/);
});

Deno.test("abortable() rejects with the caller's own reason while the work goes on", async () => {
  const caller = new AbortController();
  const work = Promise.withResolvers<number>();
  const waiting = abortable(work.promise, caller.signal);
  const reason = new Error("told to stop");
  caller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  // What becomes of it later concerns nobody: an unhandled rejection would end the test.
  work.reject(new Error("too late"));
});

Deno.test("abortable() rejects when the signal was aborted before, however fast the work is", async () => {
  const reason = new Error("told to stop");
  await assert.rejects(abortable(Promise.resolve(7), AbortSignal.abort(reason)), (error) => error === reason);
});
