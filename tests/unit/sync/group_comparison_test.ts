/** Routes that several routers have together: what this router writes of them. */

import assert from "node:assert/strict";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { type Member, noMemory } from "../../../src/sync/group.ts";
import { indexTable } from "../../../src/sync/ownership.ts";
import { difference } from "../../../src/sync/plan.ts";
import { cloudRoute, owner, tableState, target } from "../../fakes/cloud_routes.ts";

const prefix = "198.51.100.0/24";

function member(address: string): Member {
  return { address: parseAddress(address), rank: null, nextHops: [address] };
}

const self = member("10.0.0.4");
const peers = [member("10.0.0.5"), member("10.0.0.6")];
const nobody: ReadonlySet<string> = new Set();

/** What is done where the kernel wants `wanted` (comma-separated) and `standing` are the routes of the table. */
function done(uniquePrefix: boolean, wanted: string | null, ...standing: readonly string[]): string {
  const traits = { nextHopsPerRoute: 8, ownership: "mark", uniquePrefix } as const;
  const state = tableState(standing.map((hops) => cloudRoute(prefix, hops)));
  const parts = difference([prefix], {
    wanted: () => wanted === null ? undefined : target(prefix, wanted),
    index: indexTable(state, { owner, traits, claims: new Map(), peers, dead: nobody }),
    traits,
    adopt: false,
    group: { members: { self, peers }, passive: false, memoryOf: () => noMemory },
  });
  const [change] = [...parts.adds, ...parts.replaces, ...parts.deletes];
  if (change !== undefined) return `${change.action} ${change.to?.join() ?? ""}`.trim();
  return parts.left[0]?.verdict ?? (parts.kept > 0 ? "kept" : "nothing");
}

const [a, b, c] = ["10.0.0.4", "10.0.0.5", "10.0.0.6"] as const;

Deno.test("difference() writes no next hop of a peer beside its own, where a prefix can stand several times", () => {
  assert.equal(done(false, `${a},${b}`), `add ${a}`);
  assert.equal(done(false, `${a},${b}`, a, b), "kept");
  assert.equal(done(false, b), "peer");
  assert.equal(done(false, b, a), "kept");
  assert.equal(done(false, b, a, b), "delete");
});

Deno.test("difference() adds and removes its own next hop alone, where one route has several", () => {
  assert.equal(done(true, `${a},${b}`), `add ${a}`);
  assert.equal(done(true, `${a},${c}`, b), `replace ${a},${b}`);
  assert.equal(done(true, null, `${a},${b}`), `replace ${b}`);
  assert.equal(done(true, null, b), "nothing");
  assert.equal(done(true, null, a), "delete");
  assert.equal(done(true, b), "peer");
});
