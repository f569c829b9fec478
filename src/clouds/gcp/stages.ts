/** Which changes may be under way together. Pure. */

import { prefixContains } from "../../routes/prefix.ts";
import type { Change } from "../cloud.ts";

/**
 * Splits changes into stages: those of a stage may be made all at once, a stage begins when the one before has ended.
 *
 * Operations end in any order, so the order that was asked for holds only across stages. It matters where one
 * prefix covers another (the more specific one goes first, or the covering one takes its packets meanwhile),
 * and where deletes make room for what is added after them.
 */
export function stagesOf<T extends Change>(changes: readonly T[]): readonly (readonly T[])[] {
  const stages: T[][] = [];
  for (const change of changes) {
    const stage = stages.at(-1);
    if (stage === undefined || stage.some((earlier) => mustWait(change, earlier))) stages.push([change]);
    else stage.push(change);
  }
  return stages;
}

function mustWait(change: Change, earlier: Change): boolean {
  return (earlier.action === "delete" && change.action !== "delete") ||
    prefixContains(change.prefix, earlier.prefix) || prefixContains(earlier.prefix, change.prefix);
}
