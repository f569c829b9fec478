import assert from "node:assert/strict";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { RouteQuota } from "../../../../src/clouds/gcp/quota.ts";

/** A quota with a clock that is set by hand. */
function bench(): { readonly quota: RouteQuota; readonly clock: { now: number } } {
  const clock = { now: 0 };
  return { quota: new RouteQuota(() => clock.now), clock };
}

/** What is read, as `used/limit`, for a network with two static routes whose peers have five. */
function read(quota: RouteQuota): readonly string[] {
  return quota.read({ own: 2, peers: 5 }).map(({ used, limit }) => `${used}/${limit}`);
}

function full(limit: number | undefined, name = "STATIC_ROUTES_PER_NETWORK"): CloudError {
  const message =
    `Cannot add route r: QUOTA_EXCEEDED: Quota '${name}' exceeded.  Limit: ${limit}.0 globally.`;
  return new CloudError("quota", message, { limit });
}

Deno.test("RouteQuota counts the network's routes, whose limit nobody tells", () => {
  assert.deepEqual(read(bench().quota), ["2/null"]);
});

Deno.test("RouteQuota keeps for a minute the limit that a refusal named", () => {
  const { quota, clock } = bench();
  quota.learn(full(200));
  clock.now = 59_999;
  assert.deepEqual(read(quota), ["2/200"]);
  clock.now = 60_000;
  assert.deepEqual(read(quota), ["2/null"]);
});

Deno.test("RouteQuota keeps the latest refusal, though an earlier one named less", () => {
  const { quota } = bench();
  quota.learn(full(200));
  quota.learn(full(400));
  assert.deepEqual(read(quota), ["2/400"]);
});

Deno.test("RouteQuota counts the peers' routes where the peering group is full", () => {
  const { quota } = bench();
  quota.learn(full(300, "STATIC_ROUTES_PER_PEERING_GROUP"));
  assert.deepEqual(read(quota), ["2/null", "7/300"]);
});

Deno.test("RouteQuota learns nothing from what is no full quota, or names no limit", () => {
  const { quota } = bench();
  for (const error of [null, new CloudError("denied", "No", { limit: 3 }), full(undefined)]) {
    quota.learn(error);
  }
  assert.deepEqual(read(quota), ["2/null"]);
});
