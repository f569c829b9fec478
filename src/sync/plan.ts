/**
 * What to change in a table. Pure: no clock, no network. What of it fits the quotas is said in `fit.ts`, in which order in `waves.ts`.
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
 * | yes, -adopt   | no                | the network's own (AWS     | conflict: nothing takes its place                    |
 * |               |                   | `local`)                   |                                                      |
 * | yes, -adopt   | no                | one that the cloud put     | add: ours goes before it                             |
 * |               |                   | there by itself            |                                                      |
 * | yes           | same next hops    | any                        | kept                                                 |
 * | yes           | other next hops   | any                        | replace ours                                         |
 * | yes           | the cloud says    | any                        | replace ours by the same                             |
 * |               | that it failed    |                            |                                                      |
 * | yes           | its mark names no | any                        | replace ours by the same, with a mark that names     |
 * |               | router            |                            | this one (see route_holder.ts)                       |
 * | yes           | other next hops   | one that has them, and     | delete ours, or leave out what the foreign one has:  |
 * |               |                   | only the ledger tells      | once written, nobody could tell whose it is          |
 * | not known yet | any               | any                        | left as it is: a failed look-up withdraws nothing    |
 *
 * What stands at another router of the group is that router's: see group.ts for what is done there.
 */

import { finish, itemsAStep, type Steps } from "../async/steps.ts";
import type { CloudRoute, CloudTraits } from "../clouds/cloud.ts";
import type { Prefix } from "../routes/prefix.ts";
import type { GroupVerdict, PrefixMemory } from "./group.ts";
import { type GroupInput, groupOutcome } from "./group_comparison.ts";
import type { TableIndex } from "./ownership.ts";
import {
  chooseNextHops,
  type Conflict,
  type Outcome,
  type PlannedChange,
  sameNextHops,
  type Target,
} from "./planned_change.ts";

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
  /** Wanted prefixes that are left to another router of the group. */
  readonly left: readonly { readonly prefix: Prefix; readonly verdict: GroupVerdict }[];
  /** By canonical prefix what a router of a group is to remember of it; empty for one that is alone. */
  readonly memories: ReadonlyMap<string, PrefixMemory>;
}

/** What the comparison works on. */
export interface DifferenceInput {
  /** By canonical prefix: what is wanted, or null where that is not known at the moment. */
  readonly wanted: (prefix: string) => Target | null | undefined;
  readonly index: TableIndex;
  readonly traits: Pick<CloudTraits, "nextHopsPerRoute" | "nextHopsOf" | "ownership" | "uniquePrefix">;
  readonly adopt: boolean;
  /** Null: this router is alone. */
  readonly group: GroupInput | null;
}

/** Compares all at once; see {@linkcode differing}. */
export function difference(prefixes: Iterable<string>, input: DifferenceInput): Difference {
  return finish(differing(prefixes, input));
}

/**
 * Compares the given prefixes; the work is proportional to their number, not to the table.
 *
 * @param prefixes canonical prefixes, each once.
 */
export function* differing(prefixes: Iterable<string>, input: DifferenceInput): Steps<Difference> {
  const adds: PlannedChange[] = [];
  const replaces: PlannedChange[] = [];
  const deletes: PlannedChange[] = [];
  const conflicts: Conflict[] = [];
  const claims: CloudRoute[] = [];
  const left: { prefix: Prefix; verdict: GroupVerdict }[] = [];
  const memories = new Map<string, PrefixMemory>();
  let kept = 0;
  let looked = 0;
  for (const key of prefixes) {
    if (++looked % itemsAStep === 0) yield;
    const outcome = comparePrefix(key, input, memories);
    switch (outcome.is) {
      case "nothing":
        break;
      case "left":
        left.push({ prefix: outcome.prefix, verdict: outcome.verdict });
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
  return { adds, replaces, deletes, conflicts, claims, kept, left, memories };
}

/** Made once, not for each of a million prefixes. */
const noRoutes: readonly CloudRoute[] = [];
const asWanted: Outcome = { is: "kept" };

/** One row of the truth table above. */
function comparePrefix(key: string, input: DifferenceInput, memories: Map<string, PrefixMemory>): Outcome {
  const target = input.wanted(key);
  if (target === null) return { is: "nothing" };
  if (input.group === null) return compareAlone(key, target, input);
  const { memory, outcome, target: mine } = groupOutcome(key, target, input.group, input);
  memories.set(key, memory);
  return outcome ?? compareAlone(key, mine, input);
}

/** As if there were no other router. */
function compareAlone(key: string, target: Target | undefined, input: DifferenceInput): Outcome {
  const own = input.index.own.get(key);
  if (target === undefined) {
    if (own === undefined) return { is: "nothing" };
    const { prefix } = own;
    return { is: "change", change: { action: "delete", prefix, from: own, to: null, why: "not-wanted" } };
  }
  const { prefix } = target;
  const foreign = input.index.foreign.get(key) ?? noRoutes;
  const standing = own ?? inTheWay(foreign, input.traits.uniquePrefix);
  const most = input.traits.nextHopsOf?.(prefix) ?? input.traits.nextHopsPerRoute;
  const chosen = chooseNextHops(target, standing?.nextHops ?? [], most);
  const to = own === undefined ? chosen : withoutForeign(chosen, foreign, input);
  if (to.length === 0 && own !== undefined) {
    return { is: "change", change: { action: "delete", prefix, from: own, to: null, why: "not-wanted" } };
  }
  if (standing === undefined) {
    return { is: "change", change: { action: "add", prefix, from: null, to, why: "missing" } };
  }
  const same = sameNextHops(standing.nextHops, to);
  if (own !== undefined) {
    if (same && own.failed !== true && own.unsigned !== true) return asWanted;
    const why = !same ? "next-hop-changed" : own.failed === true ? "failed" : "signed";
    return { is: "change", change: { action: "replace", prefix, from: own, to, why } };
  }
  if (!input.adopt || standing.owner !== null || standing.protected === true) {
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
