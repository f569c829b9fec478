import assert from "node:assert/strict";
import type { Change, CloudRoute, Sign } from "../../../../src/clouds/cloud.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { stepsOf } from "../../../../src/clouds/gcp/route_change.ts";
import { neighbourOf, ownerOf } from "../../../../src/clouds/gcp/route_mark.ts";
import { routeName } from "../../../../src/clouds/gcp/route_name.ts";
import type { RouteSettings } from "../../../../src/clouds/gcp/routes.ts";
import { parseAddress, parsePrefix } from "../../../../src/routes/prefix.ts";

const instance = "projects/prod/zones/z/instances/router-a";
const network = "projects/prod/global/networks/net";
const settings: RouteSettings = {
  owner: "edge",
  instance: "router-a",
  sign: signOf(instance, "10.0.0.2"),
  network,
  project: "prod",
  self: {
    id: instance,
    fields: { 4: { nextHopInstance: instance }, 6: null },
    addresses: ["10.0.0.2"],
    elsewhere: [],
    isShared: false,
  },
  priority: 1000,
  tags: [],
};
const prefix = parsePrefix("192.168.0.0/16");

function signOf(id: string, address: string): Sign {
  return { id, address: parseAddress(address), nextHops: [id, address] };
}

function route(id: string, nextHop: string, owner: string | null = "edge"): CloudRoute {
  return { prefix, nextHops: [nextHop], owner, id };
}

function replace(from: CloudRoute, ...to: string[]): Change {
  return { action: "replace", prefix, from, to };
}

Deno.test("stepsOf() makes a route for each next hop of an add", () => {
  const { inserts, deletes } = stepsOf(
    { action: "add", prefix, from: null, to: ["10.0.0.3", instance] },
    [],
    settings,
  );
  assert.deepEqual(deletes, []);
  assert.deepEqual(inserts.map(({ name: _, description: __, ...rest }) => rest), [
    { network, destRange: "192.168.0.0/16", priority: 1000, tags: [], nextHopIp: "10.0.0.3" },
    { network, destRange: "192.168.0.0/16", priority: 1000, tags: [], nextHopInstance: instance },
  ]);
  assert.equal(new Set(inserts.map(({ name }) => name)).size, 2);
});

Deno.test("stepsOf() looks the routes to delete up among those that stand, not in the change", () => {
  const standing = [
    route("one", "10.0.0.3"),
    route("two", "10.0.0.4"),
    route("theirs", "10.0.0.3", "other"),
    route("foreign", "10.0.0.3", null),
  ];
  const from = { prefix, nextHops: ["10.0.0.3", "10.0.0.4"], owner: "edge", id: "one", ids: ["one", "two"] };
  assert.deepEqual(stepsOf({ action: "delete", prefix, from, to: null }, standing, settings).deletes, [
    "one",
    "two",
  ]);
});

Deno.test("stepsOf() leaves a wanted next hop's route alone when another one goes", () => {
  const standing = [route("one", "10.0.0.3"), route("two", "10.0.0.4")];
  const { inserts, deletes } = stepsOf(
    replace(route("one", "10.0.0.3"), "10.0.0.4", "10.0.0.5"),
    standing,
    settings,
  );
  assert.deepEqual(deletes, ["one"]);
  assert.deepEqual(inserts.map((made) => "nextHopIp" in made && made.nextHopIp), ["10.0.0.5"]);
});

Deno.test("stepsOf() deletes a second route of ours to the same next hop", () => {
  const standing = [route("one", "10.0.0.3"), route("again", "10.0.0.3")];
  const both = { ...route("one", "10.0.0.3"), ids: ["one", "again"] };
  assert.deepEqual(stepsOf(replace(both, "10.0.0.3"), standing, settings), {
    inserts: [],
    deletes: ["again"],
  });
});

Deno.test("stepsOf() replaces a route that differs in priority, which its next hop tells", () => {
  const old = route("one", "10.0.0.3 priority=900");
  const { inserts, deletes } = stepsOf(replace(old, "10.0.0.3"), [old], settings);
  assert.deepEqual([inserts.length, deletes], [1, ["one"]]);
});

Deno.test("stepsOf() takes another name when the route's own is taken by one that differs from it", () => {
  const spec = {
    owner: "edge",
    network,
    prefix,
    nextHop: "10.0.0.3",
    priority: 1000,
    tags: [],
    sign: settings.sign,
  };
  const forged = route(routeName(spec), "10.0.0.9");
  const { inserts, deletes } = stepsOf(replace(forged, "10.0.0.3"), [forged], settings);
  assert.deepEqual(inserts.map(({ name }) => name), [routeName(spec, 1)]);
  assert.deepEqual(deletes, [routeName(spec)]);
});

Deno.test("stepsOf() leaves what another router of the owner wrote, unless the change is from it", () => {
  const other = signOf("projects/prod/zones/z/instances/router-b", "10.0.0.4");
  const theirs = { ...route("theirs", other.id), writer: other };
  const mine = { ...route("mine", instance), writer: settings.sign ?? other };
  const shared = { ...route("shared", "10.0.0.9"), writer: other };
  const standing = [theirs, mine, shared];
  const gone: Change = { action: "delete", prefix, from: mine, to: null };
  assert.deepEqual(stepsOf(gone, standing, settings).deletes, ["mine"]);
  assert.deepEqual(stepsOf(replace(mine, "10.0.0.9"), standing, settings).deletes, ["mine"]);
  assert.equal(stepsOf(replace(mine, "10.0.0.9"), standing, settings).inserts.length, 1);
  assert.deepEqual(stepsOf(replace(theirs, instance), standing, settings), {
    inserts: [],
    deletes: ["theirs"],
  });
});

Deno.test("stepsOf() deletes the foreign route that is adopted, and no other", () => {
  const adopted = route("static", "10.0.0.9", null);
  const standing = [adopted, route("static-2", "10.0.0.9", null)];
  assert.deepEqual(stepsOf(replace(adopted, "10.0.0.3"), standing, settings).deletes, ["static"]);
});

Deno.test("stepsOf() makes a route beside another owner's, even when told to adopt it", () => {
  const theirs = route("crs-other-1", "10.0.0.9", "other");
  const { inserts, deletes } = stepsOf(replace(theirs, "10.0.0.3"), [theirs], settings);
  assert.deepEqual([inserts.length, deletes], [1, []]);
});

Deno.test("stepsOf() refuses to point an IPv6 route at a VM without IPv6", () => {
  const ipv6 = parsePrefix("2001:db8::/32");
  assert.throws(
    () => stepsOf({ action: "add", prefix: ipv6, from: null, to: [instance] }, [], settings),
    (error) => error instanceof CloudError && error.kind === "invalid" && /IPv6/.test(error.message),
  );
});

Deno.test("stepsOf() points at this VM where the neighbour is in another network, and says for whom", () => {
  const self = { ...settings.self, elsewhere: [parsePrefix("10.0.0.0/24")] };
  const change: Change = { action: "add", prefix, from: null, to: ["10.0.0.3", "10.0.1.3", instance] };
  const { inserts } = stepsOf(change, [], { ...settings, self });
  assert.deepEqual(inserts.map((made) => "nextHopIp" in made ? made.nextHopIp : "this VM"), [
    "this VM",
    "10.0.1.3",
    "this VM",
  ]);
  assert.deepEqual(inserts.map(({ description }) => neighbourOf(description)), ["10.0.0.3", null, null]);
  assert.deepEqual(inserts.map(({ name, description }) => ownerOf(name, description, prefix.text)), [
    "edge",
    "edge",
    "edge",
  ]);
});
