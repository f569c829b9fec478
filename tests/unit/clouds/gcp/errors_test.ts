import assert from "node:assert/strict";
import type { CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";
import type { Operation } from "../../../../src/clouds/gcp/schemas.ts";
import { errorOfAnswer, errorOfOperation } from "../../../../src/clouds/gcp/errors.ts";
import type { HttpAnswer } from "../../../../src/clouds/http.ts";

/** An answer as Google writes it. */
function answer(
  status: number,
  reason: string,
  message = "No",
  headers: Record<string, string> = {},
): HttpAnswer {
  return {
    status,
    headers: new Headers(headers),
    body: { error: { code: status, message, errors: [{ message, domain: "global", reason }] } },
  };
}

const kinds: readonly [number, string, CloudErrorKind][] = [
  [403, "rateLimitExceeded", "throttled"],
  [403, "userRateLimitExceeded", "throttled"],
  [429, "RATE_LIMIT_EXCEEDED", "throttled"],
  [429, "somethingNew", "throttled"],
  [403, "quotaExceeded", "quota"],
  [403, "forbidden", "denied"],
  [403, "insufficientPermissions", "denied"],
  [403, "accessNotConfigured", "denied"],
  [401, "authError", "unavailable"],
  [401, "somethingNew", "unavailable"],
  [409, "alreadyExists", "conflict"],
  [412, "conditionNotMet", "conflict"],
  [400, "resourceNotReady", "conflict"],
  [404, "notFound", "gone"],
  [400, "invalid", "invalid"],
  [500, "internalError", "unavailable"],
  [503, "backendError", "unavailable"],
  [502, "somethingNew", "unavailable"],
];

for (const [status, reason, kind] of kinds) {
  Deno.test(`errorOfAnswer() is "${kind}" when Google says ${status} ${reason}`, () => {
    const error = errorOfAnswer("add route 10.9.0.0/16", answer(status, reason), "compute.routes.create");
    assert.equal(error.kind, kind);
    assert.equal(error.status, status);
    assert.equal(error.code, reason);
    assert.match(error.message, /^Cannot add route 10\.9\.0\.0\/16: /);
  });
}

Deno.test("errorOfAnswer() names the permission that Google says is missing", () => {
  const message = "Required 'compute.networks.updatePolicy' permission for 'projects/p/global/networks/n'";
  const error = errorOfAnswer("add route r", answer(403, "forbidden", message), "compute.routes.create");
  assert.equal(error.action, "compute.networks.updatePolicy");
});

Deno.test("errorOfAnswer() names the permission of the call when Google names none", () => {
  const error = errorOfAnswer("add route r", answer(403, "forbidden"), "compute.routes.create");
  assert.equal(error.action, "compute.routes.create");
});

Deno.test("errorOfAnswer() tells the limit of a full quota", () => {
  const message = "Quota 'ROUTES' exceeded.  Limit: 250.0 globally.";
  assert.equal(errorOfAnswer("add route r", answer(403, "quotaExceeded", message), "").limit, 250);
});

/** Google's words while networks are being peered, as `badRequest` though it passes. */
const busy = "There is a peering operation in progress on the local or peer network. Try again later.";

Deno.test('errorOfAnswer() is "unavailable" while another operation holds the network', () => {
  const error = errorOfAnswer("add route r", answer(400, "badRequest", busy), "compute.routes.create");
  assert.equal(error.kind, "unavailable");
});

Deno.test("errorOfAnswer() says of a token that was refused what is done about it", () => {
  const error = errorOfAnswer("add route r", answer(401, "authError", "Invalid Credentials"), "");
  assert.equal(
    error.message,
    "Cannot add route r: 401 authError: Invalid Credentials; a new token is fetched for the next call",
  );
  assert.equal(error.action, undefined);
});

Deno.test("errorOfAnswer() waits for the next minute where the minute's quota is used up and nothing is said", () => {
  const used = errorOfAnswer("add route r", answer(403, "rateLimitExceeded"), "compute.routes.create");
  assert.ok(used.retryAfterMs !== undefined && used.retryAfterMs > 0 && used.retryAfterMs <= 63_000);
  const other = errorOfAnswer("add route r", answer(403, "concurrentLimitExceeded"), "compute.routes.create");
  assert.equal(other.retryAfterMs, undefined);
});

Deno.test("errorOfAnswer() honours Retry-After", () => {
  const error = errorOfAnswer(
    "add route r",
    answer(429, "rateLimitExceeded", "No", { "retry-after": "7" }),
    "",
  );
  assert.equal(error.retryAfterMs, 7000);
});

Deno.test("errorOfAnswer() goes by the status when the body is a proxy's page", () => {
  const error = errorOfAnswer("add route r", { status: 503, headers: new Headers(), body: "<html>" }, "");
  assert.equal(error.kind, "unavailable");
});

Deno.test("errorOfAnswer() reads the reason of an error in the newer form", () => {
  const body = {
    error: {
      code: 403,
      message: "No",
      status: "PERMISSION_DENIED",
      details: [{ reason: "RATE_LIMIT_EXCEEDED" }],
    },
  };
  assert.equal(
    errorOfAnswer("add route r", { status: 403, headers: new Headers(), body }, "").kind,
    "throttled",
  );
});

/** A finished operation with one error. */
function operation(code: string, message = "No", limit?: number): Operation {
  const errorDetails = limit === undefined ? [] : [{ quotaInfo: { metricName: "m", limit } }];
  return {
    name: "operation-1",
    status: "DONE",
    httpErrorStatusCode: 403,
    error: { errors: [{ code, message, errorDetails }] },
    targetLink: undefined,
    warnings: [],
  };
}

const operationKinds: readonly [string, CloudErrorKind][] = [
  ["QUOTA_EXCEEDED", "quota"],
  ["LIMIT_EXCEEDED", "quota"],
  ["RATE_LIMIT_EXCEEDED", "throttled"],
  ["RESOURCE_ALREADY_EXISTS", "conflict"],
  ["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "conflict"],
  ["RESOURCE_NOT_FOUND", "gone"],
  ["PERMISSIONS_ERROR", "denied"],
  ["INTERNAL_ERROR", "unavailable"],
];

for (const [code, kind] of operationKinds) {
  Deno.test(`errorOfOperation() is "${kind}" when the operation ends with ${code}`, () => {
    const error = errorOfOperation("add route r", operation(code));
    assert.equal(error?.kind, kind);
    assert.equal(error?.requestId, "operation-1");
  });
}

Deno.test('errorOfOperation() is "unavailable" while another operation holds the network', () => {
  assert.equal(errorOfOperation("add route r", operation("BAD_REQUEST", busy))?.kind, "unavailable");
});

Deno.test("errorOfOperation() tells the limit from the quota's details", () => {
  assert.equal(errorOfOperation("add route r", operation("QUOTA_EXCEEDED", "No", 300))?.limit, 300);
});

Deno.test("errorOfOperation() is null when the operation ended well", () => {
  const done: Operation = { name: "operation-1", status: "DONE", warnings: [] };
  assert.equal(errorOfOperation("add route r", done), null);
});
