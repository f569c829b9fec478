/**
 * Next hops that do not exist any more and never will again, as the cloud says when it is asked. What is gone is remembered; of what is
 * not, the cloud is asked at most once a minute.
 */

import { getLogger } from "@logtape/logtape";
import type { CloudConnection } from "../clouds/cloud.ts";
import { CloudError, errorFacts } from "../clouds/cloud_error.ts";

const log = getLogger(["cloudroutesync", "group"]);
const askAgainAfterMs = 60_000;

/** See the head of this file. */
export class GoneNextHops {
  readonly #gone = new Set<string>();
  /** When the cloud is to be asked again of what it has not said to be gone, by next hop. */
  readonly #askAgainAt = new Map<string, number>();

  /** Those of the next hops that are gone; after an error no more than before. @param now milliseconds of a monotonic clock. */
  async among(
    nextHops: readonly string[],
    connection: Pick<CloudConnection, "findGone">,
    signal: AbortSignal,
    now: number,
  ): Promise<ReadonlySet<string>> {
    const asked = [...new Set(nextHops)].filter((hop) =>
      !this.#gone.has(hop) && (this.#askAgainAt.get(hop) ?? -Infinity) <= now
    );
    if (asked.length > 0 && connection.findGone !== undefined) {
      for (const hop of asked) this.#askAgainAt.set(hop, now + askAgainAfterMs);
      try {
        for (const hop of await connection.findGone(asked, signal)) this.#gone.add(hop);
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        log.warn("Cannot ask the cloud what a router has left behind: {message}", {
          event: "failure",
          ...errorFacts(error),
        });
      }
    }
    return this.#gone;
  }
}
