/** How single prefixes of a table stood when it was compared last: what is done there, or why nothing is. Pure. */

import type { Comparison } from "./comparison.ts";
import type { GroupVerdict } from "./group.ts";
import type { PlannedChange } from "./planned_change.ts";

/** How one prefix stands; a prefix that has none is as it should be. */
export type Standing =
  | { readonly is: "over-quota" | "blocked" | "unresolved" | "held" | "waiting" }
  /** This VM sends `turnsBack` by the subnet's router, and the table would send it back. */
  | { readonly is: "would-loop"; readonly turnsBack: string }
  /** Another router of the group has it. */
  | { readonly is: "left"; readonly verdict: GroupVerdict }
  /** `retry`: the change failed, and is tried again later. `damped`: its prefix flapped too often, and it waits for its turn. */
  | { readonly is: "change" | "retry" | "damped"; readonly change: PlannedChange };

/** The prefixes that are not simply as they should be, by canonical text. */
export function standings(comparison: Comparison): ReadonlyMap<string, Standing> {
  const { difference, decision, waiting, fitted, notRetryable, damped, unresolved, looping } = comparison;
  const found = new Map<string, Standing>();
  // What is put last counts: what keeps a change from being made says more than the change.
  for (const change of fitted.waves.flat()) found.set(change.prefix.text, { is: "change", change });
  for (const change of notRetryable) found.set(change.prefix.text, { is: "retry", change });
  for (const change of damped) found.set(change.prefix.text, { is: "damped", change });
  for (const { prefix } of waiting) found.set(prefix.text, { is: "waiting" });
  for (const { prefix, verdict } of difference.left) found.set(prefix.text, { is: "left", verdict });
  for (const prefix of decision.held) found.set(prefix, { is: "held" });
  for (const prefix of unresolved) found.set(prefix, { is: "unresolved" });
  for (const { prefix, turnsBack } of looping) found.set(prefix, { is: "would-loop", turnsBack });
  for (const { prefix } of difference.conflicts) found.set(prefix.text, { is: "blocked" });
  for (const { prefix } of fitted.overQuota) found.set(prefix.text, { is: "over-quota" });
  return found;
}
