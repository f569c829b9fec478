import assert from "node:assert/strict";
import { RouteLimit } from "../../../../src/clouds/aws/quota.ts";

const signal = new AbortController().signal;

Deno.test("RouteLimit asks Service Quotas once an hour", async () => {
  let now = 0;
  const answers = [500, 1000];
  let asked = 0;
  const limit = new RouteLimit(() => Promise.resolve(answers[asked++] ?? null), () => now);
  assert.equal(limit.of("rtb-1", 4), null);
  await limit.refresh(signal);
  await limit.refresh(signal);
  assert.equal(asked, 1);
  assert.equal(limit.of("rtb-1", 4), 500);
  now = 3_600_000;
  await limit.refresh(signal);
  assert.equal(limit.of("rtb-1", 6), 1000);
});

Deno.test("RouteLimit stays unknown, and does not throw, when the role may not ask", async () => {
  const limit = new RouteLimit(() => Promise.reject(new Error("AccessDeniedException")), () => 0);
  await limit.refresh(signal);
  assert.equal(limit.of("rtb-1", 4), null);
});

Deno.test("RouteLimit keeps what a refusal taught for ten minutes, for that table and family", () => {
  let now = 0;
  const limit = new RouteLimit(() => Promise.resolve(null), () => now);
  limit.learn("rtb-1", 4, 50);
  assert.equal(limit.of("rtb-1", 4), 50);
  assert.equal(limit.of("rtb-1", 6), null);
  assert.equal(limit.of("rtb-2", 4), null);
  now = 600_000;
  assert.equal(limit.of("rtb-1", 4), null);
});

Deno.test("RouteLimit passes on that the caller gave up", async () => {
  const controller = new AbortController();
  controller.abort(new Error("stop"));
  const limit = new RouteLimit(() => new Promise(() => {}), () => 0);
  await assert.rejects(limit.refresh(controller.signal), /stop/);
});
