/** What becomes of the EC2 client when EC2 refuses its credentials. */

import assert from "node:assert/strict";
import { shareCredentials } from "../../../../src/clouds/aws/credentials.ts";
import { Ec2Api } from "../../../../src/clouds/aws/api.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { captureLog } from "../../../fakes/captured_log.ts";
import { testTransport } from "../../../fakes/cloud_options.ts";

const never = new AbortController().signal;
/** EC2's clock runs this much ahead of ours; it takes requests that are a quarter of an hour old at most. */
const aheadMs = 3_600_000;
const oldestMs = 900_000;

/** The moment that a request was signed for: `20260101T000000Z`. */
function signedAt(request: Request): number {
  const [, date, hours, minutes, seconds] =
    /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(request.headers.get("x-amz-date") ?? "") ?? [];
  return Date.parse(
    `${date?.replace(/(....)(..)(..)/, "$1-$2-$3")}T${hours}:${minutes}:${seconds}Z`,
  );
}

/** EC2 with another clock than ours. */
function answer(request: Request): Response {
  const now = Date.now() + aheadMs;
  const headers = { date: new Date(now).toUTCString(), "content-type": "text/xml" };
  if (now - signedAt(request) <= oldestMs) {
    return new Response("<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>", { headers });
  }
  const error = "<Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error>";
  return new Response(`<Response><Errors>${error}</Errors><RequestID>r-1</RequestID></Response>`, {
    status: 400,
    headers,
  });
}

Deno.test({
  name: "Ec2Api takes over EC2's clock from a refusal, though it fetches its credentials anew",
  // The client keeps its connection open for the next call.
  sanitizeResources: false,
  fn: async () => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
    const credentials = shareCredentials(() =>
      Promise.resolve({ accessKeyId: "AKIATEST", secretAccessKey: "not-a-secret" })
    );
    const endpoint = `http://127.0.0.1:${server.addr.port}`;
    const api = new Ec2Api({
      transport: testTransport,
      region: "us-east-1",
      credentials,
      endpoint,
      timeoutMs: 10_000,
    });
    using log = captureLog();
    await assert.rejects(api.seeSubnet("subnet-1", never), (error) => {
      assert.ok(error instanceof CloudError);
      assert.deepEqual([error.kind, error.code], ["unavailable", "RequestExpired"]);
      return true;
    });
    await api.seeSubnet("subnet-1", never);
    // The SDK tells each failed call as an error; it is told by whoever made the call.
    assert.deepEqual(log.lines, []);
  },
});
