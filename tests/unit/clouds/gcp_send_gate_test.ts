import assert from "node:assert/strict";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { SendGate } from "../../../src/clouds/gcp/send_gate.ts";
import { TokenBucket } from "../../../src/sync/token_bucket.ts";

const signal = new AbortController().signal;

function newGate(): SendGate {
  return new SendGate(new TokenBucket({ perSecond: 1000, burst: 1000 }, performance.now()));
}

async function fail(gate: SendGate, kind: CloudErrorKind): Promise<void> {
  const error = new CloudError(kind, "Cannot add route r: no", { retryAfterMs: 3000, limit: 250 });
  await assert.rejects(gate.pass("insert", () => Promise.reject(error), signal));
}

/** Whether a call would be sent now. */
async function isOpen(gate: SendGate, mutation: "insert" | "delete"): Promise<boolean> {
  let sent = false;
  await gate.pass(mutation, () => Promise.resolve(sent = true), signal).catch(() => {});
  return sent;
}

Deno.test("pass() lets at most 16 calls be under way, in the order of coming", async () => {
  const gate = newGate();
  const order: number[] = [];
  const release = Promise.withResolvers<void>();
  const passes = Array.from({ length: 40 }, (_, index) =>
    gate.pass("insert", async () => {
      order.push(index);
      await release.promise;
    }, signal));
  await new Promise((wake) => setTimeout(wake, 20));
  assert.equal(order.length, 16);
  release.resolve();
  await Promise.all(passes);
  assert.deepEqual(order, Array.from({ length: 40 }, (_, index) => index));
});

for (const kind of ["quota", "denied"] as const) {
  Deno.test(`pass() sends deletes but no inserts when an insert was "${kind}"`, async () => {
    const gate = newGate();
    await fail(gate, kind);
    assert.deepEqual([await isOpen(gate, "insert"), await isOpen(gate, "delete")], [false, true]);
  });
}

Deno.test("ended() keeps inserts back when an operation ended at a full quota, and at nothing else", async () => {
  for (const [kind, opens] of [["quota", false], ["conflict", true], ["unavailable", true]] as const) {
    const gate = newGate();
    for (let times = 0; times < 3; times++) gate.ended("insert", new CloudError(kind, "Cannot add route r"));
    assert.deepEqual([await isOpen(gate, "insert"), await isOpen(gate, "delete")], [opens, true], kind);
  }
});

Deno.test("roomMade() lets inserts pass again after a full quota, and after nothing else", async () => {
  for (const [kind, opens] of [["quota", true], ["denied", false], ["throttled", false]] as const) {
    const gate = newGate();
    await fail(gate, kind);
    gate.roomMade();
    assert.equal(await isOpen(gate, "insert"), opens, kind);
  }
});

Deno.test("pass() sends nothing when a call was throttled, and hands on what Google said", async () => {
  const gate = newGate();
  await fail(gate, "throttled");
  assert.deepEqual([await isOpen(gate, "insert"), await isOpen(gate, "delete")], [false, false]);
  const refusal = gate.pass("delete", () => Promise.resolve(), signal);
  await assert.rejects(
    refusal,
    (error) =>
      error instanceof CloudError && error.kind === "throttled" && error.retryAfterMs === 3000 &&
      /^Not sent, since an earlier call failed: Cannot add route r/.test(error.message),
  );
});

Deno.test("pass() sends nothing when three calls in a row found the API out of reach", async () => {
  const gate = newGate();
  await fail(gate, "unavailable");
  await fail(gate, "unavailable");
  assert.equal(await isOpen(gate, "insert"), true);
  for (let times = 0; times < 3; times++) await fail(gate, "unavailable");
  assert.equal(await isOpen(gate, "delete"), false);
});

for (const kind of ["invalid", "conflict", "gone"] as const) {
  Deno.test(`pass() goes on when one call was "${kind}"`, async () => {
    const gate = newGate();
    await fail(gate, kind);
    assert.equal(await isOpen(gate, "insert"), true);
  });
}

Deno.test("pass() gives up waiting for its turn when the signal says so", async () => {
  const gate = new SendGate(new TokenBucket({ perSecond: 0.001, burst: 1 }, performance.now()));
  await gate.pass("insert", () => Promise.resolve(), signal);
  const controller = new AbortController();
  const second = gate.pass("insert", () => Promise.resolve(), controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 10);
  await assert.rejects(second, /enough/);
});
