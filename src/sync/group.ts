/**
 * Routers that share a table without a leader: what this router may do at one prefix. Pure.
 *
 * A route belongs to the member that it points at; one that points at no member belongs to the member whose mark it bears, and
 * without a mark to the one whose ledger claims it. What a member wants is what its kernel says: itself, a peer, or nothing.
 *
 * | wants            | belongs to   | evidence                                         | decision                              |
 * | ---------------- | ------------ | ------------------------------------------------ | ------------------------------------- |
 * | anything         | self, nobody | -                                                | act, as a router that is alone does   |
 * | nothing          | a peer       | the cloud says that the peer is dead             | act: delete, after the usual hold     |
 * | nothing          | a peer       | none                                             | leave: only its own router removes it |
 * | self             | a peer       | the cloud says that the peer is dead             | act: replace                          |
 * | self             | a peer       | the kernel's best route flipped from it to self  | act: replace                          |
 * | self             | a peer       | this router came to want it while it has the     | act: replace                          |
 * |                  |              | group's active address: the peers are passive    |                                       |
 * | self             | a peer       | this router outranks it and held the prefix      | act: replace                          |
 * | self             | a peer       | it wrote again after this router had taken over  | leave, `standby`: its write proves    |
 * |                  |              |                                                  | that it lives                         |
 * | self             | a peer       | none of these                                    | leave, `standby`                      |
 * | a peer           | self         | -                                                | act: replace, handed over with no gap |
 * | a peer           | nobody       | -                                                | leave, `peer`: it writes what points  |
 * |                  |              |                                                  | at it                                 |
 * | a peer           | a peer       | -                                                | leave, `peer`                         |
 * | not known while  | anybody      | -                                                | leave, `passive`                      |
 * | it is passive    |              |                                                  |                                       |
 *
 * The rank decides between two routers that both live: the lower number outranks, the lower address where numbers are equal or one
 * is not known, so that both come to the same result. A router takes a prefix from a living peer once for each change of its kernel,
 * and once more if it outranks it; then it yields. So two routers that were given contradictory ranks come to rest.
 */

import { compareAddresses, type IpAddress } from "../routes/prefix.ts";

/** A router of the group. */
export interface Member {
  /** Its address in the cloud network; the member's name. */
  readonly address: IpAddress;
  /** `-rank`, or what its mark or `-peer ADDRESS@RANK` says; null where it is not known. */
  readonly rank: number | null;
  /** What routes to it point at, in the cloud's own ids. */
  readonly nextHops: readonly string[];
}

/**
 * What a router wants at a prefix: itself, a peer, something that is no member, or nothing. `passive`: its `-active-address` is on
 * another router, so that it leaves all as it is.
 */
export type Want = "self" | "other" | "nothing" | "passive" | { readonly peer: string };

/** What is remembered of one prefix from one look to the next. */
export interface PrefixMemory {
  readonly wanted: Want;
  /**
   * The peer that the kernel's best route went by before it went by this router, or {@linkcode anyPeer} where this router was passive
   * before, or has the active address; null once that is used up.
   */
  readonly flippedFrom: string | null;
  /** Whether the prefix stood at this router before. */
  readonly held: boolean;
  /** The peer from which this router took the prefix last, and how often since the kernel changed last. */
  readonly tookFrom: string | null;
  readonly takes: number;
}

/** Stands for each peer: the active address came here, so none of them has it any more. */
export const anyPeer = "*";

/** Nothing is known of a prefix. */
export const noMemory: PrefixMemory = {
  wanted: "nothing",
  flippedFrom: null,
  held: false,
  tookFrom: null,
  takes: 0,
};

/** What to do at a prefix. */
export type GroupDecision =
  | { readonly act: true; readonly takesFrom: string | null }
  | { readonly act: false; readonly verdict: GroupVerdict | "nothing" };

/** Why a prefix is left to another router. */
export type GroupVerdict = "standby" | "peer" | "passive";

/** One prefix as it stands. */
export interface GroupCase {
  readonly self: Member;
  readonly peers: readonly Member[];
  readonly wanted: Want;
  /** Address of the peer that the standing route belongs to; null: this router's, nobody's, or there is none. */
  readonly standsAt: string | null;
  /** Whether the standing route is this router's. */
  readonly standsHere: boolean;
  /** Peers, by address, that the cloud itself says are dead. */
  readonly dead: ReadonlySet<string>;
  readonly memory: PrefixMemory;
}

/**
 * Takes in what kernel and table say now; call it before {@linkcode decide}.
 *
 * @param hasActiveAddress whether the group has an active address, and it is on this router: none of the peers has it then.
 */
export function remember(
  memory: PrefixMemory,
  wanted: Want,
  standsHere: boolean,
  hasActiveAddress = false,
): PrefixMemory {
  const held = wanted === "self" && (standsHere || memory.held);
  if (sameWant(memory.wanted, wanted)) return { ...memory, held };
  return {
    wanted,
    flippedFrom: wanted !== "self" ? null : hasActiveAddress ? anyPeer : flipOf(memory.wanted),
    held,
    tookFrom: null,
    takes: 0,
  };
}

/** From whom the kernel's best route came to this router. */
function flipOf(before: Want): string | null {
  if (before === "passive") return anyPeer;
  return typeof before === "object" ? before.peer : null;
}

/** Takes in that this router's write was accepted. */
export function rememberTake(memory: PrefixMemory, from: string): PrefixMemory {
  return { ...memory, held: true, flippedFrom: null, tookFrom: from, takes: memory.takes + 1 };
}

/** One row of the table above. */
export function decide(the: GroupCase): GroupDecision {
  const { wanted, standsAt, standsHere } = the;
  if (wanted === "passive") return { act: false, verdict: "passive" };
  if (standsAt === null) {
    const peersBusiness = typeof wanted === "object" && !standsHere;
    return peersBusiness ? { act: false, verdict: "peer" } : { act: true, takesFrom: null };
  }
  const take: GroupDecision = { act: true, takesFrom: standsAt };
  if (wanted === "nothing") return the.dead.has(standsAt) ? take : { act: false, verdict: "nothing" };
  if (typeof wanted === "object") return { act: false, verdict: "peer" };
  return mayTake(the, standsAt) ? take : { act: false, verdict: "standby" };
}

/** Whether a router may take a prefix that stands at a peer. */
function mayTake({ self, peers, dead, memory }: GroupCase, from: string): boolean {
  if (dead.has(from)) return true;
  const peer = peers.find(({ address }) => address.text === from);
  const outranks = peer !== undefined && isOutranked(peer, self);
  const wroteAgain = memory.tookFrom === from;
  if (wroteAgain) return outranks && memory.takes < mostTakes;
  return memory.flippedFrom === from || memory.flippedFrom === anyPeer || (outranks && memory.held);
}

/** A router takes a prefix from a living peer so often for one change of its kernel. */
const mostTakes = 2;

/** Whether `other` outranks `member`. Both routers come to the same result: an unknown rank counts on neither side. */
export function isOutranked(member: Member, other: Member): boolean {
  if (member.rank !== null && other.rank !== null && member.rank !== other.rank) {
    return other.rank < member.rank;
  }
  return compareAddresses(other.address, member.address) < 0;
}

/**
 * The next hops of a route that several members share, as this router leaves them: the peers' as they stand but for the dead, and its
 * own if it wants it. Those that are no member's are the business of the member whose mark the route bears, as long as it has one of its own in it.
 *
 * @param standing what stands in the cloud.
 * @param wanted the next hops that this router's kernel asks for; those of peers are the peers' business.
 * @param deadHops what routes to peers that the cloud says are dead point at.
 * @param isSignedByPeer whether the route bears the mark of a living peer that has a next hop in it.
 */
export function sharedNextHops(
  standing: readonly string[],
  wanted: readonly string[],
  self: Member,
  peers: readonly Member[],
  deadHops: ReadonlySet<string>,
  isSignedByPeer = false,
): readonly string[] {
  const ofPeers = new Set(peers.flatMap(({ nextHops }) => nextHops));
  const isSelf = (hop: string): boolean => self.nextHops.includes(hop);
  const kept = standing.filter((hop) =>
    ofPeers.has(hop) ? !deadHops.has(hop) : isSignedByPeer && !isSelf(hop)
  );
  const own = ownNextHops(wanted, self, peers).filter((hop) => isSelf(hop) || !isSignedByPeer);
  return [...new Set([...kept, ...own])].sort();
}

/** Those of the next hops that are this router's business: what points at a peer the peer writes. */
export function ownNextHops(
  wanted: readonly string[],
  self: Member,
  peers: readonly Member[],
): readonly string[] {
  const ofPeers = new Set(peers.flatMap(({ nextHops }) => nextHops));
  return wanted.filter((hop) => self.nextHops.includes(hop) || !ofPeers.has(hop));
}

function sameWant(left: Want, right: Want): boolean {
  if (typeof left === "object" && typeof right === "object") return left.peer === right.peer;
  return left === right;
}
