import assert from "node:assert/strict";
import { CloudError, type CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";
import { MutationLimiter } from "../../../../src/clouds/gcp/mutation_limiter.ts";
import { AdaptiveLimiter } from "../../../../src/async/adaptive_limiter.ts";
import { delay } from "../../../../src/async/delay.ts";
import { systemClock } from "../../../../src/async/system_clock.ts";
import { afterRefusal, writeRate } from "../../../../src/clouds/gcp/write_rate.ts";

const signal = new AbortController().signal;

function newLimiter(): MutationLimiter {
  return new MutationLimiter(new AdaptiveLimiter(writeRate, systemClock, afterRefusal), systemClock);
}

async function fail(limiter: MutationLimiter, kind: CloudErrorKind): Promise<void> {
  const error = new CloudError(kind, "Cannot add route r: no", { retryAfterMs: 3000, limit: 250 });
  await assert.rejects(limiter.send("insert", () => Promise.reject(error), signal));
}

/** Whether a call would be sent now. */
async function isOpen(limiter: MutationLimiter, mutation: "insert" | "delete"): Promise<boolean> {
  let sent = false;
  await limiter.send(mutation, () => Promise.resolve(sent = true), signal).catch(() => {});
  return sent;
}

Deno.test("send() lets at most 16 calls be under way, in the order of coming", async () => {
  const limiter = newLimiter();
  const order: number[] = [];
  const release = Promise.withResolvers<void>();
  const passes = Array.from({ length: 40 }, (_, index) =>
    limiter.send("insert", async () => {
      order.push(index);
      await release.promise;
    }, signal));
  await new Promise((wake) => setTimeout(wake, 20));
  assert.equal(order.length, 16);
  release.resolve();
  await Promise.all(passes);
  assert.deepEqual(order, Array.from({ length: 40 }, (_, index) => index));
});

Deno.test("a refusal counts once, whatever waited behind it and was not sent", async () => {
  const refusals: number[] = [];
  const rate = {
    wait: () => Promise.resolve(),
    accepted: () => {},
    refused: (sentAt: number) => void refusals.push(sentAt),
  };
  const limiter = new MutationLimiter(rate, systemClock);
  const refused = new CloudError("throttled", "Cannot add route r: too often");
  const calls = Array.from(
    { length: 20 },
    () => limiter.send("insert", () => Promise.reject(refused), signal),
  );
  const ends = await Promise.allSettled(calls);
  assert.ok(ends.every(({ status }) => status === "rejected"));
  assert.equal(refusals.length, 16, "those that were under way together");
});

for (const kind of ["quota", "denied"] as const) {
  Deno.test(`pass() sends deletes but no inserts when an insert was "${kind}"`, async () => {
    const limiter = newLimiter();
    await fail(limiter, kind);
    assert.deepEqual([await isOpen(limiter, "insert"), await isOpen(limiter, "delete")], [false, true]);
  });
}

Deno.test("ended() keeps inserts back when an operation ended at a full quota, and at nothing else", async () => {
  for (const [kind, opens] of [["quota", false], ["conflict", true], ["unavailable", true]] as const) {
    const limiter = newLimiter();
    for (let times = 0; times < 3; times++) {
      limiter.ended("insert", new CloudError(kind, "Cannot add route r"));
    }
    assert.deepEqual([await isOpen(limiter, "insert"), await isOpen(limiter, "delete")], [opens, true], kind);
  }
});

Deno.test("send() sends nothing when a call was throttled, and hands on what Google said", async () => {
  const limiter = newLimiter();
  await fail(limiter, "throttled");
  assert.deepEqual([await isOpen(limiter, "insert"), await isOpen(limiter, "delete")], [false, false]);
  const refusal = limiter.send("delete", () => Promise.resolve(), signal);
  await assert.rejects(
    refusal,
    (error) =>
      error instanceof CloudError && error.kind === "throttled" && error.retryAfterMs === 3000 &&
      /^Not sent, since an earlier call failed: Cannot add route r/.test(error.message),
  );
});

Deno.test("send() sends nothing when three calls in a row found the API out of reach", async () => {
  const limiter = newLimiter();
  await fail(limiter, "unavailable");
  await fail(limiter, "unavailable");
  assert.equal(await isOpen(limiter, "insert"), true);
  for (let times = 0; times < 3; times++) await fail(limiter, "unavailable");
  assert.equal(await isOpen(limiter, "delete"), false);
});

for (const kind of ["invalid", "conflict", "gone"] as const) {
  Deno.test(`pass() goes on when one call was "${kind}"`, async () => {
    const limiter = newLimiter();
    await fail(limiter, kind);
    assert.equal(await isOpen(limiter, "insert"), true);
  });
}

Deno.test("send() gives up waiting for its turn when the signal says so", async () => {
  const waits = [0, 1_000_000];
  const rate = {
    wait: (stop: AbortSignal) => delay(waits.shift() ?? 0, stop),
    accepted: () => {},
    refused: () => {},
  };
  const limiter = new MutationLimiter(rate, systemClock);
  await limiter.send("insert", () => Promise.resolve(), signal);
  const controller = new AbortController();
  const second = limiter.send("insert", () => Promise.resolve(), controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 10);
  await assert.rejects(second, /enough/);
});
