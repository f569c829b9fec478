/** One prefix on the page and in `/routes`: what the kernel has, what was decided, what the cloud has. */

/** The state of a prefix, the worst first. */
export const rowStates = [
  "failing",
  "blocked",
  "over-quota",
  "would-loop",
  "unresolved",
  "held",
  "pending",
  "passive",
  "standby",
  "peer",
  "in-step",
  "foreign",
  "dropped",
] as const;

/** See {@linkcode rowStates}. */
export type RowState = typeof rowStates[number];

/** A route of the kernel. */
export interface KernelCell {
  /** Where it leads, as `10.0.0.7 dev eth0`. */
  readonly via: string;
  readonly protocol: string;
  readonly metric: number;
  /** Why it is dropped; null: it is wanted. */
  readonly reason: string | null;
}

/** What stands in, or is missing from, one table of the cloud. */
export interface CloudCell {
  readonly table: string;
  readonly state: RowState;
  /** Next hops as people read them; null: there is no route. */
  readonly to: string | null;
  readonly owner: "ours" | "peer" | "foreign" | null;
  /** Why it is so, where more is to be said than the state says. */
  readonly why: string | null;
}

/** See the head of this file. */
export interface RouteRow {
  /** Canonical. */
  readonly prefix: string;
  /** The one that decides first; empty where the kernel has none. */
  readonly kernel: readonly KernelCell[];
  /** `absent`: the kernel has no route for it. */
  readonly verdict: "wanted" | "dropped" | "absent";
  /** Why it is dropped. */
  readonly reason: string | null;
  /** The worst of the tables'. */
  readonly state: RowState;
  readonly cloud: readonly CloudCell[];
}

/** All rows at one moment. */
export interface RouteRows {
  /** A row that did not change is the object that it was. */
  readonly rows: readonly RouteRow[];
  /** Number of the kernel's routes that are not listed, since there are too many. */
  readonly leftOut: number;
}

/** The worst of some states; `dropped` of none. */
export function worstState(states: readonly RowState[]): RowState {
  return rowStates.find((state) => states.includes(state)) ?? "dropped";
}
