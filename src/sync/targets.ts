/** Turns wanted routes into the cloud's own ids. */

import type { CloudConnection, CloudIdentity, Neighbour } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
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
export function neighboursOf(wanted: Iterable<WantedRoute>): readonly Neighbour[] {
  const neighbours = new Map<string, Neighbour>();
  for (const { prefix: { family }, nextHops } of wanted) {
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
  wanted: Iterable<WantedRoute>,
  signal: AbortSignal,
): Promise<Resolution> {
  const neighbours = neighboursOf(wanted);
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
 * The target of a wanted route.
 *
 * @returns null while it is not known: a neighbour could not be looked up, or this VM cannot be pointed at.
 */
export function targetOf(
  wanted: WantedRoute,
  identity: Pick<CloudIdentity, "self">,
  resolution: Resolution,
): Target | null {
  const { prefix, metric } = wanted;
  const { family } = prefix;
  const nextHops = new Set<string>();
  for (const { neighbour: gateway } of wanted.nextHops) {
    const id = gateway === null ? null : resolution.ids.get(neighbourKey({ gateway, family }));
    if (id === undefined) return null;
    const target = id ?? identity.self[family];
    if (target === null) return null;
    nextHops.add(target);
  }
  return { prefix, nextHops: [...nextHops], metric };
}
