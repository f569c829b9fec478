/**
 * What to change in a table, and in which order. Pure: no clock, no network.
 *
 * What becomes of one prefix:
 *
 * | wanted        | ours in the cloud | foreign at that prefix     | outcome                                              |
 * | ------------- | ----------------- | -------------------------- | ---------------------------------------------------- |
 * | no            | no                | any                        | nothing                                              |
 * | no            | yes               | any                        | delete ours                                          |
 * | yes           | no                | no                         | add                                                  |
 * | yes           | no                | yes                        | conflict: reported, nothing written                  |
 * | yes           | no                | another instance's, where  | add: each instance has a route of its own            |
 * |               |                   | a prefix can stand twice   |                                                      |
 * | yes, -adopt   | no                | yes                        | replace the foreign one; claim it if it is as wanted |
 * | yes, -adopt   | no                | one that bears another     | conflict: what another instance proves its own is    |
 * |               |                   | instance's mark            | never taken over                                     |
 * | yes, -adopt   | no                | one that the cloud put     | add: ours goes before it                             |
 * |               |                   | there by itself            |                                                      |
 * | yes           | same next hops    | any                        | kept                                                 |
 * | yes           | other next hops   | any                        | replace ours                                         |
 * | yes           | other next hops   | one that has them, and     | delete ours, or leave out what the foreign one has:  |
 * |               |                   | only the ledger tells      | once written, nobody could tell whose it is          |
 * | not known yet | any               | any                        | left as it is: a failed look-up withdraws nothing    |
 *
 * The order: replaces, then adds, then deletes, so that no prefix is without a route longer than it must be; within each the
 * more specific before what covers them. Only when a quota leaves no room is what needs places put behind what frees them.
 *
 * Places that a change takes in a quota (more than it frees) or frees:
 *
 * | a place is            | add             | replace                           | delete            |
 * | --------------------- | --------------- | --------------------------------- | ----------------- |
 * | a route               | takes 1         | none                              | frees 1           |
 * | each next hop (ECMP   | takes one a hop | takes one for each hop it has     | frees one a hop   |
 * | on GCP and OpenStack) |                 | more, frees one for each less     |                   |
 * | the same, and routes  | as above        | the same, and needs one place     | as above          |
 * | cannot be changed     |                 | a new hop free while it is made   |                   |
 */

import type { Change, CloudQuota, CloudRoute, CloudTraits } from "../clouds/cloud.ts";
import { compareMoreSpecificFirst, comparePrefixes, type Prefix, prefixContains } from "../routes/prefix.ts";
import type { TableIndex } from "./ownership.ts";

/** A wanted route with its next hops in the cloud's own ids. */
export interface Target {
  readonly prefix: Prefix;
  /** At least one, the preferred first. */
  readonly nextHops: readonly string[];
  /** The kernel's metric; it ranks routes when not all fit a quota. */
  readonly metric: number;
}

/** Why a change is made. */
export type ChangeReason = "missing" | "next-hop-changed" | "adopted" | "not-wanted";

/** A change and why. */
export type PlannedChange = Change & { readonly why: ChangeReason };

/** Whether a change is a withdrawal after which one of the adds is to carry its packets. */
export function isCoveredBy(changes: readonly PlannedChange[], { action, prefix }: PlannedChange): boolean {
  return action === "delete" &&
    changes.some((other) => other.action === "add" && prefixContains(other.prefix, prefix));
}

/** A foreign route that stands where a wanted prefix should be. */
export interface Conflict {
  readonly prefix: Prefix;
  readonly foreign: CloudRoute;
}

/** What differs between what is wanted and what is there. */
export interface Difference {
  readonly adds: readonly PlannedChange[];
  readonly replaces: readonly PlannedChange[];
  readonly deletes: readonly PlannedChange[];
  readonly conflicts: readonly Conflict[];
  /** Foreign routes to claim as they stand (`-adopt`, clouds with a ledger). */
  readonly claims: readonly CloudRoute[];
  /** Owned routes that are as wanted. */
  readonly kept: number;
}

/** What the comparison works on. */
export interface DifferenceInput {
  /** By canonical prefix: what is wanted, or null where that is not known at the moment. */
  readonly wanted: (prefix: string) => Target | null | undefined;
  readonly index: TableIndex;
  readonly traits: Pick<CloudTraits, "nextHopsPerRoute" | "ownership" | "uniquePrefix">;
  readonly adopt: boolean;
}

/**
 * Compares the given prefixes; the work is proportional to their number, not to the table.
 *
 * @param prefixes canonical prefixes, each once.
 */
export function difference(prefixes: Iterable<string>, input: DifferenceInput): Difference {
  const adds: PlannedChange[] = [];
  const replaces: PlannedChange[] = [];
  const deletes: PlannedChange[] = [];
  const conflicts: Conflict[] = [];
  const claims: CloudRoute[] = [];
  let kept = 0;
  for (const key of prefixes) {
    const outcome = comparePrefix(key, input);
    switch (outcome.is) {
      case "nothing":
        break;
      case "kept":
        kept++;
        break;
      case "conflict":
        conflicts.push(outcome.conflict);
        break;
      case "claim":
        claims.push(outcome.route);
        break;
      case "change": {
        const { change } = outcome;
        if (change.action === "add") adds.push(change);
        else if (change.action === "replace") replaces.push(change);
        else deletes.push(change);
        break;
      }
    }
  }
  return { adds, replaces, deletes, conflicts, claims, kept };
}

type Outcome =
  | { readonly is: "nothing" | "kept" }
  | { readonly is: "conflict"; readonly conflict: Conflict }
  | { readonly is: "claim"; readonly route: CloudRoute }
  | { readonly is: "change"; readonly change: PlannedChange };

/** One row of the truth table above. */
function comparePrefix(key: string, input: DifferenceInput): Outcome {
  const target = input.wanted(key);
  if (target === null) return { is: "nothing" };
  const own = input.index.own.get(key);
  if (target === undefined) {
    if (own === undefined) return { is: "nothing" };
    const { prefix } = own;
    return { is: "change", change: { action: "delete", prefix, from: own, to: null, why: "not-wanted" } };
  }
  const { prefix } = target;
  const standing = own ?? inTheWay(input.index.foreign.get(key) ?? [], input.traits.uniquePrefix);
  const chosen = chooseNextHops(target, standing?.nextHops ?? [], input.traits.nextHopsPerRoute);
  const to = own === undefined ? chosen : withoutForeign(chosen, input.index.foreign.get(key) ?? [], input);
  if (to.length === 0 && own !== undefined) {
    return { is: "change", change: { action: "delete", prefix, from: own, to: null, why: "not-wanted" } };
  }
  if (standing === undefined) {
    return { is: "change", change: { action: "add", prefix, from: null, to, why: "missing" } };
  }
  const same = sameNextHops(standing.nextHops, to);
  if (own !== undefined) {
    if (same) return { is: "kept" };
    return { is: "change", change: { action: "replace", prefix, from: own, to, why: "next-hop-changed" } };
  }
  if (!input.adopt || standing.owner !== null) {
    return { is: "conflict", conflict: { prefix, foreign: standing } };
  }
  if (standing.fixed === true) {
    return { is: "change", change: { action: "add", prefix, from: null, to, why: "adopted" } };
  }
  if (same && input.traits.ownership === "ledger") return { is: "claim", route: standing };
  return { is: "change", change: { action: "replace", prefix, from: standing, to, why: "adopted" } };
}

/**
 * The foreign route that keeps ours out. Where a prefix can stand several times, one that carries another instance's mark does not:
 * two routers then share the prefix, each with a route of its own.
 */
function inTheWay(foreign: readonly CloudRoute[], uniquePrefix: boolean): CloudRoute | undefined {
  return foreign.find((route) => uniquePrefix || route.owner === null);
}

/**
 * Next hops without those that a foreign route of the prefix has: where a prefix can stand several times and only the ledger tells
 * whose route is whose, the same next hop is one route, and it is theirs.
 */
function withoutForeign(
  hops: readonly string[],
  foreign: readonly CloudRoute[],
  { adopt, traits }: Pick<DifferenceInput, "adopt" | "traits">,
): readonly string[] {
  if (foreign.length === 0 || adopt || traits.uniquePrefix || traits.ownership === "mark") return hops;
  return hops.filter((hop) => !foreign.some((route) => route.nextHops.includes(hop)));
}

/**
 * The next hops to write: all that the cloud takes, sorted. A cloud that takes one keeps the one it has while that is among
 * the wanted ones, so that the order of legs never makes a route flap; else the preferred one decides.
 */
export function chooseNextHops(target: Target, current: readonly string[], most: number): readonly string[] {
  if (target.nextHops.length <= most) return [...target.nextHops].sort();
  const staying = target.nextHops.filter((hop) => current.includes(hop));
  const others = target.nextHops.filter((hop) => !current.includes(hop));
  return [...staying, ...others].slice(0, most).sort();
}

/** Whether two lists name the same next hops; order does not count. */
export function sameNextHops(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((hop) => right.includes(hop));
}

/** Changes that fit the quotas, in the order in which to make them, and those for which there is no room. */
export interface FittedPlan {
  /** Groups to finish one after the other; changes of one group may be made at once. */
  readonly waves: readonly (readonly PlannedChange[])[];
  /** Adds, and replaces that need more places than their route has; that route stays as it is. */
  readonly unfit: readonly PlannedChange[];
}

/**
 * Puts changes in order and leaves out those that no quota has room for.
 *
 * Who stays when not all fit: routes that stand in the table already, then the lower metric, then the shorter prefix, then the
 * lower address.
 *
 * @param deletes the withdrawals that are to be made now: their room counts.
 */
export function fit(
  parts: Pick<Difference, "adds" | "replaces"> & { readonly deletes: readonly PlannedChange[] },
  quotas: readonly CloudQuota[],
  metricOf: (prefix: Prefix) => number,
): FittedPlan {
  const { adds, replaces, deletes } = parts;
  const rooms = quotas.flatMap((quota) => roomOf(quota, [...replaces, ...deletes]));
  const ranked = [replaces, adds].flatMap((changes) =>
    [...changes].sort((left, right) => compareRank(left.prefix, right.prefix, metricOf))
  );
  const early: PlannedChange[] = [];
  const late: PlannedChange[] = [];
  const unfit: PlannedChange[] = [];
  for (const change of ranked) {
    const needs = rooms.map((room) => needOf(change, room)).filter(({ spare }) => spare > 0);
    const fitsNow = needs.every(({ room, spare }) => room.now >= spare);
    const fits = fitsNow || needs.every(({ room, spare }) => room.afterwards >= spare);
    (fitsNow ? early : fits ? late : unfit).push(change);
    for (const { room, places } of fits ? needs : []) takePlaces(room, places, fitsNow);
  }
  const groups = [...byAction(early), deletes, ...byAction(late)];
  return { waves: groups.flatMap(wavesOf), unfit };
}

/** Replaces before adds. */
function byAction(changes: readonly PlannedChange[]): readonly (readonly PlannedChange[])[] {
  return (["replace", "add"] as const).map((action) => changes.filter((change) => change.action === action));
}

/** Places that a quota has left; a quota may count both families together. */
interface Room {
  readonly quota: CloudQuota;
  /** Before any place is freed. */
  now: number;
  /** Once the withdrawals are made, and the replaces that leave a route with fewer next hops. */
  afterwards: number;
}

/** The room of a quota whose limit is known; what is over the limit is paid off first. */
function roomOf(quota: CloudQuota, changes: readonly PlannedChange[]): Room[] {
  const { limit, used } = quota;
  if (limit === null) return [];
  const freed = changes.reduce((sum, change) => sum + Math.max(0, -placesTaken(change, quota)), 0);
  return [{ quota, now: Math.max(0, limit - used), afterwards: Math.max(0, limit - used + freed) }];
}

/** How many places of a quota a change takes for good, and how many it needs while it is made. */
function needOf(
  change: PlannedChange,
  room: Room,
): { readonly room: Room; readonly places: number; readonly spare: number } {
  const { families, immutable } = room.quota;
  const places = Math.max(0, placesTaken(change, room.quota));
  if (immutable !== true || change.action !== "replace" || !families.includes(change.prefix.family)) {
    return { room, places, spare: places };
  }
  const made = change.to.filter((hop) => !change.from.nextHops.includes(hop)).length;
  return { room, places, spare: Math.max(made, places) };
}

/** How many places a change takes in a quota; what it frees is negative. */
function placesTaken({ prefix, from, to }: PlannedChange, { families, perNextHop }: CloudQuota): number {
  if (!families.includes(prefix.family)) return 0;
  const placesOf = (hops: readonly string[]): number => perNextHop === true ? hops.length : 1;
  return (to === null ? 0 : placesOf(to)) - (from === null ? 0 : placesOf(from.nextHops));
}

function takePlaces(room: Room, places: number, now: boolean): void {
  room.afterwards -= places;
  if (now) room.now -= places;
  room.now = Math.min(room.now, room.afterwards);
}

function compareRank(left: Prefix, right: Prefix, metricOf: (prefix: Prefix) => number): number {
  return metricOf(left) - metricOf(right) || left.length - right.length || comparePrefixes(left, right);
}

/** Splits changes of one kind into groups of one prefix length: within a group none covers another. */
function wavesOf(changes: readonly PlannedChange[]): PlannedChange[][] {
  const waves: PlannedChange[][] = [];
  let length = -1;
  for (
    const change of [...changes].sort((left, right) => compareMoreSpecificFirst(left.prefix, right.prefix))
  ) {
    if (change.prefix.length !== length) waves.push([]);
    length = change.prefix.length;
    waves.at(-1)?.push(change);
  }
  return waves;
}
