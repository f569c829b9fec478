/** What a round left to be done. Pure. */

import { eachOf, someOf, type Steps } from "../async/steps.ts";
import type { CloudError } from "../clouds/cloud_error.ts";
import { meaningOf } from "../clouds/error_meaning.ts";
import type { Prefix } from "../routes/prefix.ts";
import type { Comparison } from "./comparison.ts";
import type { PlannedChange } from "./planned_change.ts";
import type { Resolution } from "./targets.ts";
import type { WriteReport } from "./writer.ts";

/** Canonical prefixes that are not as wanted after a round. */
export function* leavingOver(comparison: Comparison): Steps<Set<string>> {
  const { adds, replaces, deletes, conflicts } = comparison.difference;
  const left = new Set(comparison.unresolved);
  for (const each of [adds, replaces, deletes, conflicts]) {
    yield* eachOf<{ readonly prefix: Prefix }>(each, ({ prefix }) => left.add(prefix.text));
  }
  return left;
}

/** Whether a change that was reported done is still to be done: the reading was stale, or somebody undid it. */
export function* lookingUndone({ done }: WriteReport, { fitted: { waves } }: Comparison): Steps<boolean> {
  if (waves.length === 0) return false;
  const planned = new Set<string>();
  for (const wave of waves) yield* eachOf(wave, (change) => planned.add(textOf(change)));
  return yield* someOf(done, (change) => planned.has(textOf(change)));
}

function textOf({ action, prefix, to }: PlannedChange): string {
  return `${action} ${prefix.text} ${to?.join() ?? ""}`;
}

/** The failure that decides when to go on: the one that asks for the longest delay; null if none keeps the loop waiting. */
export function worstFailure(report: WriteReport | null, resolution: Resolution): CloudError | null {
  const errors = (report?.failed ?? []).map(({ error }) => error);
  if (resolution.error !== null) errors.push(resolution.error);
  return errors.filter((error) => meaningOf(error).retry !== "each-minute").reduce<CloudError | null>(
    (worst, error) => (error.retryAfterMs ?? 0) >= (worst?.retryAfterMs ?? 0) ? error : worst,
    null,
  );
}

/** The earlier of two times, either of which may be none. */
export function earliest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}
