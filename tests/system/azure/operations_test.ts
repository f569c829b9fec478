/** Operations that go on after the answer: waited for, refused for another one, failed half-way. */

import assert from "node:assert/strict";
import { ids } from "../../fakes/azure/rig.ts";
import { azureTest, many, ready, rejects, signal } from "./azure_cloud.ts";

azureTest("write() is throttled by another operation with the delay that its refusal names", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.state.replace(ids.ownTable, rig.arm.state.show(ids.ownTable));
  const fresh = await cloud.read(table, signal);
  assert.notEqual(fresh.version, state.version);
  const error = await rejects(
    cloud.write(table, many(2), fresh, signal),
    "throttled",
    /can be retried in 11 seconds/,
  );
  assert.equal(error.retryAfterMs, 11_000);
  assert.equal(rig.arm.writes().length, 1, "it is not tried again");
});

azureTest("write() waits for the operation, also when asking for it is throttled", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  rig.arm.pollsPerOperation = 3;
  const polled = (path: string): boolean => path.includes("/operations/");
  const headers = { "retry-after": "0" };
  rig.arm.faults.push({ matches: ({ path }) => polled(path), times: 2, status: 429, headers });
  const result = await cloud.write(table, many(2), state, signal);
  assert.equal(rig.arm.calls.filter(({ path }) => polled(path)).length, 6);
  assert.equal(result.state?.version, rig.arm.state.etagOf(ids.ownTable));
});

azureTest("write() has made its changes though reading the table back is throttled", async (rig) => {
  const { cloud, table, state } = await ready(rig);
  const isReading = (method: string, path: string): boolean =>
    method === "GET" && !path.includes("/operations/");
  rig.arm.faults.push({ matches: ({ method, path }) => isReading(method, path), times: 1, status: 429 });
  const result = await cloud.write(table, many(2), state, signal);
  assert.deepEqual(result.outcomes, [null, null]);
  assert.equal(result.state, undefined, "how the table stands is not known");
});

azureTest(
  "write() tells of an operation that failed half-way, and a second write completes it",
  async (rig) => {
    const { cloud, table, state } = await ready(rig);
    rig.arm.failingOperations = 1;
    await rejects(cloud.write(table, many(4), state, signal), "unavailable", /InternalServerError/);
    const fresh = await cloud.read(table, signal);
    assert.equal(fresh.routes.length, 2);
    const there = new Set(fresh.routes.map(({ prefix }) => prefix.text));
    const result = await cloud.write(
      table,
      many(4).filter(({ prefix }) => !there.has(prefix.text)),
      fresh,
      signal,
    );
    assert.equal(result.state?.routes.length, 4);
  },
);
