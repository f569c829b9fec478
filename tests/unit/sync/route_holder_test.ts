/** The table of route_holder.ts, row by row, and what becomes of routes that version 1.0 wrote. */

import assert from "node:assert/strict";
import type { CloudRoute, Sign } from "../../../src/clouds/cloud.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { indexTable } from "../../../src/sync/ownership.ts";
import { type SelfMarks, withMarked } from "../../../src/sync/route_holder.ts";
import { cloudRoute, owner, tableState } from "../../fakes/cloud_routes.ts";

const prefix = "198.51.100.0/24";
const here = "10.0.0.4";
const there = "10.0.0.5";
const gateway = "10.0.0.9";

function sign(id: string, address: string): Sign {
  return { id, address: parseAddress(address), nextHops: [address] };
}

const mine = sign("vm-a", here);
const theirs = sign("vm-b", there);
const self: SelfMarks = { sign: mine, hops: new Set([here]), gateways: new Set([gateway]) };

/** Whose a route is, and whether its mark is to be written anew; `others` stand in the table besides. */
function holder(route: CloudRoute, ...others: readonly CloudRoute[]): string {
  const state = tableState([route, ...others]);
  const traits = { ownership: "mark", uniquePrefix: true } as const;
  const peers = withMarked([], state.routes, { owner, self });
  const { own, foreign, peers: ofPeers } = indexTable(state, {
    owner,
    traits,
    claims: new Map(),
    dead: new Set(),
    peers,
    self,
  });
  if (foreign.has(prefix)) return "foreign";
  const mark = own.get(prefix)?.unsigned === true ? ", to be signed" : "";
  return own.has(prefix) ? `own${mark}` : `of ${ofPeers.get(prefix)?.peer}`;
}

function route(nextHops: string, writer?: Sign, at = prefix): CloudRoute {
  return { ...cloudRoute(at, nextHops), ...(writer === undefined ? {} : { writer }) };
}

Deno.test("a route belongs to the router that it points at, and else to the one that wrote it", () => {
  assert.equal(holder(route(here, mine)), "own");
  assert.equal(holder(route(here, theirs)), "own, to be signed", "the writer may not know this router");
  assert.equal(holder(route(there, theirs)), `of ${there}`);
  assert.equal(
    holder(route(there, mine), route(there, theirs, "203.0.113.0/24")),
    `of ${there}`,
    "handed over",
  );
  assert.equal(holder(route(there, mine)), "own", "no mark names a router there");
  assert.equal(holder(route(gateway, mine)), "own");
  assert.equal(holder(route(gateway, theirs)), `of ${there}`);
  assert.equal(holder({ ...route(here, mine), owner: "other" }), "foreign");
});

Deno.test("a router is known again by its VM's name, whatever its address was", () => {
  assert.equal(holder(route("10.0.0.7", sign("vm-a", "10.0.0.7"))), "own");
  assert.equal(holder(route(here, sign("vm-gone", here))), "own, to be signed", "or by the address alone");
});

Deno.test("a route to this router that another one wrote goes, also where this router's own stands beside it", () => {
  assert.equal(holder(route(here, mine), route(here, theirs)), "own, to be signed");
  assert.equal(holder(route(here, theirs), route(here, mine)), "own, to be signed");
  assert.equal(holder(route(here, mine), route(here, mine)), "own");
});

Deno.test("a route of several routers is one's own while it has one's own next hop", () => {
  const shared = { ...route(`${here},${there}`, theirs), sharedWith: [parseAddress(here)] };
  assert.equal(holder(shared), "own");
  assert.equal(
    holder(route(`${here},${there}`, theirs)),
    "own, to be signed",
    "the mark does not say whose the next hop is",
  );
  assert.equal(
    holder({ ...route(`${there},10.0.0.6`, theirs), sharedWith: [parseAddress("10.0.0.6")] }),
    `of ${there}`,
  );
});

Deno.test("a route of version 1.0 is left unless it points at this router, or by a gateway of its kernel", () => {
  assert.equal(holder(route(here)), "own");
  assert.equal(holder(route(gateway)), "own, to be signed");
  assert.equal(holder(route(there)), `of ${there}`);
  assert.equal(holder(route(there), route(there, theirs, "203.0.113.0/24")), `of ${there}`);
  assert.equal(holder(route(`${here},${gateway}`)), "own, to be signed");
});

Deno.test("withMarked() finds each router that a mark names, and what else routes to it point at", () => {
  const known = [{ address: parseAddress(there), rank: 2, nextHops: ["id-b"] }];
  const routes = [
    route(there, { ...theirs, nextHops: ["url-b"] }),
    { ...route("10.0.0.7", mine), sharedWith: [parseAddress("10.0.0.6"), parseAddress(here)] },
    route(gateway, { id: "router-c", address: null, nextHops: [] }),
    { ...route("10.0.0.8", sign("vm-d", "10.0.0.8")), owner: "other" },
  ];
  const found = withMarked(known, routes, { owner, self });
  assert.deepEqual(found.map(({ address, rank, nextHops }) => [address.text, rank, [...nextHops].sort()]), [
    [there, 2, [there, "id-b", "url-b"]],
    ["10.0.0.6", null, ["10.0.0.6"]],
  ]);
});
