/** What the plan is made of: what is wanted of a prefix, and the change that leads to it. Pure. */

import type { Change, CloudRoute } from "../clouds/cloud.ts";
import { type Prefix, prefixContains, prefixOf } from "../routes/prefix.ts";
import type { GroupVerdict } from "./group.ts";

/** A wanted route with its next hops in the cloud's own ids. */
export interface Target {
  readonly prefix: Prefix;
  /** At least one, the preferred first. */
  readonly nextHops: readonly string[];
  /** The kernel's metric; it ranks routes when not all fit a quota. */
  readonly metric: number;
}

/** Why a change is made. */
export type ChangeReason =
  | "missing"
  | "next-hop-changed"
  | "failed"
  | "adopted"
  | "not-wanted"
  /** As it stands, with a mark that names this router. */
  | "signed"
  /** From another router of the group. */
  | "taken-over"
  /** To another router of the group. */
  | "handed-over";

/** A change and why. */
export type PlannedChange = Change & {
  readonly why: ChangeReason;
  /** Address of the router of the group that the prefix is taken from. */
  readonly takesFrom?: string;
};

/** Whether a change is a withdrawal after which one of the adds is to carry its packets. */
export function isCoveredBy(changes: readonly PlannedChange[], { action, prefix }: PlannedChange): boolean {
  return action === "delete" &&
    changes.some((other) => other.action === "add" && prefixContains(other.prefix, prefix));
}

/** The adds among many changes, so that it is quickly found whether a withdrawal is to be covered by one. */
export class CoveringAdds {
  readonly #prefixes = new Set<string>();
  readonly #lengths = new Set<number>();

  constructor(changes: Iterable<PlannedChange> = []) {
    for (const change of changes) this.take(change);
  }

  /** Takes a change in, if it is an add. */
  take({ action, prefix }: PlannedChange): void {
    if (action !== "add") return;
    this.#prefixes.add(prefix.text);
    this.#lengths.add(prefix.length);
  }

  /** As {@linkcode isCoveredBy}. */
  cover({ action, prefix: { family, words, length } }: PlannedChange): boolean {
    if (action !== "delete") return false;
    for (const outer of this.#lengths) {
      if (outer <= length && this.#prefixes.has(prefixOf(family, words, outer).text)) return true;
    }
    return false;
  }
}

/** A foreign route that stands where a wanted prefix should be. */
export interface Conflict {
  readonly prefix: Prefix;
  readonly foreign: CloudRoute;
}

/** What becomes of one prefix. */
export type Outcome =
  | { readonly is: "nothing" | "kept" }
  | { readonly is: "conflict"; readonly conflict: Conflict }
  | { readonly is: "claim"; readonly route: CloudRoute }
  | { readonly is: "left"; readonly prefix: Prefix; readonly verdict: GroupVerdict }
  | { readonly is: "change"; readonly change: PlannedChange };

/**
 * The next hops to write: all that the cloud takes, sorted. A cloud that takes one keeps the one it has while that is among
 * the wanted ones, so that the order of legs never makes a route flap; else the preferred one decides.
 */
export function chooseNextHops(target: Target, current: readonly string[], most: number): readonly string[] {
  if (target.nextHops.length === 1) return target.nextHops;
  if (target.nextHops.length <= most) return [...target.nextHops].sort();
  const staying = target.nextHops.filter((hop) => current.includes(hop));
  const others = target.nextHops.filter((hop) => !current.includes(hop));
  return [...staying, ...others].slice(0, most).sort();
}

/** Whether two lists name the same next hops; order does not count. */
export function sameNextHops(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((hop) => right.includes(hop));
}
