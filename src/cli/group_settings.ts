/** `-peer`, `-rank` and `-active-address`: the routers that share a table. */

import { parseAddress } from "../routes/prefix.ts";
import type { PeerSettings } from "../sync/group_members.ts";

/** The highest rank. */
const highestRank = 65535;

/**
 * Reads `ADDRESS` or `ADDRESS@RANK`.
 *
 * @throws {SyntaxError} naming what is wrong.
 */
export function parsePeer(text: string): PeerSettings {
  const [address = "", rank, ...rest] = text.split("@");
  if (rest.length > 0) throw new SyntaxError(`"${text}" is neither ADDRESS nor ADDRESS@RANK`);
  return { address: parseAddress(address), rank: rank === undefined ? null : parseRank(rank) };
}

/** Reads a rank. @throws {RangeError} naming the range. */
export function parseRank(text: string): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(value <= highestRank)) {
    throw new RangeError(`rank "${text}" is not a whole number from 0 to ${highestRank}`);
  }
  return value;
}

/**
 * What keeps ranks from deciding: two routers that each know only their own would both take every prefix.
 *
 * @returns a sentence for each contradiction.
 */
export function rankFaults(rank: number | null, peers: readonly PeerSettings[]): readonly string[] {
  const known = peers.filter((peer) => peer.rank !== null);
  if (rank !== null && peers.length === 0) {
    return ["Flag -rank needs -peer: a router that is alone has no rank"];
  }
  if ((rank === null) === (known.length === 0) && (rank === null || known.length === peers.length)) return [];
  return [
    "Flag -rank needs the rank of each peer, and they need this one's: give all routers -rank N and -peer ADDRESS@N, or none",
  ];
}
