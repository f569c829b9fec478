import assert from "node:assert/strict";
import { lacksCredentials, spoilsCredentials, toCloudError } from "../../../../src/clouds/aws/errors.ts";
import { CloudError, type CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";

function sdkError(
  code: string,
  status: number,
  message = "text",
  headers: Record<string, string> = {},
): Error {
  return Object.assign(new Error(message), {
    name: code,
    Code: code,
    $metadata: { httpStatusCode: status, requestId: "r-1" },
    $response: { headers },
  });
}

function judge(error: unknown, timedOut = false): CloudError {
  return toCloudError({
    doing: "create route 10.9.0.0/16",
    permission: "ec2:CreateRoute",
    error,
    timedOut,
    now: Date.parse("2026-01-01T00:00:00Z"),
  });
}

Deno.test("toCloudError() tells the kinds apart by EC2's codes", () => {
  const expected: readonly (readonly [string, number, CloudErrorKind])[] = [
    ["RequestLimitExceeded", 503, "throttled"],
    ["RouteLimitExceeded", 400, "quota"],
    ["RouteAlreadyExists", 400, "conflict"],
    ["InvalidRoute.NotFound", 400, "conflict"],
    ["InvalidNetworkInterfaceID.NotFound", 400, "conflict"],
    ["InvalidRouteTableID.NotFound", 400, "gone"],
    ["InvalidRouteTableId.NotFound", 400, "gone"],
    ["InvalidParameterValue", 400, "invalid"],
    ["UnauthorizedOperation", 403, "denied"],
    ["RequestExpired", 400, "unavailable"],
    ["ExpiredToken", 400, "unavailable"],
    ["ExpiredTokenException", 403, "unavailable"],
    ["AuthFailure", 401, "denied"],
    ["SomethingNew", 400, "invalid"],
    ["SomethingNew", 403, "denied"],
    ["SomethingNew", 429, "throttled"],
    ["SomethingNew", 502, "unavailable"],
  ];
  for (const [code, status, kind] of expected) assert.equal(judge(sdkError(code, status)).kind, kind, code);
});

Deno.test("toCloudError() takes an error without a status for an unreachable cloud", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  assert.equal(judge(refused).kind, "unavailable");
});

Deno.test("toCloudError() takes ReplaceRoute of a route that EC2 does not know for a conflict", () => {
  const message = "There is no route defined for '10.9.0.0/16' in the route table. Use CreateRoute instead.";
  assert.equal(judge(sdkError("InvalidParameterValue", 400, message)).kind, "conflict");
  assert.equal(judge(sdkError("InvalidRoute.NotFound", 400, message)).kind, "conflict");
  assert.equal(judge(sdkError("MissingParameter", 400, message)).kind, "invalid");
});

Deno.test("toCloudError() takes credentials that do not come for an outage, and says what a VM needs", () => {
  for (const name of ["CredentialsProviderError", "TokenProviderError"]) {
    const error = judge(Object.assign(new Error("Could not load credentials from any providers."), { name }));
    assert.deepEqual([error.kind, error.action], ["unavailable", undefined]);
    assert.equal(lacksCredentials(error), true);
    assert.equal(
      error.message,
      `Cannot create route 10.9.0.0/16: ${name}: Could not load credentials from any providers; ` +
        "they come from the instance's role and its metadata service, unless the environment names others",
    );
  }
  assert.equal(lacksCredentials(judge(sdkError("UnauthorizedOperation", 403))), false);
});

Deno.test("toCloudError() says that no answer came when the deadline ended the call", () => {
  const error = judge(new DOMException("aborted", "TimeoutError"), true);
  assert.equal(error.kind, "unavailable");
  assert.equal(error.message, "Cannot create route 10.9.0.0/16: no answer in time");
});

Deno.test("toCloudError() names the denied action and cuts the encoded message from text and cause", () => {
  const message =
    "You are not authorized to perform this operation. User: arn:aws:sts::1:assumed-role/r/i-1 is not " +
    "authorized to perform: ec2:CreateTags on resource: arn. Encoded authorization failure message: 4Gk0secret";
  const error = judge(sdkError("UnauthorizedOperation", 403, message));
  assert.equal(error.action, "ec2:CreateTags");
  assert.match(
    error.message,
    /^Cannot create route 10\.9\.0\.0\/16: UnauthorizedOperation: You are not authorized/,
  );
  assert.doesNotMatch(Deno.inspect(error), /4Gk0secret/);
});

Deno.test("toCloudError() names the action that was called when EC2 does not", () => {
  assert.equal(judge(sdkError("UnauthorizedOperation", 403)).action, "ec2:CreateRoute");
});

Deno.test("toCloudError() keeps the time that a throttled answer asks to wait for", () => {
  const error = judge(sdkError("RequestLimitExceeded", 503, "text", { "retry-after": "7" }));
  assert.equal(error.retryAfterMs, 7000);
});

Deno.test("toCloudError() passes a CloudError on as it is", () => {
  const error = new CloudError("invalid", "Cannot read route tables");
  assert.equal(judge(error), error);
});

Deno.test("toCloudError() says of expired credentials that new ones are fetched, and names no permission", () => {
  const error = judge(sdkError("RequestExpired", 400, "Request has expired."));
  assert.equal(
    error.message,
    "Cannot create route 10.9.0.0/16: RequestExpired: Request has expired; new credentials are fetched for the next call",
  );
  assert.equal(error.action, undefined);
});

Deno.test("spoilsCredentials() is true for refused credentials and false for a missing permission", () => {
  assert.equal(spoilsCredentials(judge(sdkError("RequestExpired", 400))), true);
  assert.equal(spoilsCredentials(judge(sdkError("UnauthorizedOperation", 403))), false);
});
