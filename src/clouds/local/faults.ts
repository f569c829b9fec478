/** The faults that `-local-faults` draws: errors as clouds return them, before a call took effect or after. */

import { CloudError } from "../cloud_error.ts";

/** A failure and whether it strikes before or after the call took effect. */
export interface Fault {
  readonly when: "before" | "after";
  readonly error: CloudError;
}

const faults: readonly (() => Fault)[] = [
  () => ({
    when: "before",
    error: new CloudError("unavailable", "Cannot reach the cloud: connection refused (fault)"),
  }),
  () => ({
    when: "after",
    error: new CloudError("unavailable", "Cannot reach the cloud: no answer in time (fault)"),
  }),
  () => ({
    when: "before",
    error: new CloudError("throttled", "Cannot call the cloud: too many requests (fault)", {
      retryAfterMs: 100,
    }),
  }),
];

/** Draws a fault with a probability from 0 (never) to 1 (always). */
export function drawFault(probability: number): Fault | null {
  if (Math.random() >= probability) return null;
  return faults[Math.floor(Math.random() * faults.length)]?.() ?? null;
}
