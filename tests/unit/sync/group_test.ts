/** The table of group.ts, row by row. */

import assert from "node:assert/strict";
import { parseAddress } from "../../../src/routes/prefix.ts";
import {
  anyPeer,
  decide,
  type GroupCase,
  isOutranked,
  type Member,
  noMemory,
  type PrefixMemory,
  remember,
  rememberTake,
  sharedNextHops,
  type Want,
} from "../../../src/sync/group.ts";

function member(address: string, rank: number | null = null): Member {
  return { address: parseAddress(address), rank, nextHops: [address] };
}

const self = member("10.0.0.4");
const peer = member("10.0.0.5");
const wantsPeer = { peer: "10.0.0.5" };

interface Row {
  readonly name: string;
  readonly wanted: Want;
  /** Whose the standing route is. */
  readonly at: "peer" | "self" | "nobody";
  readonly dead?: boolean;
  readonly memory?: Partial<PrefixMemory>;
  /** This router is the one with the higher address. */
  readonly outranked?: boolean;
  readonly expected: string;
}

const rows: readonly Row[] = [
  { name: "alone at it", wanted: "self", at: "self", expected: "act" },
  { name: "nothing stands", wanted: "self", at: "nobody", expected: "act" },
  { name: "nothing wanted, mine stands", wanted: "nothing", at: "self", expected: "act" },
  { name: "nothing wanted, a living peer's", wanted: "nothing", at: "peer", expected: "leave (nothing)" },
  { name: "nothing wanted, a dead peer's", wanted: "nothing", at: "peer", dead: true, expected: "take" },
  { name: "mine wanted, a living peer's", wanted: "self", at: "peer", expected: "leave (standby)" },
  { name: "mine wanted, a dead peer's", wanted: "self", at: "peer", dead: true, expected: "take" },
  {
    name: "the kernel flipped from the peer",
    wanted: "self",
    at: "peer",
    memory: { flippedFrom: "10.0.0.5" },
    expected: "take",
  },
  {
    name: "the active address came here",
    wanted: "self",
    at: "peer",
    memory: { flippedFrom: anyPeer },
    expected: "take",
  },
  {
    name: "it outranks and held it before",
    wanted: "self",
    at: "peer",
    memory: { held: true },
    expected: "take",
  },
  {
    name: "it held it before and is outranked",
    wanted: "self",
    at: "peer",
    memory: { held: true },
    outranked: true,
    expected: "leave (standby)",
  },
  {
    name: "the peer wrote again, and is outranked: once more",
    wanted: "self",
    at: "peer",
    memory: { tookFrom: "10.0.0.5", takes: 1 },
    expected: "take",
  },
  {
    name: "the peer wrote again and again",
    wanted: "self",
    at: "peer",
    memory: { tookFrom: "10.0.0.5", takes: 2 },
    expected: "leave (standby)",
  },
  {
    name: "the peer wrote again, and outranks",
    wanted: "self",
    at: "peer",
    memory: { tookFrom: "10.0.0.5", takes: 1, flippedFrom: "10.0.0.5" },
    outranked: true,
    expected: "leave (standby)",
  },
  { name: "the peer's wanted, mine stands", wanted: wantsPeer, at: "self", expected: "act" },
  { name: "the peer's wanted, nothing stands", wanted: wantsPeer, at: "nobody", expected: "leave (peer)" },
  { name: "the peer's wanted, it stands", wanted: wantsPeer, at: "peer", expected: "leave (peer)" },
  { name: "passive, mine stands", wanted: "passive", at: "self", expected: "leave (passive)" },
  { name: "passive, nothing stands", wanted: "passive", at: "nobody", expected: "leave (passive)" },
];

for (const row of rows) {
  Deno.test(`decide(): ${row.name}`, () => {
    const me = row.outranked === true ? member("10.0.0.6") : self;
    const scene: GroupCase = {
      self: me,
      peers: [peer],
      wanted: row.wanted,
      standsAt: row.at === "peer" ? peer.address.text : null,
      standsHere: row.at === "self",
      dead: new Set(row.dead === true ? [peer.address.text] : []),
      memory: { ...noMemory, wanted: row.wanted, ...row.memory },
    };
    const decision = decide(scene);
    const text = decision.act ? decision.takesFrom === null ? "act" : "take" : `leave (${decision.verdict})`;
    assert.equal(text, row.expected);
  });
}

Deno.test("remember() sees the kernel flip from a peer, and a take uses it up", () => {
  const byPeer = remember(noMemory, wantsPeer, false);
  const flipped = remember(byPeer, "self", false);
  assert.equal(flipped.flippedFrom, "10.0.0.5");
  const took = rememberTake(flipped, "10.0.0.5");
  assert.deepEqual([took.flippedFrom, took.tookFrom, took.takes, took.held], [null, "10.0.0.5", 1, true]);
  assert.equal(remember(took, wantsPeer, false).takes, 0);
});

Deno.test("remember() takes what is wanted while the active address is here for a flip from each peer, whatever was before", () => {
  for (
    const before of [noMemory, remember(noMemory, "passive", false), remember(noMemory, "nothing", false)]
  ) {
    assert.equal(remember(before, "self", false, true).flippedFrom, anyPeer);
    assert.equal(remember(before, "nothing", false, true).flippedFrom, null);
  }
  const used = rememberTake(remember(noMemory, "self", false, true), "10.0.0.5");
  assert.equal(remember(used, "self", true, true).flippedFrom, null, "once for each change");
});

Deno.test("remember() takes the end of being passive for a flip from each peer", () => {
  assert.equal(remember(remember(noMemory, "passive", false), "self", false).flippedFrom, anyPeer);
  assert.equal(remember(remember(noMemory, "passive", false), "nothing", false).flippedFrom, null);
});

Deno.test("isOutranked() comes to one result on both sides", () => {
  const cases = [[null, null], [1, 2], [2, 1], [1, 1], [1, null], [null, 1]] as const;
  for (const [left, right] of cases) {
    const one = member("10.0.0.4", left);
    const other = member("10.0.0.5", right);
    assert.notEqual(isOutranked(one, other), isOutranked(other, one), `${left} ${right}`);
  }
});

Deno.test("sharedNextHops() keeps the hops of living peers and adds or removes its own alone", () => {
  const third = member("10.0.0.6");
  const peers = [peer, third];
  const shared = (standing: string[], wanted: string[], dead: string[] = []): readonly string[] =>
    sharedNextHops(standing, wanted, self, peers, new Set(dead));
  assert.deepEqual(shared(["10.0.0.5", "10.0.0.6"], ["10.0.0.4"]), ["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  assert.deepEqual(shared(["10.0.0.4", "10.0.0.5"], []), ["10.0.0.5"]);
  assert.deepEqual(shared(["10.0.0.4", "10.0.0.5"], ["10.0.0.4"], ["10.0.0.5"]), ["10.0.0.4"]);
  assert.deepEqual(shared(["10.0.0.5"], ["10.0.0.4", "10.0.0.6"]), ["10.0.0.4", "10.0.0.5"]);
  const [router, ofNobody] = ["10.0.0.5", "10.0.0.99"];
  assert.deepEqual(shared([router, ofNobody], []), [router], "its own to remove");
  const theirs = sharedNextHops([router, ofNobody], ["10.0.0.4", "10.0.0.98"], self, peers, new Set(), true);
  assert.deepEqual(theirs, ["10.0.0.4", router, ofNobody], "the signer's to add and to remove");
});
