/** This router as the marks of routes name it, with what its kernel has had as gateways. */

import { itemsAStep, type Steps } from "../async/steps.ts";
import type { CloudIdentity } from "../clouds/cloud.ts";
import type { WantedRoute } from "../routes/route_judge.ts";
import type { SelfMarks } from "./route_holder.ts";

/** The gateways in the cloud's network that the kernel has had since the program was started. */
export class KnownGateways {
  readonly #addresses = new Set<string>();

  /** All of them. @param wanted what the kernel wants now. */
  *noting(wanted: Iterable<WantedRoute>): Steps<ReadonlySet<string>> {
    let looked = 0;
    for (const { nextHops } of wanted) {
      if (++looked % itemsAStep === 0) yield;
      for (const { neighbour } of nextHops) if (neighbour !== null) this.#addresses.add(neighbour.text);
    }
    return this.#addresses;
  }
}

/** This router as marks name it; null where they do not. */
export function selfMarks(
  { sign, self, addresses }: CloudIdentity,
  gateways: ReadonlySet<string>,
): SelfMarks | null {
  if (sign === undefined) return null;
  const own = [self[4], self[6], ...addresses.map(({ text }) => text), ...sign.nextHops];
  return { sign, hops: new Set(own.filter((hop) => hop !== null)), gateways };
}
