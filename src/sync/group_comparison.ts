/**
 * One prefix of a table that several routers share: asks the decision of group.ts and turns it into a change. Pure.
 *
 * | the table takes                   | a router's route is   | so a router                                              |
 * | --------------------------------- | --------------------- | -------------------------------------------------------- |
 * | one route a prefix, one next hop  | the route             | has the prefix, or another has it                        |
 * | (AWS, Azure without ECMP, local)  |                       |                                                          |
 * | one route a prefix, several next  | its next hop in the   | adds and removes its own next hop, and those of peers    |
 * | hops (Azure with ECMP)            | route                 | that the cloud says are dead                             |
 * | several routes a prefix (Google,  | a route of its own    | writes its own beside the others', and takes away those  |
 * | OpenStack)                        |                       | of peers that the cloud says are dead                    |
 * | the same, but routes with several | the route             | has the prefix, or another has it                        |
 * | next hops are of no use (an older |                       |                                                          |
 * | Neutron): two routers' routes     |                       |                                                          |
 * | would be such a one               |                       |                                                          |
 * | any of these, where an active     | the route             | has the prefix, or another has it: one that is passive   |
 * | address says which router is to   |                       | may not forward what it gets                             |
 * | forward                           |                       |                                                          |
 */

import type { CloudRoute, CloudTraits } from "../clouds/cloud.ts";
import { parsePrefix } from "../routes/prefix.ts";
import {
  decide,
  type GroupDecision,
  ownNextHops,
  type PrefixMemory,
  remember,
  sharedNextHops,
  type Want,
} from "./group.ts";
import type { Members } from "./group_members.ts";
import { fold, type PeerRoute, type TableIndex } from "./ownership.ts";
import { chooseNextHops, type Outcome, sameNextHops, type Target } from "./planned_change.ts";

/** What is known of the group. */
export interface GroupInput {
  readonly members: Members;
  /** Whether the active address is on another router. */
  readonly passive: boolean;
  /** Whether an active address says which router has the prefixes, so that no two are to have one together. */
  readonly oneActive: boolean;
  /** What is remembered of a canonical prefix. */
  readonly memoryOf: (prefix: string) => PrefixMemory;
}

/** The table, and what its cloud takes. */
export interface GroupTable {
  readonly index: TableIndex;
  readonly traits: Pick<CloudTraits, "nextHopsPerRoute" | "nextHopsOf" | "ownership" | "uniquePrefix">;
}

/** What becomes of a prefix; no outcome: what becomes of `target` as if this router were alone. */
export interface GroupOutcome {
  readonly memory: PrefixMemory;
  readonly outcome: Outcome | null;
  /** What is this router's to write there. */
  readonly target: Target | undefined;
}

/** Decides on one prefix. @param target undefined: nothing is wanted. */
export function groupOutcome(
  key: string,
  target: Target | undefined,
  group: GroupInput,
  input: GroupTable,
): GroupOutcome {
  const { members, passive, oneActive, memoryOf } = group;
  const { index: { own, peers, dead }, traits } = input;
  const mine = own.get(key);
  const theirs = peers.get(key);
  const standing = (mine ?? theirs?.route)?.nextHops ?? [];
  const prefix = target?.prefix ?? parsePrefix(key);
  const most = traits.nextHopsOf?.(prefix) ?? traits.nextHopsPerRoute;
  const wanted = passive ? "passive" : wantOf(target, standing, members, most);
  const memory = remember(memoryOf(key), wanted, mine !== undefined, oneActive && !passive);
  const left = (decision: GroupDecision & { act: false }): GroupOutcome => ({
    memory,
    target,
    outcome: decision.verdict === "nothing" || target === undefined
      ? { is: "nothing" }
      : { is: "left", prefix, verdict: decision.verdict },
  });
  // What stands at a passive router beside this one's goes by the rules by which this one would take it.
  const alongside = oneActive && !traits.uniquePrefix && wanted === "self" && mine !== undefined &&
    theirs !== undefined;
  const decision = decide({
    ...members,
    wanted,
    standsAt: mine === undefined || alongside ? theirs?.peer ?? null : null,
    standsHere: mine !== undefined,
    dead,
    memory,
  });
  if (!decision.act && decision.verdict === "passive") return left(decision);
  if (!oneActive && standTogether(traits, most)) {
    const mine = ownPart(target, members);
    const outcome = traits.uniquePrefix
      ? inSharedSet(key, mine, members, most, input)
      : besideOthers(key, mine, input);
    return { memory, outcome, target: mine };
  }
  if (alongside) {
    return { memory, target, outcome: decision.act ? withoutDead(target, mine, theirs) : null };
  }
  if (!decision.act) return left(decision);
  if (decision.takesFrom === null || theirs === undefined) {
    return {
      memory,
      target,
      outcome: typeof wanted === "object" && mine !== undefined ? handOver(target, mine, most) : null,
    };
  }
  return { memory, target, outcome: take(target, theirs.route, decision.takesFrom, most) };
}

/** Whether several routers have a prefix at once. Routes that marks tell apart are routes of their own, however many next hops one takes. */
function standTogether({ uniquePrefix, ownership }: GroupTable["traits"], most: number): boolean {
  return most > 1 || (!uniquePrefix && ownership === "mark");
}

/** What is wanted at a prefix; of several next hops the one that stands counts, as without a group. */
function wantOf(
  target: Target | undefined,
  standing: readonly string[],
  { self, peers }: Members,
  most: number,
): Want {
  if (target === undefined) return "nothing";
  const hops = chooseNextHops(target, standing, most);
  if (hops.some((hop) => self.nextHops.includes(hop))) return "self";
  const peer = peers.find(({ nextHops }) => hops.every((hop) => nextHops.includes(hop)));
  return peer === undefined ? "other" : { peer: peer.address.text };
}

function handOver(target: Target | undefined, from: CloudRoute, most: number): Outcome | null {
  if (target === undefined || sameNextHops(target.nextHops, from.nextHops)) return null;
  const { prefix } = target;
  return {
    is: "change",
    change: {
      action: "replace",
      prefix,
      from,
      to: chooseNextHops(target, from.nextHops, most),
      why: "handed-over",
    },
  };
}

function take(
  target: Target | undefined,
  from: CloudRoute,
  takesFrom: string,
  most: number,
): Outcome {
  const { prefix } = from;
  return target === undefined
    ? { is: "change", change: { action: "delete", prefix, from, to: null, why: "not-wanted", takesFrom } }
    : {
      is: "change",
      change: {
        action: "replace",
        prefix,
        from,
        to: chooseNextHops(target, from.nextHops, most),
        why: "taken-over",
        takesFrom,
      },
    };
}

/** What is wanted without the next hops of peers; they may have been all. */
function ownPart(target: Target | undefined, { self, peers }: Members): Target | undefined {
  return target && { ...target, nextHops: ownNextHops(target.nextHops, self, peers) };
}

/** Where a prefix may stand several times: next hops of peers are the peers' own routes. @param target this router's part. */
function besideOthers(key: string, target: Target | undefined, { index }: GroupTable): Outcome | null {
  const ofDead = index.ofDead.get(key);
  if (ofDead !== undefined && target?.nextHops.length !== 0) {
    return withoutDead(target, index.own.get(key), ofDead);
  }
  if (target === undefined || target.nextHops.length > 0) return null;
  const mine = index.own.get(key);
  const { prefix } = target;
  if (mine === undefined) return { is: "left", prefix, verdict: "peer" };
  // Handed over without a gap: this router's route goes once the peer's stands.
  if (!index.peers.has(key)) return { is: "kept" };
  return { is: "change", change: { action: "delete", prefix, from: mine, to: null, why: "handed-over" } };
}

/** This router's own goes or comes as wanted, and what points at a peer that is dead, or passive, goes. */
function withoutDead(
  target: Target | undefined,
  own: CloudRoute | undefined,
  { route, peer: takesFrom }: PeerRoute,
): Outcome {
  const from = own === undefined ? route : fold(own, route);
  const { prefix } = from;
  if (target === undefined) {
    return {
      is: "change",
      change: { action: "delete", prefix, from, to: null, why: "not-wanted", takesFrom },
    };
  }
  const to = target.nextHops;
  return { is: "change", change: { action: "replace", prefix, from, to, why: "taken-over", takesFrom } };
}

/**
 * Where one route has the next hops of all: this router's comes and goes, those of living peers stay.
 *
 * @param target this router's part.
 */
function inSharedSet(
  key: string,
  target: Target | undefined,
  { self, peers }: Members,
  most: number,
  { index }: GroupTable,
): Outcome | null {
  const from = index.own.get(key) ?? index.peers.get(key)?.route;
  if (from === undefined) {
    if (target === undefined || target.nextHops.length > 0) return null;
    return { is: "left", prefix: target.prefix, verdict: "peer" };
  }
  const { prefix } = from;
  const deadHops = new Set(
    peers.flatMap((peer) => index.dead.has(peer.address.text) ? peer.nextHops : []),
  );
  const signer = peers.find(({ address }) => address.text === from.writer?.address?.text);
  const isSignedByPeer = signer !== undefined && !index.dead.has(signer.address.text) &&
    signer.nextHops.some((hop) => from.nextHops.includes(hop));
  const to = sharedNextHops(from.nextHops, target?.nextHops ?? [], self, peers, deadHops, isSignedByPeer)
    .slice(0, most);
  const ofPeers = to.filter((hop) => peers.some(({ nextHops }) => nextHops.includes(hop)));
  const dead = peers.find((peer) =>
    deadHops.size > 0 && from.nextHops.some((hop) => deadHops.has(hop) && peer.nextHops.includes(hop))
  );
  const takesFrom = dead === undefined ? {} : { takesFrom: dead.address.text };
  if (sameNextHops(from.nextHops, to)) {
    if (from.unsigned === true) {
      return { is: "change", change: { action: "replace", prefix, from, to, ofPeers, why: "signed" } };
    }
    if (index.own.has(key)) return { is: "kept" };
    return target === undefined ? { is: "nothing" } : { is: "left", prefix, verdict: "peer" };
  }
  if (to.length === 0) {
    return {
      is: "change",
      change: { action: "delete", prefix, from, to: null, why: "not-wanted", ...takesFrom },
    };
  }
  const why = dead === undefined ? "next-hop-changed" : "taken-over";
  return { is: "change", change: { action: "replace", prefix, from, to, ofPeers, why, ...takesFrom } };
}
