/**
 * Which router of the group a route belongs to. Pure.
 *
 * It goes by where a route points, and then by who wrote it. The first row that fits decides:
 *
 * | it points at                         | its mark names             | it belongs to                                            |
 * | ------------------------------------ | -------------------------- | -------------------------------------------------------- |
 * | this VM, and perhaps others          | this owner                 | this router                                              |
 * | other members alone                  | this owner                 | the member                                               |
 * | no member                            | this router                | this router                                              |
 * | no member                            | another router             | that router                                              |
 * | what this router's kernel has or had | no router (version 1.0)    | this router, which rewrites the mark: version 1.0        |
 * | as a gateway in this run             |                            | has written it here                                      |
 * | anything else                        | no router (version 1.0)    | whoever it points at: that may be a router of version    |
 * |                                      |                            | 1.0. It is left until the cloud says that it is dead     |
 *
 * Members are the routers that `-peer` names, each that a mark of this owner names, and what the last row is about. Where routes carry
 * no mark the first two rows are all: `-peer` names the members, and the ledger says what else is this router's.
 */

import type { CloudRoute, CloudTraits, Sign } from "../clouds/cloud.ts";
import { addressOrNull, type IpAddress } from "../routes/prefix.ts";
import type { Member } from "./group.ts";

/** This router, where marks name the router that wrote a route. */
export interface SelfMarks {
  readonly sign: Sign;
  /** Each thing that routes to this VM point at. */
  readonly hops: ReadonlySet<string>;
  /** What this router's kernel has had as gateways in the cloud's network since the program was started, in the cloud's own ids. */
  readonly gateways: ReadonlySet<string>;
}

/** What decides. */
export interface HolderRule {
  readonly owner: string;
  readonly traits: Pick<CloudTraits, "ownership">;
  readonly peers: readonly Member[];
  readonly self?: SelfMarks;
}

/** The address, or where it is not known another name, of the peer that a route belongs to; null: it is no peer's. */
export function peerOf(route: CloudRoute, rule: HolderRule): string | null {
  const { peers, self } = rule;
  const { nextHops, writer } = route;
  if (!mayBeOfGroup(route, rule) || nextHops.some((hop) => self?.hops.has(hop) === true)) return null;
  const holder = peers.find((peer) => peer.nextHops.includes(nextHops[0] ?? ""));
  const isMembers = nextHops.every((hop) => peers.some((peer) => peer.nextHops.includes(hop)));
  if (holder !== undefined && isMembers) return holder.address.text;
  if (self === undefined) return null;
  if (writer !== undefined) return writer.id === self.sign.id ? null : writer.address?.text ?? writer.id;
  return nextHops.some((hop) => self.gateways.has(hop)) ? null : nextHops[0] ?? null;
}

/** Whether a route is one of this owner's, as far as its mark tells. */
function mayBeOfGroup({ fixed, nextHops, owner }: CloudRoute, rule: HolderRule): boolean {
  if (fixed === true || nextHops.length === 0) return false;
  return rule.traits.ownership === "ledger" || owner === rule.owner;
}

/**
 * The members that the marks of a table name, and the routers of version 1.0 that its routes point at.
 *
 * @param known those that `-peer` names: of them the marks tell what else routes to them point at.
 */
export function withMarked(
  known: readonly Member[],
  routes: readonly CloudRoute[],
  rule: Pick<HolderRule, "owner"> & { readonly self: SelfMarks },
): readonly Member[] {
  const { self } = rule;
  const members = new Map(known.map((member) => [member.address.text, member]));
  const add = (address: IpAddress, nextHops: readonly string[]): void => {
    if (self.hops.has(address.text)) return;
    const before = members.get(address.text) ?? { address, rank: null, nextHops: [] };
    const all = new Set([address.text, ...before.nextHops, ...nextHops]);
    if (all.size > before.nextHops.length) members.set(address.text, { ...before, nextHops: [...all] });
  };
  for (const { owner, writer, sharedWith, nextHops } of routes) {
    if (owner !== rule.owner) continue;
    for (const address of sharedWith ?? []) add(address, []);
    if (writer === undefined) addPointedAt(nextHops, self, add);
    else if (writer.id !== self.sign.id && writer.address !== null) add(writer.address, writer.nextHops);
  }
  return [...members.values()];
}

/** What a route of version 1.0 points at, unless it is this router's own. */
function addPointedAt(
  nextHops: readonly string[],
  self: SelfMarks,
  add: (address: IpAddress, nextHops: readonly string[]) => void,
): void {
  if (nextHops.some((hop) => self.hops.has(hop) || self.gateways.has(hop))) return;
  for (const address of nextHops.flatMap((hop) => addressOrNull(hop) ?? [])) add(address, []);
}
