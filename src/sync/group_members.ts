/** The routers of a group, with what routes to each of them point at. */

import type { CloudConnection, CloudIdentity, CloudTraits } from "../clouds/cloud.ts";
import type { IpAddress } from "../routes/prefix.ts";
import type { Member } from "./group.ts";

/** `-peer`, `-rank` and `-active-address`. */
export interface GroupSettings {
  /** The other routers; none: this router is alone. */
  readonly peers: readonly PeerSettings[];
  /** `-rank`, 0 or more, lower outranks; null: the addresses decide. */
  readonly rank: number | null;
  /** This router changes routes only while one of its interfaces has this address; null: always. */
  readonly activeAddress: IpAddress | null;
}

/** One `-peer ADDRESS@RANK`. */
export interface PeerSettings {
  readonly address: IpAddress;
  readonly rank: number | null;
}

/** The routers of a group. */
export interface Members {
  readonly self: Member;
  readonly peers: readonly Member[];
}

/**
 * Finds what routes to the members point at.
 *
 * @param before what was known: a peer that the cloud does not know any more keeps what routes to it point at, since they still stand.
 * @throws {CloudError} if the cloud does not answer.
 */
export async function findMembers(
  settings: GroupSettings,
  identity: CloudIdentity,
  connection: Pick<CloudConnection, "resolve" | "forget">,
  traits: Pick<CloudTraits, "routesNameAddresses">,
  before: Members | null,
  signal: AbortSignal,
): Promise<Members> {
  const peers = settings.peers.filter(({ address }) => !isSelf(address, identity));
  // A rebuilt router may have the address on another interface than the cloud's cache remembers.
  connection.forget(peers.map(({ address }) => address));
  const found = await connection.resolve(
    peers.map(({ address }) => ({ gateway: address, family: address.family })),
    signal,
  );
  return {
    self: selfOf(settings, identity),
    peers: peers.map(({ address, rank }, index) => ({
      address,
      rank,
      nextHops: hopsOf(
        found[index] ?? (traits.routesNameAddresses === true ? address.text : null),
        before?.peers.find((peer) => peer.address.text === address.text),
      ),
    })),
  };
}

/** A peer that was found again keeps its former ids too: routes to them may still stand. */
function hopsOf(found: string | null, before: Member | undefined): readonly string[] {
  return [...new Set([...(found === null ? [] : [found]), ...(before?.nextHops ?? [])])];
}

/** One list of peers may be given to all routers of a group, this one included. */
function isSelf(address: IpAddress, { attachments }: Pick<CloudIdentity, "attachments">): boolean {
  return attachments.some(({ addresses }) => addresses.some(({ text }) => text === address.text));
}

function selfOf({ rank }: GroupSettings, { attachments, self }: CloudIdentity): Member {
  const [address] = attachments.flatMap(({ addresses }) => addresses);
  if (address === undefined) throw new Error("This VM has no address in the cloud network");
  const nextHops = [self[4], self[6]].filter((hop) => hop !== null);
  return { address, rank, nextHops };
}
