/** The state of the other routers of a group as far as this one knows it, and how it knows. Pure. */

import type { ProbedPeer } from "./peer_probes.ts";

/** One other router of the group. */
export interface PeerStatus {
  /** Its address in the cloud network. */
  readonly address: string;
  /**
   * `dead`: the cloud says so. `suspect`: it does not answer `-peer-probe`, and the cloud does not say that it is dead. `alive`: it
   * answers. `unknown`: nothing is known of it, as without `-peer-probe` while it is not dead.
   */
  readonly state: "alive" | "suspect" | "dead" | "unknown";
  /** Since when, in milliseconds since the epoch; null where it is unknown. */
  readonly since: number | null;
  /** How that is known, for people. */
  readonly why: string;
}

/** A peer as one table's group sees it. */
export interface SeenPeer {
  readonly address: string;
  /** Why and since when the cloud says that it is dead, in milliseconds since the epoch; null: it does not say so. */
  readonly dead: { readonly cause: string; readonly since: number } | null;
}

/** A probe as far as its answers go. */
interface Answers {
  readonly name: string;
  of(address: string): ProbedPeer | null;
}

/** What the groups of all tables and the probe know together, by address. @param probe null: none was asked for, or possible. */
export function peerStatuses(seen: readonly SeenPeer[], probe: Answers | null): readonly PeerStatus[] {
  const peers = new Map<string, SeenPeer>();
  for (const peer of seen) {
    if (peer.dead !== null || !peers.has(peer.address)) peers.set(peer.address, peer);
  }
  return [...peers.values()].sort((left, right) => left.address < right.address ? -1 : 1)
    .map((peer) => statusOf(peer, probe));
}

function statusOf({ address, dead }: SeenPeer, probe: Answers | null): PeerStatus {
  if (dead !== null) {
    return { address, state: "dead", since: dead.since, why: `the cloud says: ${dead.cause}` };
  }
  if (probe === null) {
    return { address, state: "unknown", since: null, why: "the cloud does not say that it is dead" };
  }
  const probed = probe.of(address);
  if (probed === null) {
    return { address, state: "unknown", since: null, why: `it has not been probed by ${probe.name} yet` };
  }
  return probed.answers
    ? { address, state: "alive", since: probed.since, why: `it answers ${probe.name}` }
    : {
      address,
      state: "suspect",
      since: probed.since,
      why: `it does not answer ${probe.name}; the cloud does not say that it is dead`,
    };
}
