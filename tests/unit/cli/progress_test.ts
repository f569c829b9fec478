import assert from "node:assert/strict";
import { progressLine, progressOf } from "../../../src/cli/progress.ts";
import { syncStatus } from "../../fakes/observations.ts";

Deno.test("progressOf() counts the changes of all tables, done and to do", () => {
  const tables = [
    syncStatus({ pending: 90, writes: { add: 6, replace: 3, delete: 1 } }),
    syncStatus({ pending: 10, writes: { add: 0, replace: 0, delete: 0 } }),
  ];
  assert.deepEqual(progressOf(tables), { done: 10, total: 110 });
});

Deno.test("progressLine() tells done, total and the time left", () => {
  assert.equal(
    progressLine({ done: 100, total: 400, elapsedMs: 25_000 }, false),
    "[#######-----------------------] 100 of 400 changes, about 1 min 15 s left",
  );
});

Deno.test("progressLine() guesses no time before anything is done, nor at the end", () => {
  assert.match(progressLine({ done: 0, total: 400, elapsedMs: 5_000 }, false) ?? "", /0 of 400 changes$/);
  assert.match(
    progressLine({ done: 400, total: 400, elapsedMs: 5_000 }, false) ?? "",
    /^\[#{30}\] 400 of 400 changes$/,
  );
});

Deno.test("progressLine() has colours only where they may be", () => {
  const progress = { done: 200, total: 400, elapsedMs: 5_000 };
  const bar = `[\x1b[32m${"#".repeat(15)}\x1b[0m${"-".repeat(15)}]`;
  assert.ok(progressLine(progress, true)?.startsWith(bar));
});

Deno.test("progressLine() says nothing of a few changes", () => {
  assert.equal(progressLine({ done: 1, total: 9, elapsedMs: 5_000 }, true), null);
});
