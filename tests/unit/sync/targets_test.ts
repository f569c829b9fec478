import assert from "node:assert/strict";
import { finish } from "../../../src/async/steps.ts";
import type { CloudIdentity } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import type { Neighbour } from "../../../src/clouds/cloud.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import { findingNeighbours, resolveNeighbours, targetsOf } from "../../../src/sync/targets.ts";
import { smallVm } from "../../fakes/policies.ts";

const identity: CloudIdentity = { ...smallVm, instance: "i-1", self: { 4: "eni-self", 6: null } };
const never = new AbortController().signal;

/** A wanted route by way of neighbours; `self` stands for this VM. */
function wanted(prefix: string, ...hops: readonly string[]): WantedRoute {
  const nextHops = hops.map((hop) => {
    const neighbour = hop === "self" ? null : parseAddress(hop);
    return { neighbour, gateway: neighbour };
  });
  return { prefix: parsePrefix(prefix), nextHops, metric: 7, protocol: 186 };
}

/** The target's next hops, with what is known of the gateways; null where it is not known. */
function hopsOf(route: WantedRoute, ids: Readonly<Record<string, string | null>>): readonly string[] | null {
  const known = new Map(
    Object.entries(ids).map(([gateway, id]) => [`${gateway} for IPv${route.prefix.family}`, id]),
  );
  return targetsOf(identity, { ids: known, error: null })(route)?.nextHops ?? null;
}

/** The gateways of wanted routes. */
function neighboursOf(routes: Iterable<WantedRoute>): readonly Neighbour[] {
  return finish(findingNeighbours(routes));
}

Deno.test("targetsOf() points at the neighbour that a gateway belongs to", () => {
  const route = wanted("198.51.100.0/24", "10.0.0.9");
  assert.deepEqual(
    targetsOf(identity, { ids: new Map([["10.0.0.9 for IPv4", "eni-9"]]), error: null })(route),
    {
      prefix: route.prefix,
      nextHops: ["eni-9"],
      metric: 7,
    },
  );
});

Deno.test("targetsOf() points at this VM when no VM has the gateway's address", () => {
  assert.deepEqual(hopsOf(wanted("198.51.100.0/24", "10.0.0.9"), { "10.0.0.9": null }), ["eni-self"]);
  assert.deepEqual(hopsOf(wanted("198.51.100.0/24", "self"), {}), ["eni-self"]);
});

Deno.test("targetsOf() keeps the order of preference and names each id once", () => {
  const route = wanted("198.51.100.0/24", "10.0.0.9", "10.0.0.10", "self");
  assert.deepEqual(hopsOf(route, { "10.0.0.9": "eni-9", "10.0.0.10": null }), ["eni-9", "eni-self"]);
});

Deno.test("targetsOf() is not known while any gateway could not be looked up", () => {
  assert.equal(hopsOf(wanted("198.51.100.0/24", "10.0.0.9", "self"), {}), null);
});

Deno.test("targetsOf() points at this VM where the cloud has no id for an IPv6 gateway of an IPv4 route", () => {
  const route = wanted("198.51.100.0/24", "2001:db8:a::9");
  assert.deepEqual(hopsOf(route, { "2001:db8:a::9": null }), ["eni-self"]);
  assert.deepEqual(hopsOf(route, { "2001:db8:a::9": "eni-9" }), ["eni-9"]);
});

Deno.test("targetsOf() is not known where this VM cannot be pointed at", () => {
  assert.equal(hopsOf(wanted("2001:db8::/32", "self"), {}), null);
});

Deno.test("resolveNeighbours() asks for each neighbour once a family, and not at all when there is none", async () => {
  const asked: string[][] = [];
  const cloud = {
    resolve: (neighbours: readonly Neighbour[]) => {
      asked.push(neighbours.map(({ gateway, family }) => `${gateway.text} ${family}`));
      return Promise.resolve(neighbours.map(({ gateway }) => gateway.text === "10.0.0.9" ? "eni-9" : null));
    },
  };
  await resolveNeighbours(cloud, neighboursOf([wanted("198.51.100.0/24", "self")]), never);
  assert.deepEqual(asked, []);
  const routes = [
    wanted("198.51.100.0/24", "10.0.0.9"),
    wanted("192.0.2.0/24", "10.0.0.9", "2001:db8:a::9"),
    wanted("2001:db8:1::/48", "2001:db8:a::9"),
  ];
  const { ids, error } = await resolveNeighbours(cloud, neighboursOf(routes), never);
  assert.deepEqual(asked, [["10.0.0.9 4", "2001:db8:a::9 4", "2001:db8:a::9 6"]]);
  assert.deepEqual([[...ids], error], [[
    ["10.0.0.9 for IPv4", "eni-9"],
    ["2001:db8:a::9 for IPv4", null],
    ["2001:db8:a::9 for IPv6", null],
  ], null]);
});

Deno.test("resolveNeighbours() tells a cloud's failure in its answer and throws anything else", async () => {
  const failed = new CloudError("throttled", "too many");
  const cloud = (reason: Error): Parameters<typeof resolveNeighbours>[0] => ({
    resolve: () => Promise.reject(reason),
  });
  const routes = [wanted("198.51.100.0/24", "10.0.0.9")];
  assert.deepEqual(await resolveNeighbours(cloud(failed), neighboursOf(routes), never), {
    ids: new Map(),
    error: failed,
  });
  await assert.rejects(
    resolveNeighbours(cloud(new TypeError("a bug")), neighboursOf(routes), never),
    TypeError,
  );
});
