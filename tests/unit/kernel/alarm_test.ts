import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { longestTimeoutMs } from "../../../src/async/clock.ts";
import { Alarm } from "../../../src/kernel/alarm.ts";

Deno.test("Alarm does not ring at once when it is set for later than a timer can be", async () => {
  let rings = 0;
  const alarm = new Alarm(() => {
    rings++;
    return Promise.resolve();
  });
  const waits: unknown[] = [];
  const { setTimeout: timer } = globalThis;
  globalThis.setTimeout = ((...[task, ms]: Parameters<typeof timer>) => {
    waits.push(ms);
    return timer(task, ms);
    // Deno types it with the properties of Node's.
  }) as typeof timer;
  try {
    alarm.within(2 ** 31 + 1_000);
  } finally {
    globalThis.setTimeout = timer;
  }
  assert.deepEqual(waits, [longestTimeoutMs]);
  await sleep(30);
  assert.equal(rings, 0);
  alarm.within(0);
  await sleep(30);
  assert.equal(rings, 1);
  await alarm.close();
});

Deno.test("Alarm runs its task once at a time, also when the task asks for another run before it first waits", async () => {
  let running = 0, most = 0, runs = 0;
  const alarm: Alarm = new Alarm(async () => {
    most = Math.max(most, ++running);
    if (++runs === 1) alarm.within(0);
    await sleep(20);
    running--;
  });
  alarm.within(0);
  while (runs < 2 || running > 0) await sleep(1);
  assert.equal(most, 1);
  assert.equal(runs, 2);
  await alarm.close();
});
