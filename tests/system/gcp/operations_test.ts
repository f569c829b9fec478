/** Operations: many under way together, lost, failed, waited for, given up. */

import assert from "node:assert/strict";
import type { CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { add, fault, remove, self, signal, test } from "./gcp_bench.ts";

test("write() does not take a lost operation for a deleted route", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const message = "The resource 'projects/prod/global/operations/operation-1' was not found";
  rig.compute.faults.push(fault("/global/operations/", { status: 404, reason: "notFound", message }));
  assert.deepEqual(await write(change), ["unavailable"]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
}, { operationMs: 100 });

test("write() does not take a 404 of something else for a deleted route", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const message = "The resource 'projects/prod' was not found";
  rig.compute.faults.push(fault("/routes", { status: 404, reason: "notFound", message }, 1, "DELETE"));
  assert.deepEqual(await write(change), ["gone"]);
  assert.deepEqual(rig.summary, ["192.168.0.0/24 router-a"]);
});

test("write() does not take a VM without a service account for a deleted route", async (bench) => {
  const { rig, write, cloud, table } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const state = await bench.read();
  rig.compute.tokens.clear();
  rig.metadata.token = null;
  const kinds: (CloudErrorKind | undefined)[] = [];
  // The first call finds the token refused, the second finds that there is none.
  for (let times = 0; times < 2; times++) {
    const { outcomes } = await cloud.write(table, [change], state, signal);
    kinds.push(outcomes[0]?.kind);
  }
  assert.deepEqual(kinds, ["unavailable", "denied"]);
});

test("write() counts a route as deleted that its operation did not find any more", async (bench) => {
  const { rig, write } = bench;
  await write(add("192.168.0.0/24", self));
  const change = await remove(bench, "192.168.0.0/24");
  const [route] = rig.routes;
  const message = `The resource 'projects/prod/global/routes/${route?.name}' was not found`;
  const operation = { code: "RESOURCE_NOT_FOUND", message };
  rig.compute.faults.push(fault("/routes", { operation }, 1, "DELETE"));
  assert.deepEqual(await write(change), [null]);
});

test("write() has hundreds of operations under way together", async ({ rig, write }) => {
  const changes = Array.from({ length: 100 }, (_, index) => add(`192.168.${index}.0/24`, self));
  const start = rig.compute.calls.length;
  assert.deepEqual(new Set(await write(...changes)), new Set([null]));
  assert.equal(rig.routes.length, 100);
  const calls = rig.compute.calls.slice(start).map(({ path }) => path);
  // Were they waited for one by one, each wait would come right behind its insert.
  assert.ok(calls.findIndex((path) => path.endsWith("/wait")) < calls.length - 50);
  assert.equal(calls.filter((path) => path.endsWith("/wait")).length, 100);
}, { operationMs: 300 });

test("write() stops sending when it is throttled and passes Retry-After on", async ({ rig, cloud, table, read }) => {
  const show = { status: 403, reason: "rateLimitExceeded", message: "Rate Limit Exceeded", retryAfter: "3" };
  rig.compute.faults.push(fault("/routes", show, Infinity, "POST"));
  const changes = Array.from({ length: 100 }, (_, index) => add(`192.168.${index}.0/24`, self));
  const state = await read();
  const { outcomes } = await cloud.write(table, changes, state, signal);
  assert.ok(outcomes.every((outcome) => outcome?.kind === "throttled" && outcome.retryAfterMs === 3000));
  assert.ok(rig.compute.calls.filter(({ method }) => method === "POST").length <= 16);
});

test("write() stops sending when the API is out of reach, but not for one answer in three", async (bench) => {
  const { rig, write } = bench;
  const down = { status: 503, reason: "backendError", message: "Backend Error" };
  const changes = Array.from({ length: 60 }, (_, index) => add(`192.168.${index}.0/24`, self));
  rig.compute.faults.push(fault("/routes", down, 1, "POST"));
  assert.equal((await write(...changes)).filter((kind) => kind === "unavailable").length, 1);
  const before = rig.compute.calls.length;
  rig.compute.faults.push(fault("/routes", down, Infinity, "DELETE"));
  const deletes = await Promise.all(rig.routes.map(({ destRange }) => remove(bench, destRange)));
  assert.ok((await write(...deletes)).every((kind) => kind === "unavailable"));
  assert.ok(rig.compute.calls.slice(before).filter(({ method }) => method === "DELETE").length <= 20);
});

test("write() waits on for an operation whose wait comes back early", async ({ rig, write }) => {
  rig.compute.operations.waitMs = 20;
  assert.deepEqual(await write(add("192.168.0.0/24", self)), [null]);
}, { operationMs: 120 });

test("write() gives up as soon as its signal says so", async ({ rig, cloud, table, read }) => {
  const state = await read();
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(cloud.write(table, [add("192.168.0.0/24", self)], state, controller.signal), /enough/);
  assert.deepEqual(rig.summary, []);
}, { operationMs: 60_000 });

test("write() calls a network that another operation holds unavailable, so that it is tried again", async ({ rig, write }) => {
  const message = "There is a peering operation in progress on the local or peer network. Try again later.";
  rig.compute.faults.push(fault("/routes", { status: 400, reason: "badRequest", message }, 1, "POST"));
  assert.deepEqual(await write(add("192.168.0.0/24", self)), ["unavailable"]);
  assert.deepEqual(await write(add("192.168.0.0/24", self)), [null]);
});
