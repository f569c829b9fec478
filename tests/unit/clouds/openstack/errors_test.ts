import assert from "node:assert/strict";
import { networkUrl } from "../../../../src/clouds/openstack/catalogue.ts";
import { errorOf } from "../../../../src/clouds/openstack/errors.ts";
import { CloudError, type CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";

function error(status: number, body: unknown, headers: Record<string, string> = {}): CloudError {
  return errorOf("add 2 routes", "PUT /v2.0/routers/*", { status, body, headers: new Headers(headers) }, 0);
}

function neutron(type: string, message: string): unknown {
  return { NeutronError: { type, message, detail: "" } };
}

Deno.test("errorOf() tells the kinds apart by Neutron's word, else by the status", () => {
  const cases: readonly [number, unknown, CloudErrorKind][] = [
    [409, neutron("OverQuota", "Quota exceeded for resources: ['router_route']."), "quota"],
    [400, neutron("RoutesExhausted", "The number of routes exceeds the maximum 30."), "quota"],
    [409, neutron("RouterInUse", "Router is busy"), "conflict"],
    [412, neutron("RevisionNumberConstraintFailed", "Constrained to 1"), "conflict"],
    [400, neutron("InvalidRoutes", "the nexthop is not connected with router"), "invalid"],
    [404, neutron("RouterNotFound", "Router r could not be found"), "gone"],
    [401, { error: { code: 401, title: "Unauthorized", message: "requires authentication" } }, "denied"],
    [403, neutron("PolicyNotAuthorized", "rule:add_extraroutes is disallowed by policy"), "denied"],
    [413, "too many", "throttled"],
    [429, null, "throttled"],
    [500, "<html>", "unavailable"],
    [503, null, "unavailable"],
  ];
  for (const [status, body, kind] of cases) assert.equal(error(status, body).kind, kind, `${status}`);
});

Deno.test("errorOf() keeps the service's words, request id, limit and delay", () => {
  const body = neutron("RoutesExhausted", "The number of routes exceeds the maximum 30.");
  const full = error(400, body, { "x-openstack-request-id": "req-1" });
  assert.equal(full.message, "Cannot add 2 routes: The number of routes exceeds the maximum 30.");
  assert.deepEqual([full.limit, full.code, full.requestId, full.status], [
    30,
    "RoutesExhausted",
    "req-1",
    400,
  ]);
  assert.equal(error(429, null, { "retry-after": "7" }).retryAfterMs, 7000);
  assert.equal(error(502, "<html>").message, "Cannot add 2 routes: the answer is HTTP 502");
  assert.equal(error(400, { NeutronError: "plain words" }).message, "Cannot add 2 routes: plain words");
});

Deno.test("errorOf() names the permission: the policy's rule, or the access rule", () => {
  const denied = error(403, neutron("PolicyNotAuthorized", "rule:add_extraroutes is disallowed by policy"));
  assert.equal(denied.action, "add_extraroutes");
  assert.equal(error(403, null).action, "PUT /v2.0/routers/*");
  const unknown = error(401, null);
  assert.equal(unknown.action, "PUT /v2.0/routers/*");
  assert.match(unknown.message, /access rules, they must have PUT \/v2.0\/routers\/\*/);
});

const catalogue = [{
  type: "identity",
  endpoints: [{ interface: "public", region_id: "north", url: "http://keystone.example/v3" }],
}, {
  type: "network",
  endpoints: [
    { interface: "public", region_id: "north", url: "http://north.example:9696/" },
    { interface: "internal", region_id: "north", url: "http://inside.example/networking/v2.0" },
    { interface: "public", region: "south", url: "http://south.example:9696" },
  ],
}];

Deno.test("networkUrl() chooses by region and interface, and adds the version", () => {
  assert.equal(networkUrl(catalogue, "north", "public"), "http://north.example:9696/v2.0");
  assert.equal(networkUrl(catalogue, "north", "internal"), "http://inside.example/networking/v2.0");
  assert.equal(networkUrl(catalogue, "south", "public"), "http://south.example:9696/v2.0");
});

Deno.test("networkUrl() says what there is to choose from", () => {
  assert.throws(() => networkUrl(catalogue, null, "public"), /Neutron is in north, south; name one/);
  assert.throws(
    () => networkUrl(catalogue, "south", "admin"),
    /admin endpoint in region south: the catalogue has public in north, internal in north, public in south/,
  );
  assert.throws(() => networkUrl([], null, "public"), /the catalogue has none/);
});
