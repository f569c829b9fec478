/** Turns wanted routes into the cloud's own ids. */

import { itemsAStep, type Steps } from "../async/steps.ts";
import type { CloudConnection, CloudIdentity, Neighbour } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import type { Family } from "../routes/prefix.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import type { Target } from "./planned_change.ts";

/** What is known of the gateways of some wanted routes. */
export interface Resolution {
  /** Ids by {@linkcode neighbourKey}; null: the cloud has none. A neighbour that is missing could not be looked up. */
  readonly ids: ReadonlyMap<string, string | null>;
  /** Why some could not be looked up, or null. */
  readonly error: CloudError | null;
}

/** What a neighbour is looked up by: the gateway, and the family of the routes by way of it. */
function neighbourKey({ gateway, family }: Neighbour): string {
  return `${gateway.text} for IPv${family}`;
}

/** The gateways of some wanted routes that may be other machines, each once a family. */
export function* findingNeighbours(wanted: Iterable<WantedRoute>): Steps<readonly Neighbour[]> {
  const neighbours = new Map<string, Neighbour>();
  /** Many routes of one kernel go by the same next hops. */
  const seen = { 4: new Set<WantedRoute["nextHops"]>(), 6: new Set<WantedRoute["nextHops"]>() };
  let looked = 0;
  for (const { prefix: { family }, nextHops } of wanted) {
    if (++looked % itemsAStep === 0) yield;
    if (seen[family].has(nextHops)) continue;
    seen[family].add(nextHops);
    for (const { neighbour: gateway } of nextHops) {
      if (gateway !== null) neighbours.set(neighbourKey({ gateway, family }), { gateway, family });
    }
  }
  return [...neighbours.values()];
}

/**
 * Asks the cloud which machines the neighbours are. A failure is part of the answer, never thrown: what needs no look-up goes on.
 */
export async function resolveNeighbours(
  connection: Pick<CloudConnection, "resolve">,
  neighbours: readonly Neighbour[],
  signal: AbortSignal,
): Promise<Resolution> {
  if (neighbours.length === 0) return { ids: new Map(), error: null };
  try {
    const ids = await connection.resolve(neighbours, signal);
    return {
      ids: new Map(neighbours.map((neighbour, index) => [neighbourKey(neighbour), ids[index] ?? null])),
      error: null,
    };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { ids: new Map(), error };
  }
}

/**
 * Makes targets of wanted routes. Many routes of one kernel go by the same next hops: what those are is found out once.
 *
 * @returns a function that gives null while the target is not known: a neighbour could not be looked up, or this VM cannot be
 * pointed at.
 */
export function targetsOf(
  identity: Pick<CloudIdentity, "self">,
  resolution: Resolution,
): (wanted: WantedRoute) => Target | null {
  const known = { 4: new Map<WantedRoute["nextHops"], Hops>(), 6: new Map<WantedRoute["nextHops"], Hops>() };
  return ({ prefix, metric, nextHops: by }) => {
    const ofFamily = known[prefix.family];
    let nextHops = ofFamily.get(by);
    if (nextHops === undefined) ofFamily.set(by, nextHops = hopsOf(by, prefix.family, identity, resolution));
    return nextHops === null ? null : { prefix, nextHops, metric };
  };
}

/** Next hops in the cloud's own ids; null: not known. */
type Hops = readonly string[] | null;

function hopsOf(
  by: WantedRoute["nextHops"],
  family: Family,
  identity: Pick<CloudIdentity, "self">,
  resolution: Resolution,
): Hops {
  const nextHops = new Set<string>();
  for (const { neighbour: gateway } of by) {
    const id = gateway === null ? null : resolution.ids.get(neighbourKey({ gateway, family }));
    if (id === undefined) return null;
    const target = id ?? identity.self[family];
    if (target === null) return null;
    nextHops.add(target);
  }
  return [...nextHops];
}
