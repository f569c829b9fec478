/** Which routers are dead, of what is known of their next hops. */

import type { DeadPeer, PeerRouter } from "../cloud.ts";

/**
 * The routers all of whose next hops are dead: one that was rebuilt lives, though routes to its former interface are dropped.
 *
 * @param causeOf why a next hop is dead, for logs; undefined: that is not proven.
 */
export function deadPeersOf(
  peers: readonly PeerRouter[],
  causeOf: (nextHop: string) => string | undefined,
): readonly DeadPeer[] {
  return peers.flatMap(({ address, nextHops }) => {
    const causes = nextHops.flatMap((hop) => causeOf(hop) ?? []);
    const [cause] = causes;
    return cause !== undefined && causes.length === nextHops.length ? [{ address, cause }] : [];
  });
}
