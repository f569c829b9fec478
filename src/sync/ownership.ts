/**
 * Whose route is it: splits what a table has into what is provably ours and what is foreign.
 *
 * A route is ours by its own mark where the cloud has marks, by a claim in the ledger where it has none. Everything that
 * cannot be proven is foreign, and foreign routes are never touched.
 */

import { finish, itemsAStep, type Steps } from "../async/steps.ts";
import type { CloudRoute, CloudTraits, TableState } from "../clouds/cloud.ts";
import type { Member } from "./group.ts";
import { peerOf, type SelfMarks } from "./route_holder.ts";

/** What the ledger says of one prefix. */
export interface Claim {
  /** The next hops that we wrote, or were about to write. */
  readonly nextHops: readonly string[];
  /** Whether the write was seen to have taken effect. Until then a crash may have left it undone. */
  readonly confirmed: boolean;
}

/** Claims by canonical prefix. */
export type Claims = ReadonlyMap<string, Claim>;

/** How ownership is decided for a table. `claims` is empty where marks decide. */
export interface OwnershipRule {
  readonly owner: string;
  readonly traits: Pick<CloudTraits, "ownership" | "uniquePrefix">;
  readonly claims: Claims;
  /** The other routers of the group; none: this router is alone. */
  readonly peers: readonly Member[];
  /** Addresses of those of which the cloud said, when it was asked, that they are dead. */
  readonly dead: ReadonlySet<string>;
  /** This router, where marks name the router that wrote a route. */
  readonly self?: SelfMarks;
}

/** A route that belongs to another router of the group. */
export interface PeerRoute {
  readonly route: CloudRoute;
  /** The peer's address. */
  readonly peer: string;
}

/** A table's routes by canonical prefix. */
export interface TableIndex {
  /** Ours; several routes of one prefix are folded into one that has all their next hops. */
  readonly own: ReadonlyMap<string, CloudRoute>;
  readonly foreign: ReadonlyMap<string, readonly CloudRoute[]>;
  readonly foreignCount: number;
  /** Those that point at another router of the group and at nothing else: its own, whoever wrote them. */
  readonly peers: ReadonlyMap<string, PeerRoute>;
  /** Of these, where a prefix can stand several times, the routes of peers that are dead. */
  readonly ofDead: ReadonlyMap<string, PeerRoute>;
  /** Addresses of the peers of which the cloud says that they are dead, or that packets of all their routes are dropped. */
  readonly dead: ReadonlySet<string>;
}

/** Splits a table at once; see {@linkcode indexing}. */
export function indexTable(state: TableState, rule: OwnershipRule): TableIndex {
  return finish(indexing(state, rule));
}

/** Splits a table by ownership. */
export function* indexing(state: TableState, rule: OwnershipRule): Steps<TableIndex> {
  const own = new Map<string, CloudRoute>();
  const foreign = new Map<string, CloudRoute[]>();
  const peers = new Map<string, PeerRoute>();
  const beside: (readonly [prefix: string, route: PeerRoute])[] = [];
  const dropped = new Set<string>();
  const standing = new Set<string>();
  let foreignCount = 0;
  let looked = 0;
  for (const route of state.routes) {
    if (++looked % itemsAStep === 0) yield;
    const key = route.prefix.text;
    const peer = peerOf(route, rule);
    if (peer !== null) {
      (route.blackhole === true ? dropped : standing).add(peer);
      addPeerRoute(peers, key, { peer, route });
      if (!rule.traits.uniquePrefix) beside.push([key, { peer, route }]);
    } else if (isOwn(route, rule)) {
      const other = own.get(key);
      const mine = isUnsigned(route, rule) ? { ...route, unsigned: true } : route;
      own.set(key, other === undefined ? mine : fold(other, mine));
    } else {
      foreignCount++;
      const others = foreign.get(key);
      if (others === undefined) foreign.set(key, [route]);
      else others.push(route);
    }
  }
  // A router that was rebuilt has its former routes, which are dropped, beside those that it has now.
  const dead = dropped.difference(standing).union(rule.dead);
  const ofDead = new Map<string, PeerRoute>();
  for (const [key, route] of beside) if (dead.has(route.peer)) addPeerRoute(ofDead, key, route);
  return { own, foreign, foreignCount, peers, ofDead, dead };
}

function addPeerRoute(routes: Map<string, PeerRoute>, key: string, { peer, route }: PeerRoute): void {
  const other = routes.get(key);
  routes.set(key, { peer, route: other === undefined ? route : fold(other.route, route) });
}

/**
 * Whether a route is provably ours.
 *
 * By ledger: a confirmed claim of a prefix that can stand only once covers whatever the route points at now, so that a route
 * which somebody retargeted is put right. An unconfirmed one covers only the next hops it names: between claim and call we
 * may have died, and an operator's hand may have come first.
 */
export function isOwn(route: CloudRoute, rule: OwnershipRule): boolean {
  if (route.fixed === true) return false;
  if (route.abandoned === true) return true;
  if (rule.traits.ownership === "mark") return route.owner === rule.owner;
  const claim = rule.claims.get(route.prefix.text);
  if (claim === undefined) return false;
  if (rule.traits.uniquePrefix && claim.confirmed) return true;
  return route.nextHops.length > 0 && route.nextHops.every((hop) => claim.nextHops.includes(hop));
}

/** Whether a route that can be changed points at this VM, and at nothing else. */
export function pointsAt({ fixed, nextHops }: CloudRoute, selfIds: readonly string[]): boolean {
  return fixed !== true && nextHops.length > 0 && nextHops.every((hop) => selfIds.includes(hop));
}

/**
 * The claims to start with when the ledger is lost: routes that point at this VM, and at nothing else.
 *
 * @param proven whether it is certain that we have written to this table before. That the table is our own proves nothing of its
 * routes: it was born with those that the subnet's former table had, and some of them may point at this VM. Without that proof only routes that are wanted as they stand are taken, which changes nothing in the cloud:
 * an operator's own route to this VM is not to be withdrawn on the day the program is installed.
 * @param isWanted whether a route is wanted just as it stands.
 */
export function recoverClaims(
  state: TableState,
  selfIds: readonly string[],
  proven: boolean,
  isWanted: (route: CloudRoute) => boolean,
): ReadonlyMap<string, Claim> {
  const claims = new Map<string, Claim>();
  for (const route of state.routes) {
    if (pointsAt(route, selfIds) && (proven || isWanted(route))) {
      claims.set(route.prefix.text, { nextHops: route.nextHops, confirmed: true });
    }
  }
  return claims;
}

/**
 * Whether a route of ours is to be given a mark that names this router: version 1.0 wrote it and where it points does not say whose all
 * of it is, or another router did, to which this one may be unknown.
 */
function isUnsigned({ writer, sharedWith, nextHops }: CloudRoute, { self }: OwnershipRule): boolean {
  if (self === undefined) return false;
  if (writer === undefined) return !nextHops.every((hop) => self.hops.has(hop));
  const isNamed = (sharedWith ?? []).some(({ text }) => self.hops.has(text));
  return writer.id !== self.sign.id && writer.address !== null && !isNamed;
}

/** Several routes of a prefix as one; to be signed if one of them is, so that what another router wrote goes beside this one's own. */
export function fold(left: CloudRoute, right: CloudRoute): CloudRoute {
  const nextHops = [...new Set([...left.nextHops, ...right.nextHops])].sort();
  const ids = [...idsOf(left), ...idsOf(right)];
  const unsigned = left.unsigned === true || right.unsigned === true;
  return { ...left, nextHops, ...(ids.length === 0 ? {} : { ids }), ...(unsigned ? { unsigned } : {}) };
}

function idsOf({ id, ids }: CloudRoute): readonly string[] {
  return ids ?? (id === undefined ? [] : [id]);
}
