/** Turns wanted routes into the cloud's own ids. */

import type { Cloud, CloudIdentity } from "../clouds/cloud.ts";
import { CloudError } from "../clouds/cloud_error.ts";
import type { WantedRoute } from "../routes/policy.ts";
import type { IpAddress } from "../routes/prefix.ts";
import type { Target } from "./plan.ts";

/** What is known of the gateways of some wanted routes. */
export interface Resolution {
  /** Ids by gateway; null: no VM has the address. A gateway that is missing could not be looked up. */
  readonly ids: ReadonlyMap<string, string | null>;
  /** Why some could not be looked up, or null. */
  readonly error: CloudError | null;
}

/**
 * Asks the cloud which VMs the neighbours are. A failure is told in the answer, never thrown: what needs no look-up goes on.
 */
export async function resolveNeighbours(
  cloud: Pick<Cloud, "resolve">,
  wanted: Iterable<WantedRoute>,
  signal: AbortSignal,
): Promise<Resolution> {
  const gateways = new Map<string, IpAddress>();
  for (const route of wanted) {
    for (const hop of route.nextHops) if (hop.neighbour) gateways.set(hop.neighbour.text, hop.neighbour);
  }
  if (gateways.size === 0) return { ids: new Map(), error: null };
  try {
    return { ids: await cloud.resolve([...gateways.values()], signal), error: null };
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
  identity: CloudIdentity,
  resolution: Resolution,
): Target | null {
  const { prefix, metric } = wanted;
  const self = identity.self[prefix.family];
  const nextHops = new Set<string>();
  for (const hop of wanted.nextHops) {
    const id = hop.neighbour === null ? null : resolution.ids.get(hop.neighbour.text);
    if (id === undefined) return null;
    const target = id ?? self;
    if (target === null) return null;
    nextHops.add(target);
  }
  return { prefix, nextHops: [...nextHops], metric };
}
