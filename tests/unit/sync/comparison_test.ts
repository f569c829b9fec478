/** Plan, guard, quota and circuit together. */

import assert from "node:assert/strict";
import type { CloudRoute } from "../../../src/clouds/cloud.ts";
import { parseAddress, parsePrefix } from "../../../src/routes/prefix.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { cloudRoute, quota, signed } from "../../fakes/cloud_routes.ts";
import type { PlannedChange } from "../../../src/sync/planned_change.ts";
import { comparisonOf } from "../../fakes/comparisons.ts";

const many = (count: number): readonly CloudRoute[] =>
  Array.from({ length: count }, (_, index) => cloudRoute(`10.${index}.0.0/16`, "10.0.0.9"));

Deno.test("compare() puts what is to be done into waves", () => {
  const { fitted, difference } = comparisonOf({
    wanted: { "198.51.100.0/24": ["10.0.0.9"], "192.0.2.0/24": ["10.0.0.9"] },
    own: [cloudRoute("192.0.2.0/24", "10.0.0.8"), cloudRoute("203.0.113.0/24", "10.0.0.9")],
  });
  assert.deepEqual(signed(fitted.waves.flat()), ["~ 192.0.2.0/24", "+ 198.51.100.0/24", "- 203.0.113.0/24"]);
  assert.equal(difference.kept, 0);
});

Deno.test("compare() leaves a prefix alone whose gateway could not be looked up, and names it", () => {
  const { fitted, unresolved, difference } = comparisonOf({
    wanted: { "198.51.100.0/24": ["10.0.0.99"] },
    own: [cloudRoute("198.51.100.0/24", "10.0.0.8")],
  });
  assert.deepEqual([fitted.waves, unresolved, difference.deletes], [[], ["198.51.100.0/24"], []]);
});

Deno.test("compare() leaves a prefix alone of which the kernel may keep back a route", () => {
  const { difference } = comparisonOf({
    own: [cloudRoute("198.51.100.0/24", "10.0.0.8"), cloudRoute("203.0.113.0/24", "10.0.0.8")],
    changed: { mayLack: (prefix) => prefix === "198.51.100.0/24" },
  });
  assert.deepEqual(signed(difference.deletes), ["- 203.0.113.0/24"]);
});

Deno.test("compare() lets withdrawals wait that are not due, while adds go on", () => {
  const { fitted, waiting } = comparisonOf({
    wanted: { "198.51.100.0/24": ["10.0.0.9"] },
    own: [cloudRoute("203.0.113.0/24", "10.0.0.9")],
    changed: { withdrawalsDue: () => false },
  });
  assert.deepEqual(signed(fitted.waves.flat()), ["+ 198.51.100.0/24"]);
  assert.deepEqual(signed(waiting), ["- 203.0.113.0/24"]);
});

Deno.test("compare() lets the hold begin while withdrawals still wait for quiet", () => {
  const first = comparisonOf({ own: many(20), changed: { withdrawalsDue: () => false, now: 0 } });
  const second = comparisonOf({ own: many(20), changed: { guardState: first.decision.state, now: 250 } });
  assert.equal(second.decision.held.length, 20);
  assert.equal(second.decision.heldUntil, 120_000);
});

Deno.test("compare() holds a mass withdrawal, while adds and replaces go on", () => {
  const { fitted, decision } = comparisonOf({
    wanted: { "198.51.100.0/24": ["10.0.0.9"], "10.0.0.0/16": ["10.0.0.8"] },
    own: many(20),
  });
  assert.deepEqual(signed(fitted.waves.flat()), ["~ 10.0.0.0/16", "+ 198.51.100.0/24"]);
  assert.equal(decision.held.length, 19);
});

Deno.test("compare() counts the places that withdrawals free only when they are made", () => {
  const scene = { wanted: { "198.51.100.0/24": ["10.0.0.9"] }, own: many(20), quotas: [quota(20, 20)] };
  assert.deepEqual(signed(comparisonOf(scene).fitted.overQuota), ["+ 198.51.100.0/24"], "they are held");
  const off = { guardSettings: { maxWithdraw: 1, holdMs: 0 } };
  assert.deepEqual(comparisonOf({ ...scene, changed: off }).fitted.overQuota, []);
});

Deno.test("compare() tries no change that would only fail again", () => {
  const { fitted, notRetryable } = comparisonOf({
    wanted: { "198.51.100.0/24": ["10.0.0.9"] },
    own: [cloudRoute("203.0.113.0/24", "10.0.0.9")],
    changed: { isRetryable: ({ action }) => action !== "add" },
  });
  assert.deepEqual(signed(fitted.waves.flat()), ["- 203.0.113.0/24"]);
  assert.deepEqual(signed(notRetryable), ["+ 198.51.100.0/24"]);
});

Deno.test("compare() withdraws nothing whose covering route the cloud refuses", () => {
  const scene = {
    wanted: { "10.0.0.0/16": ["10.0.0.9"] },
    own: [cloudRoute("10.0.1.0/24", "10.0.0.9"), cloudRoute("192.0.2.0/24", "10.0.0.9")],
  };
  const isAdd = ({ action }: PlannedChange): boolean => action === "add";
  const isNoAdd = (change: PlannedChange): boolean => !isAdd(change);
  const refused = comparisonOf({ ...scene, changed: { isRetryable: isNoAdd, isForbidden: isAdd } });
  assert.deepEqual(signed(refused.fitted.waves.flat()), ["- 192.0.2.0/24"]);
  assert.deepEqual(signed(refused.notRetryable), ["+ 10.0.0.0/16", "- 10.0.1.0/24"]);
  // A quota may let it in once something is withdrawn.
  const full = comparisonOf({ ...scene, changed: { isRetryable: isNoAdd } });
  assert.deepEqual(signed(full.fitted.waves.flat()), ["- 10.0.1.0/24", "- 192.0.2.0/24"]);
});

Deno.test("compare() does not count a withdrawal that would only fail again among those that wait for quiet", () => {
  const asked: boolean[] = [];
  const withdrawalsDue = (any: boolean): boolean => {
    asked.push(any);
    return true;
  };
  const own = [cloudRoute("192.0.2.0/24", "10.0.0.9")];
  comparisonOf({ own, changed: { withdrawalsDue } });
  comparisonOf({ own, changed: { withdrawalsDue, isRetryable: () => false } });
  assert.deepEqual(asked, [true, false]);
});

Deno.test("compare() leaves out what would turn this VM's own packets back, takes away what does, and adopts none such", () => {
  const viaSelf = (key: string): [string, WantedRoute] => [
    key,
    { prefix: parsePrefix(key), nextHops: [{ neighbour: null, gateway: null }], metric: 20, protocol: 186 },
  ];
  const peer = {
    prefix: parsePrefix("198.51.100.7/32"),
    itself: false,
    gateways: [parseAddress("10.0.0.1")],
  };
  const wanted = new Map([viaSelf("198.51.100.0/24"), viaSelf("192.0.2.0/24"), viaSelf("0.0.0.0/0")]);
  const changed = {
    wanted,
    prefixes: new Set(wanted.keys()),
    bound: new Map([[peer.prefix.text, peer]]),
    ownSubnets: [parsePrefix("10.0.0.0/24")],
    adopt: true,
  };
  const scene = {
    own: [cloudRoute("198.51.100.0/24", "vm")],
    foreign: [cloudRoute("0.0.0.0/0", "igw-1", null)],
    changed,
  };
  const { fitted, looping } = comparisonOf(scene);
  assert.deepEqual(signed(fitted.waves.flat()), ["+ 192.0.2.0/24", "- 198.51.100.0/24"]);
  assert.deepEqual(looping, [
    { prefix: "198.51.100.0/24", turnsBack: "198.51.100.7/32" },
    { prefix: "0.0.0.0/0", turnsBack: "198.51.100.7/32" },
  ]);
  // A table that this VM's own subnet does not use turns nothing back; nor does one that has another way to the peer.
  assert.deepEqual(comparisonOf({ ...scene, changed: { ...changed, ownSubnets: [] } }).looping, []);
  const out = [...scene.foreign, cloudRoute("198.51.100.7/32", "igw-1", null)];
  assert.deepEqual(comparisonOf({ ...scene, foreign: out }).looping, []);
});
