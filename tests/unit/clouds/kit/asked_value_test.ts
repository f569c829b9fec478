import assert from "node:assert/strict";
import { AskedValue } from "../../../../src/clouds/kit/asked_value.ts";

const signal = new AbortController().signal;

/** A cloud that answers in turn: a number, null (it does not tell), or an error. */
function asking(answers: readonly (number | null | Error)[]): {
  readonly value: AskedValue<number>;
  readonly clock: { now: number };
  readonly failures: unknown[];
  readonly asked: () => number;
} {
  const clock = { now: 0 };
  const failures: unknown[] = [];
  let asked = 0;
  const value = new AskedValue<number>({
    ask: () => {
      const answer = answers[asked++] ?? null;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    timeoutMs: 1_000,
    ttlMs: 100,
    now: () => clock.now,
    onFailure: (error) => failures.push(error),
  });
  return { value, clock, failures, asked: () => asked };
}

Deno.test("AskedValue asks once for its time, and once for those who come together", async () => {
  const { value, clock, asked } = asking([500, 1000]);
  assert.deepEqual(await Promise.all([value.read(signal), value.read(signal)]), [500, 500]);
  clock.now = 99;
  assert.deepEqual([await value.read(signal), asked()], [500, 1]);
  clock.now = 100;
  assert.deepEqual([await value.read(signal), asked(), value.known], [1000, 2, 1000]);
});

Deno.test("AskedValue keeps what it knew when it cannot ask, or is not told any more", async () => {
  const { value, clock, failures, asked } = asking([500, new Error("403"), null]);
  for (const now of [0, 100, 200]) {
    clock.now = now;
    assert.equal(await value.read(signal), 500);
  }
  assert.deepEqual([failures.map(String), asked()], [["Error: 403"], 3]);
});

Deno.test("AskedValue passes on that a caller gave up, and keeps the answer for the others", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const value = new AskedValue<number>({
    ask: () => promise,
    timeoutMs: 1_000,
    ttlMs: 100,
    now: () => 0,
    onFailure: () => {},
  });
  const controller = new AbortController();
  const first = value.read(controller.signal);
  const second = value.read(signal);
  controller.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  resolve(7);
  assert.equal(await second, 7);
});
