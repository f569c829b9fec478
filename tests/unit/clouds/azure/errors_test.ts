import assert from "node:assert/strict";
import { armError, parseRefusal } from "../../../../src/clouds/azure/errors.ts";
import type { CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";

function refusal(code: string, message: string, details: readonly unknown[] = []): unknown {
  return { error: { code, message, details } };
}

const clash = refusal("RetryableError", "A retryable error occurred.", [{
  code: "RetryableErrorDueToAnotherOperation",
  message: "Operation PutRouteTableOperation on resource r cannot start and can be retried in 11 seconds.",
}]);

const cases: readonly [name: string, status: number, body: unknown, kind: CloudErrorKind][] = [
  ["a stale ETag", 412, refusal("PreconditionFailed", "Precondition failed."), "conflict"],
  ["a second writer by 429", 429, clash, "throttled"],
  ["a second writer by 409", 409, refusal("AnotherOperationInProgress", "Another operation."), "throttled"],
  ["a storm", 429, refusal("SubscriptionRequestsThrottled", "Too many requests."), "throttled"],
  ["an ended token", 401, refusal("ExpiredAuthenticationToken", "The access token has ended."), "denied"],
  ["a missing permission", 403, refusal("AuthorizationFailed", "no"), "denied"],
  ["a lock", 409, refusal("ScopeLocked", "The scope has a lock."), "denied"],
  ["a missing table", 404, refusal("ResourceNotFound", "not found"), "gone"],
  [
    "a version that it does not have",
    404,
    refusal("InvalidResourceType", "not found for api version"),
    "invalid",
  ],
  ["a full table", 400, refusal("SomeLimitReached", "no more routes"), "quota"],
  ["a full table by its words", 400, refusal("BadRequest", "The maximum number of routes is 1000."), "quota"],
  ["a full subscription", 409, refusal("QuotaExceeded", "Quota."), "quota"],
  [
    "a second route for a prefix",
    400,
    refusal("X", "Routes cannot have the same AddressPrefix."),
    "conflict",
  ],
  [
    "a request that makes no sense",
    400,
    refusal("InvalidRequestFormat", "Cannot parse the request."),
    "invalid",
  ],
  ["a failure of the service", 503, "<html>down</html>", "unavailable"],
  ["an empty answer", 500, null, "unavailable"],
  ["an operation that failed", 0, refusal("InternalServerError", "An error occurred."), "unavailable"],
  [
    "a superseded operation",
    0,
    refusal("Canceled", "CanceledAndSupersededDueToAnotherOperation"),
    "conflict",
  ],
  ["an operation over the limit", 0, refusal("RouteLimit", "limit"), "quota"],
];

for (const [name, status, body, kind] of cases) {
  Deno.test(`armError() is ${kind} when Azure tells of ${name}`, () => {
    const error = armError("write route table r", status, {}, body);
    assert.equal(error.kind, kind);
    assert.match(error.message, /^Cannot write route table r: Azure answered /);
  });
}

Deno.test("armError() names the delay of the header before that of the words, in milliseconds", () => {
  assert.equal(armError("x", 429, { "retry-after": "7" }, clash).retryAfterMs, 7_000);
  assert.equal(
    armError("x", 429, { "x-ms-retry-after-ms": "250", "retry-after": "7" }, clash).retryAfterMs,
    250,
  );
  assert.equal(armError("x", 429, {}, clash).retryAfterMs, 11_000);
});

Deno.test("armError() waits 11 s after a clash that names no delay, and names none for a storm that names none", () => {
  assert.equal(armError("x", 409, {}, refusal("AnotherOperationInProgress", "Busy.")).retryAfterMs, 11_000);
  assert.equal(armError("x", 429, {}, refusal("TooManyRequests", "Stop.")).retryAfterMs, undefined);
});

Deno.test("armError() names the missing action of either refusal", () => {
  const plain = "The client 'c' with object id 'o' does not have authorization to perform action " +
    "'Microsoft.Network/routeTables/write' over scope 's'.";
  const linked =
    "The client has permission to perform action 'Microsoft.Network/virtualNetworks/subnets/write' on scope " +
    "'s'; however, it does not have permission to perform action(s) 'Microsoft.Network/routeTables/join/action' on the " +
    "linked scope(s) 't'.";
  const actionOf = (code: string, text: string): string | undefined =>
    armError("x", 403, {}, refusal(code, text)).action;
  assert.equal(actionOf("AuthorizationFailed", plain), "Microsoft.Network/routeTables/write");
  assert.equal(actionOf("LinkedAuthorizationFailed", linked), "Microsoft.Network/routeTables/join/action");
});

Deno.test("armError() names the limit that a refusal tells, and the request's id", () => {
  const body = refusal("RoutesLimit", "Cannot have more than 400 routes in a route table.");
  const error = armError("x", 400, { "x-ms-request-id": "r-1" }, body);
  assert.equal(error.limit, 400);
  assert.equal(error.requestId, "r-1");
  assert.equal(error.code, "RoutesLimit");
});

Deno.test("parseRefusal() copes with bodies that are none", () => {
  for (const body of [null, undefined, 1, [], {}, { error: "x" }, { error: { code: 1 } }]) {
    assert.deepEqual(parseRefusal(body), { code: "", text: "" });
  }
  assert.equal(parseRefusal("x".repeat(1_000)).text.length, 200);
  assert.deepEqual(parseRefusal({ error: { code: "A", message: null, details: null } }), {
    code: "A",
    text: "A",
  });
});
