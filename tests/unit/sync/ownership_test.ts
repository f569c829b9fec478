/** What is ours, what is foreign, and what a lost ledger may take back. */

import assert from "node:assert/strict";
import type { CloudRoute } from "../../../src/clouds/cloud.ts";
import {
  type Claim,
  indexTable,
  isOwn,
  type OwnershipRule,
  recoverClaims,
} from "../../../src/sync/ownership.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { cloudRoute, owner, tableState } from "../../fakes/cloud_routes.ts";

const prefix = "198.51.100.0/24";

function byMark(): OwnershipRule {
  return {
    owner,
    traits: { ownership: "mark", uniquePrefix: true },
    claims: new Map(),
    peers: [],
    dead: new Set(),
  };
}

function byLedger(claim: Claim, uniquePrefix: boolean): OwnershipRule {
  return {
    owner,
    traits: { ownership: "ledger", uniquePrefix },
    claims: new Map([[prefix, claim]]),
    peers: [],
    dead: new Set(),
  };
}

Deno.test("isOwn() goes by the mark where routes carry one", () => {
  assert.equal(isOwn(cloudRoute(prefix, "eni-1"), byMark()), true);
  assert.equal(isOwn(cloudRoute(prefix, "eni-1", "other"), byMark()), false);
  assert.equal(isOwn(cloudRoute(prefix, "eni-1", null), byMark()), false);
});

Deno.test("what the cloud put there by itself is never ours, whatever the ledger says", () => {
  const propagated: CloudRoute = { ...cloudRoute(prefix, "eni-1", null), fixed: true };
  const rule = byLedger({ nextHops: ["eni-1"], confirmed: true }, true);
  assert.equal(isOwn(propagated, rule), false);
  assert.equal(recoverClaims(tableState([propagated]), ["eni-1"], true, () => true).size, 0);
});

const ledgerRows: readonly {
  readonly name: string;
  readonly confirmed: boolean;
  readonly unique: boolean;
  readonly standing: string;
  readonly own: boolean;
}[] = [
  { name: "confirmed, as written", confirmed: true, unique: true, standing: "eni-1", own: true },
  { name: "confirmed, retargeted by somebody", confirmed: true, unique: true, standing: "igw-1", own: true },
  { name: "unconfirmed, as claimed", confirmed: false, unique: true, standing: "eni-1", own: true },
  {
    name: "unconfirmed, but to something else",
    confirmed: false,
    unique: true,
    standing: "igw-1",
    own: false,
  },
  { name: "confirmed, another beside it", confirmed: true, unique: false, standing: "10.0.0.9", own: false },
  {
    name: "confirmed, as written, one of several",
    confirmed: true,
    unique: false,
    standing: "eni-2",
    own: true,
  },
  {
    name: "unconfirmed, ours and one more",
    confirmed: false,
    unique: true,
    standing: "eni-1,igw-1",
    own: false,
  },
];

for (const { name, confirmed, unique, standing, own } of ledgerRows) {
  const table = unique ? "a table of unique prefixes" : "a table that may repeat a prefix";
  Deno.test(`isOwn() by a claim in ${table}: ${name}: ${own ? "ours" : "foreign"}`, () => {
    const rule = byLedger({ nextHops: ["eni-1", "eni-2"], confirmed }, unique);
    assert.equal(isOwn(cloudRoute(prefix, standing, null), rule), own);
  });
}

Deno.test("isOwn() proves nothing without a claim, nor for a route that points nowhere", () => {
  const rule = byLedger({ nextHops: ["eni-1"], confirmed: false }, true);
  assert.equal(isOwn(cloudRoute("192.0.2.0/24", "eni-1", null), rule), false);
  assert.equal(isOwn({ ...cloudRoute(prefix, "eni-1", null), nextHops: [] }, rule), false);
});

Deno.test("indexTable() splits a table and counts every foreign route", () => {
  const index = indexTable(
    tableState([
      cloudRoute(prefix, "eni-1"),
      cloudRoute(prefix, "igw-1", null),
      cloudRoute(prefix, "igw-2", "other"),
      cloudRoute("0.0.0.0/0", "igw-1", null),
    ]),
    byMark(),
  );
  assert.deepEqual([...index.own.keys()], [prefix]);
  assert.deepEqual(index.foreign.get(prefix)?.map(({ nextHops }) => nextHops.join()), ["igw-1", "igw-2"]);
  assert.equal(index.foreignCount, 3);
});

Deno.test("indexTable() folds several routes of ours at one prefix into one with all next hops", () => {
  const index = indexTable(
    tableState([cloudRoute(prefix, "b"), cloudRoute(prefix, "a"), cloudRoute(prefix, "b")]),
    byMark(),
  );
  assert.deepEqual(index.own.get(prefix)?.nextHops, ["a", "b"]);
});

Deno.test("indexTable() takes a peer for dead all of whose routes are dropped, not one that was rebuilt", () => {
  const address = parseAddress("10.0.0.5");
  const peers = [{ address, rank: null, nextHops: ["eni-new", "eni-old"] }];
  const dropped = { ...cloudRoute(prefix, "eni-old", null), blackhole: true };
  const rule: OwnershipRule = { ...byLedger({ nextHops: [], confirmed: false }, true), peers };
  assert.deepEqual([...indexTable(tableState([dropped]), rule).dead], [address.text]);
  const living = cloudRoute("203.0.113.0/24", "eni-new", null);
  assert.deepEqual([...indexTable(tableState([dropped, living]), rule).dead], []);
});

/** What is taken back of a table, as prefixes. */
function recovered(
  routes: readonly CloudRoute[],
  proven: boolean,
  wanted: readonly string[] = [],
): readonly string[] {
  const claims = recoverClaims(
    tableState(routes),
    ["eni-self"],
    proven,
    (route) => wanted.includes(route.prefix.text),
  );
  assert.ok([...claims.values()].every(({ confirmed }) => confirmed));
  return [...claims.keys()];
}

const pointingHere = cloudRoute(prefix, "eni-self", null);
const pointingAway = cloudRoute("192.0.2.0/24", "eni-other", null);
const pointingBoth = cloudRoute("203.0.113.0/24", "eni-self,eni-other", null);

Deno.test("recoverClaims() takes only routes that point at this VM and nothing else", () => {
  assert.deepEqual(recovered([pointingHere, pointingAway, pointingBoth], true), [prefix]);
});

Deno.test("recoverClaims() without proof of an earlier life takes only what is wanted just so", () => {
  assert.deepEqual(recovered([pointingHere], false), []);
  assert.deepEqual(recovered([pointingHere], false, [prefix]), [prefix]);
  assert.deepEqual(recovered([pointingAway], false, ["192.0.2.0/24"]), []);
});
