/** Routes that several routers have together: what this router writes of them. */

import assert from "node:assert/strict";
import type { CloudTraits } from "../../../src/clouds/cloud.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { anyPeer, type Member, noMemory, type PrefixMemory } from "../../../src/sync/group.ts";
import { indexTable } from "../../../src/sync/ownership.ts";
import { type Difference, difference } from "../../../src/sync/plan.ts";
import { cloudRoute, owner, tableState, target } from "../../fakes/cloud_routes.ts";

const prefix = "198.51.100.0/24";

function member(address: string): Member {
  return { address: parseAddress(address), rank: null, nextHops: [address] };
}

const [a, b, c] = ["10.0.0.4", "10.0.0.5", "10.0.0.6"] as const;

const self = member(a);
const peers = [member(b), member(c)];

/** What the table takes, and who is dead. */
interface Scene {
  readonly traits: Pick<CloudTraits, "nextHopsPerRoute" | "ownership" | "uniquePrefix">;
  readonly dead: readonly string[];
  /** What an active address that came here, or was here, lets this router remember; left out: there is none. */
  readonly active?: PrefixMemory;
}

const together: Scene = {
  traits: { nextHopsPerRoute: 8, ownership: "mark", uniquePrefix: true },
  dead: [],
};
const beside: Scene = { ...together, traits: { ...together.traits, uniquePrefix: false } };
/** Pairs of a prefix and a next hop, where several of one prefix are of no use. */
const pairs: Scene = { ...beside, traits: { nextHopsPerRoute: 1, ownership: "ledger", uniquePrefix: false } };

/** What is done where the kernel wants `wanted` (comma-separated) and `standing` are the routes of the table. */
function done(scene: Scene, wanted: string | null, ...standing: readonly string[]): string {
  const parts = partsOf(scene, wanted, standing);
  const [change] = [...parts.adds, ...parts.replaces, ...parts.deletes];
  if (change?.action === "delete") return `delete ${change.from.nextHops.join()}`;
  if (change !== undefined) return `${change.action} ${change.to.join()}`;
  return parts.left[0]?.verdict ?? (parts.kept > 0 ? "kept" : "nothing");
}

/** Of whom the change that is made takes something; null: of nobody. */
function takenFrom(scene: Scene, wanted: string | null, ...standing: readonly string[]): string | null {
  const { replaces, deletes } = partsOf(scene, wanted, standing);
  return [...replaces, ...deletes][0]?.takesFrom ?? null;
}

function partsOf(
  { traits, dead, active }: Scene,
  wanted: string | null,
  standing: readonly string[],
): Difference {
  const isLedger = traits.ownership === "ledger";
  const state = tableState(
    standing.map((hops) => ({ ...cloudRoute(prefix, hops), ...(isLedger ? { owner: null } : {}) })),
  );
  const claims = new Map(isLedger ? [[prefix, { nextHops: [a], confirmed: true }]] : []);
  return difference([prefix], {
    wanted: () => wanted === null ? undefined : target(prefix, wanted),
    index: indexTable(state, { owner, traits, claims, peers, dead: new Set(dead) }),
    traits,
    adopt: false,
    group: {
      members: { self, peers },
      passive: false,
      oneActive: active !== undefined,
      memoryOf: () => active ?? noMemory,
    },
  });
}

Deno.test("difference() writes no next hop of a peer beside its own, where a prefix can stand several times", () => {
  assert.equal(done(beside, `${a},${b}`), `add ${a}`);
  assert.equal(done(beside, `${a},${b}`, a, b), "kept");
  assert.equal(done(beside, b), "peer");
  assert.equal(done(beside, b, a), "kept");
  assert.equal(done(beside, b, a, b), `delete ${a}`);
});

Deno.test("difference() adds and removes its own next hop alone, where one route has several", () => {
  assert.equal(done(together, `${a},${b}`), `add ${a}`);
  assert.equal(done(together, `${a},${c}`, b), `replace ${a},${b}`);
  assert.equal(done(together, null, `${a},${b}`), `replace ${b}`);
  assert.equal(done(together, null, b), "nothing");
  assert.equal(done(together, null, a), `delete ${a}`);
  assert.equal(done(together, b), "peer");
});

Deno.test("difference() says from whom it takes what a dead peer has in a route with several next hops", () => {
  const scene = { ...together, dead: [b] };
  assert.equal(takenFrom(scene, a, `${a},${b}`), b);
  assert.equal(takenFrom(scene, null, `${b}`), b);
  assert.equal(takenFrom(scene, a, b), b);
  assert.equal(takenFrom(scene, a, c), null, "a peer that lives");
  assert.equal(takenFrom(together, a, b), null);
});

Deno.test("difference() takes away what points at a dead peer beside its own, where a prefix can stand several times", () => {
  const scene = { ...beside, dead: [b] };
  assert.equal(done(scene, a, a, b), `replace ${a}`);
  assert.equal(done(scene, a, b), `replace ${a}`);
  assert.equal(done(scene, a, a, c), "kept");
  assert.equal(done(scene, null, b, c), `delete ${b}`);
  assert.equal(done(scene, null, a, b, c), `delete ${a},${b}`);
  assert.equal(done(scene, null, c), "nothing");
  assert.equal(done(scene, c, b, c), "peer");
});

Deno.test("difference() keeps one router's pair of a prefix, where several are of no use", () => {
  assert.equal(done(pairs, a, b), "standby");
  assert.equal(done(pairs, a), `add ${a}`);
  assert.equal(done(pairs, a, a), "kept");
  assert.equal(done(pairs, b, a), `replace ${b}`);
  assert.equal(done(pairs, b, b), "peer");
  assert.equal(done(pairs, null, b), "nothing");
  assert.equal(done({ ...pairs, dead: [b] }, a, b), `replace ${a}`);
});

const came: PrefixMemory = { ...noMemory, wanted: "self", flippedFrom: anyPeer };
const yielded: PrefixMemory = { ...noMemory, wanted: "self", tookFrom: b, takes: 2 };

for (const [cloud, scene] of Object.entries({ together, beside, pairs })) {
  Deno.test(`difference() leaves a prefix to one router where an active address says to which (${cloud})`, () => {
    const active = { ...scene, active: came };
    assert.equal(done(active, a, b), `replace ${a}`);
    assert.equal(done(active, a), `add ${a}`);
    assert.equal(done(active, a, a), "kept");
    assert.equal(done(active, null, b), "nothing");
    assert.equal(done({ ...scene, active: yielded }, a, b), "standby");
    assert.equal(done({ ...scene, active: yielded, dead: [b] }, a, b), `replace ${a}`);
  });
}

Deno.test("difference() takes away what points at a passive router besides this one, where an active address is here", () => {
  assert.equal(done({ ...together, active: came }, a, `${a},${b}`), `replace ${a}`);
  for (const scene of [beside, pairs]) {
    assert.equal(done({ ...scene, active: came }, a, a, b), `replace ${a}`);
    assert.equal(done({ ...scene, active: yielded }, a, a, b), "kept", "the other one may be active too");
  }
});
