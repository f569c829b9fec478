/** Where Azure takes several next hops: not in every region, not by every API version, and not for every route. */

import { getLogger } from "@logtape/logtape";
import type { Prefix } from "../../routes/prefix.ts";
import type { CloudError } from "../cloud_error.ts";
import type { ArmClient } from "./api.ts";
import { isEcmpUnknown } from "./partial_write.ts";
import { mostNextHops } from "./routes.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** How long a region or a route is not asked again, in milliseconds: Azure enables the feature region by region. */
const rememberedMs = 86_400_000;

/** Remembers what Azure has refused. */
export class EcmpSupport {
  readonly #enabled: boolean;
  readonly #now: () => number;
  #regionUntil = 0;
  readonly #untilByPrefix = new Map<string, number>();

  /**
   * @param enabled false with `-no-ecmp`.
   * @param now milliseconds of a monotonic clock.
   */
  constructor(enabled: boolean, now: () => number) {
    this.#enabled = enabled;
    this.#now = now;
  }

  /** Whether routes with several next hops may be asked for. @param arm null while it is not known. */
  allows(arm: ArmClient | null): boolean {
    return this.#enabled && this.#now() >= this.#regionUntil && (arm === null || arm.knowsEcmp);
  }

  /** Most next hops of a prefix's route. */
  mostOf(prefix: Prefix, arm: ArmClient | null): number {
    if (!this.allows(arm)) return 1;
    return this.#now() < (this.#untilByPrefix.get(prefix.text) ?? 0) ? 1 : mostNextHops;
  }

  /** Takes note of a set that Azure refused, whose route stands with one next hop. */
  refused(prefix: Prefix, refusal: CloudError): void {
    const until = this.#now() + rememberedMs;
    const reason = refusal.message;
    if (!isEcmpUnknown(refusal)) {
      this.#untilByPrefix.set(prefix.text, until);
      logger.warn(
        "Azure refuses several next hops for route {prefix}; the lowest address is used: {reason}",
        {
          prefix: prefix.text,
          reason,
        },
      );
      return;
    }
    if (this.#now() < this.#regionUntil) return;
    this.#regionUntil = until;
    logger.warn("Azure takes one next hop a route here; the lowest address is used: {reason}", { reason });
  }
}
