/** What is said of an exchange with an API: enough to find it again, and no secret. */

import assert from "node:assert/strict";
import { type ApiCall, noApiWords, operationOf, placeOf } from "../../../../src/clouds/kit/api_call.ts";
import { Transport } from "../../../../src/clouds/kit/transport.ts";
import { clouds } from "../../../../src/clouds/registry.ts";
import { captureLog } from "../../../fakes/captured_log.ts";

/** The words of all clouds together. */
const words = {
  paths: Object.values(clouds).flatMap(({ apiWords }) => apiWords.paths),
  requestIds: Object.values(clouds).flatMap(({ apiWords }) => apiWords.requestIds),
};

function operation(method: string, url: string, body = "", headers: Record<string, string> = {}): string {
  return operationOf({ method, url: new URL(url), headers: new Headers(headers), body }, words);
}

Deno.test("an operation has the API's own name, or the kinds of things in the path", () => {
  const arm = "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
  assert.equal(operation("POST", "https://ec2.x/", "Action=CreateRoute&RouteTableId=rtb-1"), "CreateRoute");
  assert.equal(
    operation("POST", "https://q/", "{}", { "x-amz-target": "ServiceQuotasV20190624.GetServiceQuota" }),
    "GetServiceQuota",
  );
  assert.equal(operation("PUT", `${arm}/routeTables/t/routes/r`), "PUT resourceGroups/routeTables/routes");
  assert.equal(
    operation("PUT", `${arm.toLowerCase()}/routetables/t/routes/r`),
    "PUT resourceGroups/routeTables/routes",
  );
  assert.equal(
    operation("PUT", "https://n/v2.0/routers/1-2/add_extraroutes.json"),
    "PUT routers/add_extraroutes",
  );
  assert.equal(operation("GET", "https://x/what/ever/4711"), "GET other");
});

Deno.test("an operation has no word of an API of which nothing is known", () => {
  const request = { method: "GET", url: new URL("https://x/routers/r-1"), headers: new Headers(), body: "" };
  assert.equal(operationOf(request, noApiWords), "GET other");
});

Deno.test("the place of a call holds neither query, password nor a container's credentials id", () => {
  assert.equal(placeOf("GET", new URL("http://u:p4ss@h:1/a?token=s3cret")), "GET http://h:1/a");
  assert.equal(
    placeOf("GET", new URL("http://169.254.170.2/v2/credentials/s3cret")),
    "GET http://169.254.170.2/v2/credentials/…",
  );
});

Deno.test("each exchange is logged with its status, its milliseconds and its request id, and without a secret", async () => {
  using log = captureLog("debug");
  const calls: ApiCall[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("t0ken-in-answer", { status: 429, headers: { "x-ms-request-id": "id-7" } }),
  );
  const place = `http://127.0.0.1:${server.addr.port}`;
  using transport = new Transport([], (call) => calls.push(call), null, words);
  const request = {
    method: "PUT",
    url: `${place}/routers/r-1?sig=t0ken-in-query`,
    headers: { authorization: "Bearer t0ken-in-header", "x-auth-token": "t0ken-too" },
    body: "client_secret=t0ken-in-body",
    timeoutMs: 10_000,
    signal: new AbortController().signal,
  };
  await transport.send(request);
  await server.shutdown();
  await assert.rejects(transport.send(request));
  const logged = log.lines.join("\n").replaceAll(/[0-9.]+ ms/g, "N ms");
  assert.equal(
    logged,
    `debug: PUT routers (PUT ${place}/routers/r-1): 429 in N ms, request id-7\n` +
      `debug: PUT routers (PUT ${place}/routers/r-1): no answer in N ms`,
  );
  assert.deepEqual(calls.map(({ operation, status }) => [operation, status]), [
    ["PUT routers", 429],
    ["PUT routers", null],
  ]);
  assert.ok(calls.every(({ milliseconds }) => milliseconds > 0));
});
